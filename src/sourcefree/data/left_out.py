"""What is said of images that cannot be used, or hardly: equal reasons once, with a count and one example."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sourcefree.data.modality import Modality
from sourcefree.data.physical import valid_range
from sourcefree.errors import DataError

_SHOWN = 4
_CLIPPED = 0.5  # share of the values that may lie outside the valid range without a word


@dataclass(frozen=True)
class Origin:
    """Where images come from, for errors.

    Attributes:
        where: folder or option; empty where the names of the images say it.
        read_as: the sensor, and why that one.
        hint: returns what to do where no image can be used; asked only then, for it may look at images again.
    """

    where: str = ""
    read_as: str = ""
    hint: Callable[[], str] = field(default=lambda: "are they images of this sensor? sourcefree inspect lists them all")


def by_reason(left_out: Sequence[tuple[str, str]], *, shown: int = _SHOWN) -> str:
    """Return the reasons of (file, reason), the most frequent first, each with a count and one file."""
    groups: dict[str, list[str]] = defaultdict(list)
    for file, reason in left_out:
        groups[reason].append(file)
    ordered = sorted(groups.items(), key=lambda group: -len(group[1]))
    parts = [
        f"{files[0]}: {reason}" if len(files) == 1 else f"{reason} ({len(files)} images, for example {files[0]})"
        for reason, files in ordered[:shown]
    ]
    others = sum(len(files) for _, files in ordered[shown:])
    return "; ".join([*parts, f"and {others} more"] if others else parts)


def check_share(left_out: Sequence[tuple[str, str]], total: int, limit: float, origin: Origin) -> None:
    """Refuse images of which none, or too few, can be used.

    Args:
        left_out: (file, reason) of those that cannot be used.
        total: how many there are in all.
        limit: share of unusable images above which it is an error.
        origin: of the images.

    Raises:
        DataError: none can be used, or more than ``limit`` cannot.
    """
    if not left_out or (len(left_out) < total and len(left_out) <= limit * total):
        return
    where = f"{origin.where}: " if origin.where else ""
    read_as = f" as {origin.read_as}" if origin.read_as else ""
    if len(left_out) == total:
        raise DataError(
            f"{where}none of {total} images can be used{read_as}: {by_reason(left_out)}", hint=origin.hint()
        )
    raise DataError(
        f"{where}{len(left_out)} of {total} images cannot be used{read_as}, more than the allowed {100 * limit:.0f} %: "
        f"{by_reason(left_out)}",
        hint="sourcefree inspect lists them all; repair or remove them, or raise --max-unreadable",
    )


def clipping_warning(modality: Modality | None, clipped: float) -> list[str]:
    """Return a sentence for the user where most of what was measured is moved to the ends of the valid range.

    Args:
        modality: the sensor; None where it is not known.
        clipped: share of the measured values that lie outside its valid range.
    """
    if modality is None or clipped <= _CLIPPED:
        return []
    return [
        f"{100 * clipped:.0f} % of the values lie outside the valid range of {modality.name}, {valid_range(modality)}, and are "
        "clipped to it, so that they cannot be told apart: check the scale and the range of the modality."
    ]
