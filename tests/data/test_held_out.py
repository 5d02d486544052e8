"""Held-out pairs: whole scenes, enough of them, never most of the pairs."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sourcefree.data.held_out import split_held_out
from sourcefree.data.scenes import without_classes


def held_out(names: list[str], share: float = 0.1, seed: int = 0, scenes: int = 6) -> list[str]:
    split = split_held_out(names, share=share, scenes=scenes, seed=seed)
    assert sorted(split.train + split.held_out) == list(range(len(names)))
    return [names[position] for position in split.held_out]


@pytest.mark.parametrize(
    "pattern", ["town/{scene:03d}_c{part}.png", "{scene}-frame{part:05d}.tiff", "drive{scene}/{part}.jpg"]
)
def test_crops_and_frames_of_one_scene_stay_together(pattern: str) -> None:
    names = [pattern.format(scene=scene, part=part) for scene in range(60) for part in range(5)]
    kept = {name for name in held_out(names)}
    scenes = [{pattern.format(scene=scene, part=part) for part in range(5)} for scene in range(60)]
    assert 30 <= len(kept) <= 34
    assert all(scene <= kept or not scene & kept for scene in scenes)
    assert kept != set(held_out(names, seed=1))


def test_one_numbered_folder_is_cut_into_runs_of_neighbours() -> None:
    names = [f"{number:04d}.png" for number in range(400)]
    kept = [int(name[:4]) for name in held_out(names)]
    assert len(kept) == 42, "seven runs of six: a run is no longer than a sixth of the 40 that are wanted"
    borders = sum(after - before > 1 for before, after in itertools.pairwise(kept))
    assert borders < 7


def test_runs_are_shorter_where_more_of_them_are_asked_for_but_never_single_frames() -> None:
    kept = [int(name[:4]) for name in held_out([f"{number:04d}.png" for number in range(1200)], scenes=12)]
    assert len(kept) == 120, "twelve runs of ten"
    few = [int(name[:4]) for name in held_out([f"{number:04d}.png" for number in range(300)], scenes=12)]
    assert len(few) == 60, "twelve runs of five: of two, each frame would have a near copy on the other side"


def test_as_many_scenes_as_are_asked_for_are_held_out_where_a_third_allows_it() -> None:
    crops = [f"{scene}_{part}" for scene in range(60) for part in range(5)]
    assert len(set(split_held_out(crops, share=0.1, scenes=12, seed=0).held_out_scenes)) == 12
    few = split_held_out(crops[:120], share=0.1, scenes=12, seed=0)
    assert len(set(few.held_out_scenes)) == 8
    assert len(few.held_out) == 40


@pytest.mark.parametrize("folders", [2, 10, 17, 18, 40])
def test_pairs_in_class_folders_give_enough_scenes_to_judge_by(folders: int) -> None:
    """Ten folders as ten scenes would leave three to judge by, and three can be ordered in six ways only."""
    names = [f"class{folder}/{number:05d}.png" for folder in range(folders) for number in range(60)]
    assert len(set(split_held_out(names, share=0.1, scenes=6, seed=0).held_out_scenes)) >= 6


def test_classes_are_no_part_of_what_scenes_are_told_by() -> None:
    names = ["car/0001.png", "Car/car_0002.png", "car_0003.png", "car/night_4_c1.png", "street/car/5.png", "cart/6.png"]
    found = without_classes(names, ["car", "bus"])
    assert found == ["0001.png", "_0002.png", "_0003.png", "night_4_c1.png", "street/5.png", "cart/6.png"]
    pictures = ["field/field_0001_c2.png", "field/field_0002_c1.png"]
    assert without_classes(pictures, ["field"]) == ["field_0001_c2.png", "field_0002_c1.png"]


@pytest.mark.parametrize(
    "pattern",
    [
        "{name}/{part:04d}.png",
        "train/{name}/{part:04d}.png",
        "{name}/real_{number:03d}_{part:06d}.jpg",
        "{name}/n0144{number:04d}_{part}.JPEG",
        "{name}/{name}-thermal-{part:04d}.png",
        "{name}_thermal_{part:04d}.tiff",
        "{name}/{number}x_{part:04d}.png",
    ],
)
def test_no_class_passes_for_a_scene_however_it_is_told_by_the_names(pattern: str) -> None:
    classes = [f"{letter}{other}" for letter in "abcd" for other in "uvwxy"]
    names = [
        pattern.format(name=name, number=number, part=part) for number, name in enumerate(classes) for part in range(50)
    ]
    split = split_held_out(without_classes(names, classes), share=0.1, scenes=6, seed=0)
    assert len(split.held_out) <= 120
    trained_on = {position // 50 for position in split.train}
    assert len(trained_on) == len(classes)


@pytest.mark.parametrize(
    "pattern",
    ["seq{scene:02d}/frame-{part:06d}.depth.png", "apple_{scene}_{part}_depthcrop.png", "s{scene}/{part}_ir.tiff"],
)
def test_frames_are_told_by_their_last_number_also_where_words_follow(pattern: str) -> None:
    names = [pattern.format(scene=scene, part=part) for scene in range(25) for part in range(40)]
    split = split_held_out(names, share=0.1, scenes=6, seed=0)
    assert len(set(split.scenes)) == 25
    assert not {position // 40 for position in split.held_out} & {position // 40 for position in split.train}


def test_scenes_that_show_several_classes_stay_together() -> None:
    names = [f"{kind}/{scene:03d}_{part}.png" for kind in ("field", "town") for scene in range(30) for part in range(2)]
    scenes = split_held_out(without_classes(names, ["field", "town"]), share=0.1, scenes=6, seed=0).scenes
    assert scenes[:60] == scenes[60:]


def test_long_drives_give_several_scenes_to_judge_by() -> None:
    names = [f"drive{drive}/{frame:04d}.png" for drive in range(30) for frame in range(100)]
    drives = {name.split("/")[0] for name in held_out(names, share=0.05)}
    assert len(drives) == 6


@settings(deadline=None)
@given(st.integers(1, 300), st.integers(1, 40), st.floats(0.01, 0.9))
def test_never_more_than_a_third_and_enough_where_there_are_enough(scenes: int, parts: int, share: float) -> None:
    names = [f"{scene}_{part}" for scene in range(scenes) for part in range(parts)]
    kept = held_out(names, share)
    assert len(kept) <= len(names) / 3
    if len(names) >= 120:
        assert len(kept) >= 30 - max(parts, len(names) // 40)
    if len(names) >= 3:
        assert kept
