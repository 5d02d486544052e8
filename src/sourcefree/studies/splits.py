"""Splits of labelled images by scene, and other choices among files."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sourcefree.data.folders import ImageFile
from sourcefree.data.names import stem_of
from sourcefree.errors import ConfigError
from sourcefree.seeds import stream_seed

_DRAWS = 200


def scene_of(name: str, group: str) -> str:
    """Return the scene of an image: what ``group`` matches in its stem, or the stem itself.

    Raises:
        ConfigError: the expression is none, or matches nothing in the name.
    """
    stem = stem_of(name).rpartition("/")[2]
    if not group:
        return stem
    try:
        found = re.search(group, stem)
    except re.error as error:
        raise ConfigError(f"group: {group!r} is no regular expression ({error})") from error
    if found is None:
        raise ConfigError(f"group: {group!r} matches nothing in {stem!r}", hint="for example ^[^_]+ for 0012_c3")
    return found.group(0)


def split_by_scene(
    scenes: Sequence[str], class_index: Sequence[int], *, shares: Sequence[float], seed: int
) -> list[NDArray[np.int64]]:
    """Return the positions of each part; no scene is in two parts, and every class is spread as the shares ask.

    Scenes may hold several classes, so an exact split need not exist: of many random ones the one is taken whose worst
    class is least wrong.

    Args:
        scenes: scene of each image.
        class_index: class of each image.
        shares: of the parts, summing to 1.
        seed: fixes the split.

    Raises:
        ConfigError: a class would be missing in a part.
    """
    names, scene_index = np.unique(np.asarray(scenes), return_inverse=True)
    labels = np.asarray(class_index)
    counts = np.zeros((len(names), labels.max() + 1))
    np.add.at(counts, (scene_index, labels), 1)
    generator = np.random.default_rng(stream_seed(seed, "scenes"))
    edges = np.cumsum(shares)[:-1] * len(names)
    draws = [_assign(generator.permutation(len(names)), edges) for _ in range(_DRAWS)]
    parts = min(draws, key=lambda part_of: _imbalance(counts, part_of, shares))
    if _imbalance(counts, parts, shares) == np.inf:
        raise ConfigError(
            f"the {len(names)} scenes cannot be split into {len(shares)} parts that hold every class",
            hint="leave out classes with few scenes, or change the shares",
        )
    return [np.flatnonzero(parts[scene_index] == part) for part in range(len(shares))]


def _assign(order: NDArray[np.int64], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    part_of = np.empty(len(order), np.int64)
    part_of[order] = np.searchsorted(edges, np.arange(len(order)), side="right")
    return part_of


def _imbalance(counts: NDArray[np.float64], part_of: NDArray[np.int64], shares: Sequence[float]) -> float:
    """Return the largest relative deviation of a class's share in a part; infinite where a class is missing."""
    found = np.stack([counts[part_of == part].sum(0) for part in range(len(shares))])
    if (found == 0).any():
        return float("inf")
    return float(np.abs(found / counts.sum(0) / np.asarray(shares)[:, None] - 1).max())


def long_tailed(class_index: Sequence[int], *, ratio: float, seed: int) -> list[int]:
    """Return positions with class sizes falling geometrically from the largest to 1/ratio of it, classes in random order."""
    labels = np.asarray(class_index)
    generator = np.random.default_rng(stream_seed(seed, "imbalance"))
    classes = generator.permutation(np.unique(labels))
    most = min(int((labels == label).sum()) for label in classes)
    kept: list[int] = []
    for rank, label in enumerate(classes):
        share = ratio ** (-rank / max(1, len(classes) - 1))
        positions = generator.permutation(np.flatnonzero(labels == label))
        kept += positions[: max(1, round(most * share))].tolist()
    return sorted(kept)


def choose_pairs(files: Sequence[ImageFile], *, count: int | None, kinds: int | None, seed: int) -> list[int]:
    """Return which pairs are used: from some kinds (first folders) only, and at most ``count``."""
    generator = np.random.default_rng(stream_seed(seed, "pairs"))
    kind_of = np.asarray([file.name.partition("/")[0] for file in files])
    names = generator.permutation(np.unique(kind_of))
    order = generator.permutation(len(files))
    order = order[np.isin(kind_of[order], names[:kinds])]
    return sorted(order[:count].tolist())


def shuffle_some(count: int, *, share: float, seed: int) -> NDArray[np.int64]:
    """Return an order in which about ``share`` of the positions is taken by another one."""
    generator = np.random.default_rng(stream_seed(seed, "shuffled pairs"))
    chosen = generator.permutation(count)[: round(share * count)]
    order = np.arange(count)
    order[chosen] = np.roll(chosen, 1)
    return order
