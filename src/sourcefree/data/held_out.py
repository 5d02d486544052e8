"""What is kept for evidence: whole scenes, so that nothing trained on comes back in its test; a share of labelled images."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sourcefree.data.names import one_form, stem_of
from sourcefree.seeds import stream_seed

ENOUGH = 30  # fewer prove little, and a model that cannot be judged cannot be delivered
_MOST = 1 / 3  # of all
_LEAST_SCENES = 18  # a third of which is six: three scenes have six orders, too few for a test at 5 %
_RUNS = 40
_LEAST_RUN = 5  # shorter ones of a film have near copies of their ends on the other side
_COUNTER = re.compile(r"[-_. ]?[A-Za-z]*\d+$")


@dataclass(frozen=True)
class Split:
    """What is trained on and what is held out.

    Attributes:
        train: positions to train on.
        held_out: positions held out.
        scenes: number of the scene that each of all shows.
    """

    train: list[int]
    held_out: list[int]
    scenes: list[int]

    @property
    def held_out_scenes(self) -> list[int]:
        """Number of the scene that each of the held out shows."""
        return [self.scenes[position] for position in self.held_out]


def split_held_out(names: Sequence[str], *, share: float, scenes: int, seed: int, of: str = "pairs") -> Split:
    """Return the split: ``share`` of all is held out, at least 30 and so many scenes, at most a third.

    Frames of a sequence and crops of a picture are near copies of each other. They are told by their names: what is equal up
    to the last number is one scene, so ``a_001_c2`` and ``a_001_c3`` stay together, and so do the frames ``seq4_0001`` and
    ``seq4_0002``. Where that leaves fewer than 18 scenes, runs of neighbours in the order of names stand for scenes.

    Args:
        names: relative path of each pair or image.
        share: of them that is held out.
        scenes: how many are held out at least: images of a scene are alike, it is scenes that evidence counts.
        seed: of the choice.
        of: what they are names of: each kind has a choice of its own.
    """
    wanted, limit = max(ENOUGH, round(share * len(names))), int(_MOST * len(names))
    scene_of = _scenes(names, longest=max(_LEAST_RUN, wanted // scenes))
    members: dict[int, list[int]] = {}
    for position, scene in enumerate(scene_of):
        members.setdefault(scene, []).append(position)
    held_out: list[int] = []
    kept_scenes = 0
    for scene in np.random.default_rng(stream_seed(seed, f"held-out {of}")).permutation(len(members)):
        if len(held_out) >= min(wanted, limit) and kept_scenes >= scenes:
            break
        if len(held_out) + len(members[scene]) <= limit:
            held_out += members[scene]
            kept_scenes += 1
    kept = set(held_out)
    return Split([position for position in range(len(names)) if position not in kept], sorted(held_out), scene_of)


def without_classes(names: Sequence[str], classes: Collection[str]) -> list[str]:
    """Return the names without a first folder and without a beginning of the file's name that is a class, as in ``car/car_07``.

    Target images that come sorted by class are to be split as the same images in one heap would be. Else a class would pass
    for a scene, and what is held out would be whole classes, which the model then never sees.

    Args:
        names: relative path of each image.
        classes: names of the source model's classes.
    """
    known = {one_form(name).casefold() for name in classes}
    found = []
    for name in map(one_form, names):
        folder, _, inside = name.partition("/")
        rest = inside if inside and folder.casefold() in known else name
        scene = _scene_name(rest)
        found.append(rest[len(scene) :] if scene.casefold() in known else rest)
    return found


def scene_numbers(names: Sequence[str]) -> list[int]:
    """Return the number of the scene that each image shows, told by its name as in :func:`split_held_out`.

    Args:
        names: relative path of each image.
    """
    return _scenes(names, longest=_LEAST_RUN)


def split_stratified(class_index: NDArray[np.int64], *, share: float, seed: int) -> tuple[list[int], list[int]]:
    """Return positions to train on and positions held out: ``share`` of each class, at least one of each with two or more.

    Args:
        class_index: (N,) class of each image.
        share: of each class that is held out.
        seed: of the choice.
    """
    generator = np.random.default_rng(stream_seed(seed, "held-out labels"))
    train: list[int] = []
    kept: list[int] = []
    for label in np.unique(class_index):
        positions = generator.permutation(np.flatnonzero(class_index == label))
        count = min(max(1, round(share * len(positions))), len(positions) - 1)
        kept += positions[:count].tolist()
        train += positions[count:].tolist()
    return sorted(train), sorted(kept)


def _scenes(names: Sequence[str], *, longest: int) -> list[int]:
    scenes = _by_name(names)
    return scenes if len(set(scenes)) >= _LEAST_SCENES else _by_neighbourhood(names, longest=longest)


def _by_name(names: Sequence[str]) -> list[int]:
    """Return a scene's number for each name: names that differ in their last number only share one."""
    scenes = [_scene_name(name) for name in names]
    numbers = {scene: number for number, scene in enumerate(dict.fromkeys(scenes))}
    return [numbers[scene] for scene in scenes]


def _scene_name(name: str) -> str:
    return _COUNTER.sub("", stem_of(name))


def _by_neighbourhood(names: Sequence[str], *, longest: int) -> list[int]:
    """Return the number of the run of neighbours, in the order of names, that each name is in.

    A run is a fortieth of all, but no longer than needed: what the fewest runs hold beyond what is wanted is training lost.
    """
    length = max(1, min(len(names) // _RUNS, longest))
    place = {position: order for order, position in enumerate(sorted(range(len(names)), key=lambda i: names[i]))}
    return [place[position] // length for position in range(len(names))]
