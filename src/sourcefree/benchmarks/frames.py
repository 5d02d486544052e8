"""What a data set's reader returns: frames seen by both sensors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Frame:
    """One scene seen by both sensors.

    Attributes:
        name: unique name without extension, such as "kv1/NYUdata/NYU0001".
        label: class name.
        group: part of the data set: a sensor, a split, or "".
        source: RGB image.
        target: image of the other sensor.
    """

    name: str
    label: str
    group: str
    source: Path
    target: Path

    def entry(self, side: str) -> tuple[str, Path]:
        """Return (name, file) of one side for a manifest: the class comes first."""
        file = self.source if side == "source" else self.target
        return f"{self.label}/{self.name.replace('/', '__')}{file.suffix.lower()}", file


@dataclass(frozen=True)
class Reading:
    """All frames of a data set, and what was noticed.

    Attributes:
        frames: in the order of their names.
        notes: plain sentences: what is missing, what was left out.
    """

    frames: list[Frame]
    notes: list[str]


def counts(frames: Iterable[Frame]) -> dict[str, dict[str, int]]:
    """Return images by group and class."""
    found: dict[str, Counter[str]] = {}
    for frame in frames:
        found.setdefault(frame.group, Counter())[frame.label] += 1
    return {group: dict(sorted(labels.items())) for group, labels in sorted(found.items())}


def common_labels(frames: Sequence[Frame], groups: Sequence[str]) -> list[str]:
    """Return the classes that occur in every group, sorted."""
    sets = [{frame.label for frame in frames if frame.group == group} for group in groups]
    return sorted(set.intersection(*sets)) if sets else []


def plausible(found: int, expected: int, what: str, *, tolerance: int) -> list[str]:
    """Return a sentence where a count is not near the one that is known of the whole data set."""
    if abs(found - expected) <= tolerance:
        return []
    return [f"{what}: {found} frames, the whole data set has about {expected}."]
