"""What is kept for evidence: whole scenes, so that nothing trained on comes back in its test; a share of labelled images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sourcefree.data.scenes import scene_numbers
from sourcefree.seeds import stream_seed

ENOUGH = 30  # fewer prove little, and a model that cannot be judged cannot be delivered
_MOST = 1 / 3  # of all


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

    Scenes are those of :func:`sourcefree.data.scenes.scene_numbers`.

    Args:
        names: relative path of each pair or image.
        share: of them that is held out.
        scenes: how many are held out at least: images of a scene are alike, it is scenes that evidence counts.
        seed: of the choice.
        of: what they are names of: each kind has a choice of its own.
    """
    wanted, limit = max(ENOUGH, round(share * len(names))), int(_MOST * len(names))
    scene_of = scene_numbers(names, longest=wanted // scenes)
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
