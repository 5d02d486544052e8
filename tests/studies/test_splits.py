from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sourcefree.data.folders import ImageFile
from sourcefree.errors import ConfigError
from sourcefree.studies.splits import choose_pairs, long_tailed, scene_of, shuffle_some, split_by_scene


def test_the_scene_is_what_the_expression_matches_in_the_stem() -> None:
    assert scene_of("field/0012_c3.jpg", r"^\d+") == "0012"
    assert scene_of("field/0012_c3.jpg", "") == "0012_c3"
    with pytest.raises(ConfigError, match="matches nothing"):
        scene_of("field/a.jpg", r"^\d+")
    with pytest.raises(ConfigError, match="no regular expression"):
        scene_of("field/a.jpg", "(")


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000))
def test_no_scene_is_split_and_every_class_is_in_every_part(seed: int) -> None:
    generator = np.random.default_rng(seed)
    scenes = [f"s{number}" for number in generator.integers(0, 40, 300)]
    labels = generator.integers(0, 3, 300).tolist()
    parts = split_by_scene(scenes, labels, shares=[0.4, 0.3, 0.3], seed=seed)
    assert sorted(np.concatenate(parts)) == list(range(300))
    held = [{scenes[position] for position in part} for part in parts]
    assert not held[0] & held[1]
    assert not held[0] & held[2]
    assert not held[1] & held[2]
    assert all({labels[position] for position in part} == {0, 1, 2} for part in parts)
    again = split_by_scene(scenes, labels, shares=[0.4, 0.3, 0.3], seed=seed)
    assert all((a == b).all() for a, b in zip(parts, again, strict=True))


def test_a_class_of_too_few_scenes_is_refused() -> None:
    with pytest.raises(ConfigError, match="cannot be split"):
        split_by_scene(["a", "a", "b"], [0, 0, 1], shares=[0.5, 0.5], seed=0)


def test_long_tail_falls_from_one_to_the_ratio() -> None:
    labels = np.repeat(np.arange(5), 100)
    kept = long_tailed(labels.tolist(), ratio=10, seed=0)
    counts = sorted(np.bincount(labels[kept]).tolist(), reverse=True)
    assert counts == [100, 56, 32, 18, 10]


def test_pairs_are_chosen_by_kind_and_count() -> None:
    files = [ImageFile(Path(f"{kind}/{i}.png"), f"{kind}/{i}.png") for kind in "abcd" for i in range(10)]
    chosen = choose_pairs(files, count=12, kinds=2, seed=0)
    assert len(chosen) == len(set(chosen)) == 12
    assert len({files[position].name[0] for position in chosen}) == 2
    assert choose_pairs(files, count=None, kinds=None, seed=0) == list(range(40))


@pytest.mark.parametrize(("share", "moved"), [(0.0, 0), (0.1, 10), (1.0, 100)])
def test_shuffled_partners_are_all_wrong_and_as_many_as_asked(share: float, moved: int) -> None:
    order = shuffle_some(100, share=share, seed=0)
    assert sorted(order) == list(range(100))
    assert int((order != np.arange(100)).sum()) == moved
