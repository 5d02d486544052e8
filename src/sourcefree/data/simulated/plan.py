"""Which frames a simulated set holds: splits, classes in turn, folders; whatever the number of workers."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sourcefree.data.simulated.registry import chosen_families, pair_families


@dataclass(frozen=True)
class Job:
    """One frame to render; `rgb` and `depth` say where in the set's folder, without `.png`."""

    split: str
    index: int
    family: str
    rgb: str | None
    depth: str | None


def split_key(split: str) -> int:
    """Return the number that stands for a split's name in its seeds."""
    return zlib.crc32(split.encode())


def class_of(seed: int, split: str, index: int, names: list[str]) -> str:
    """Return the family of a frame: a fresh random order of all `names` for every len(names) frames.

    Classes are balanced, a file's number says nothing of its class, and a longer split begins with a
    shorter one.
    """
    block, place = divmod(index, len(names))
    order = np.random.default_rng([seed, split_key(split), split_key("order"), block]).permutation(len(names))
    return names[int(order[place])]


def plan(
    sizes: Mapping[str, int],
    *,
    task_set: str,
    seed: int,
    both_sensors: bool = False,
    pairs_of: str = "irrelevant",
    labelled_target: bool = False,
    task_classes: Sequence[str] | None = None,
) -> list[Job]:
    """Return the jobs of all splits.

    Args:
        sizes: frames of "source_train", "source_test", "target_train", "target_test" and "pairs".
        task_set: "a", "b" or "all".
        seed: fixes the class order.
        both_sensors: also write the target frames' colour images, under `target_rgb/`.
        pairs_of: which families the pairs show, see :func:`pair_families`.
        labelled_target: put the adaptation set into class folders too.
        task_classes: those of the task set that are rendered; default: all.
    """
    classes, others = chosen_families(task_set, task_classes), pair_families(pairs_of, task_set)
    jobs = []
    for split, count in sizes.items():
        names = others if split == "pairs" else classes
        for i in range(count):
            name = class_of(seed, split, i, names)
            jobs.append(Job(split, i, name, *_places(split, i, name, both_sensors, labelled_target)))
    return jobs


def _places(
    split: str, index: int, name: str, both_sensors: bool, labelled_target: bool
) -> tuple[str | None, str | None]:
    number = f"{index:05d}"
    if split == "pairs":
        return f"pairs/rgb/{name}/{number}", f"pairs/depth/{name}/{number}"
    sensor, part = split.split("_")
    if sensor == "source":
        return f"source/{part}/{name}/{number}", None
    # The adaptation set is flat and carries no label, not even in a folder's name, unless a study asks for an oracle.
    flat = part == "train" and not labelled_target
    inside = f"{part}/{number}" if flat else f"{part}/{name}/{number}"
    return (f"target_rgb/{inside}" if both_sensors else None), f"target/{inside}"
