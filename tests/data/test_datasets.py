"""From files to batches: nothing lost, both images of a pair under the same crop and flip, no way to a label."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from sourcefree.data.augment import centre_crops, draw_crop_flips, load_size
from sourcefree.data.datasets import ImagePairs, LabelledImages, UnlabelledImages
from sourcefree.data.folders import find_images, match_pairs
from sourcefree.data.image_io import write_image
from sourcefree.data.left_out import Origin
from sourcefree.data.modality import MODALITIES, Modality
from sourcefree.data.store import ImageStore, decode_images, load_images, load_pairs, resize_physical
from sourcefree.errors import DataError

PLAIN = Modality(name="plain", channels=1, scale=1.0, mean=(0.0,), std=(1.0,))
COLOUR = Modality(name="colour", channels=3, scale=1.0, mean=(0.0,) * 3, std=(1.0,) * 3)
SIZE = 14
LOAD = load_size(SIZE)


def store_of(values: np.ndarray) -> ImageStore:
    count = len(values)
    return ImageStore([f"{i}.png" for i in range(count)], list(range(count)), values.astype(np.float32), [])


def coordinates(count: int, channels: int) -> np.ndarray:
    """Images whose every pixel names its image, row and column."""
    image = np.arange(LOAD * LOAD).reshape(1, 1, LOAD, LOAD) + 1000 * np.arange(count).reshape(-1, 1, 1, 1)
    return np.repeat(image, channels, axis=1)


def pairs_of(count: int, seed: int) -> ImagePairs:
    return ImagePairs(
        store_of(coordinates(count, 3)),
        store_of(coordinates(count, 1)),
        source_modality=COLOUR,
        target_modality=PLAIN,
        size=SIZE,
        seed=seed,
    )


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.integers(0, 500), st.lists(st.integers(0, 8), min_size=1, max_size=12))
def test_both_images_of_a_pair_get_the_same_crop_and_flip(seed: int, epoch: int, indices: list[int]) -> None:
    pairs = pairs_of(9, seed)
    pairs.set_epoch(epoch)
    batch = pairs[indices]
    assert batch.source.shape == (len(indices), 3, SIZE, SIZE)
    for channel in range(3):
        assert torch.equal(batch.source[:, channel], batch.target[:, 0])
    assert (batch.target[:, 0, 0, 0] // 1000).tolist() == indices


def test_augmentation_depends_on_seed_epoch_and_image_not_on_the_batch() -> None:
    pairs = pairs_of(9, 3)
    pairs.set_epoch(2)
    together, alone = pairs[[1, 5, 7]], pairs[[5]]
    assert torch.equal(together.target[1], alone.target[0])
    pairs.set_epoch(3)
    assert not torch.equal(pairs[list(range(9))].target, pairs_of(9, 3)[list(range(9))].target)


def test_other_seeds_give_other_crops_of_the_same_images_and_leave_the_first_alone() -> None:
    pairs = pairs_of(9, 3)
    everything = list(range(9))
    first = pairs[everything].target
    other = pairs.reseeded(8)
    assert other.names == pairs.names
    assert not torch.equal(other[everything].target, first)
    assert torch.equal(other.reseeded(pairs.seed)[everything].target, first)
    assert torch.equal(pairs[everything].target, first)


def test_every_crop_and_both_flips_occur() -> None:
    crops = draw_crop_flips(seed=0, epoch=0, indices=np.arange(4000), load=LOAD, size=SIZE)
    room = LOAD - SIZE + 1
    for drawn in (crops.top, crops.left):
        assert np.bincount(drawn, minlength=room).min() > 0.8 * 4000 / room
        assert drawn.max() == room - 1
    assert 0.45 < crops.flip.mean() < 0.55
    assert abs(np.corrcoef(crops.top, crops.left)[0, 1]) < 0.1


def test_the_plain_view_is_the_centre_and_shares_the_values() -> None:
    images = UnlabelledImages(store_of(coordinates(4, 1)), modality=PLAIN, size=SIZE)
    plain = images.plain()
    start = (LOAD - SIZE) // 2
    assert plain[[2]].images[0, 0, 0, 0] == 2000 + start * LOAD + start
    assert plain._values.data_ptr() == images._values.data_ptr()
    assert images.augment
    assert centre_crops(count=1, load=16, size=14).top[0] == 1


def test_a_subset_counts_from_zero_and_keeps_names() -> None:
    images = UnlabelledImages(store_of(coordinates(5, 1)), modality=PLAIN, size=SIZE).plain()
    part = images.subset([4, 2]).subset([1])
    assert part.names == ["2.png"]
    batch = part[[0]]
    assert batch.indices.tolist() == [0]
    assert batch.images[0, 0, 0, 0] // 1000 == 2


def test_labels_follow_their_images_through_subsets() -> None:
    labels = np.array([5, 6, 7, 8])
    data = LabelledImages(store_of(coordinates(4, 1)), labels, modality=PLAIN, size=SIZE).plain()
    assert data.subset([3, 1])[[1, 0]].labels.tolist() == [6, 8]


def test_adaptation_data_has_no_place_for_a_label() -> None:
    images = UnlabelledImages(store_of(coordinates(3, 1)), modality=PLAIN, size=SIZE).plain()
    for data in (images, pairs_of(3, 0)):
        fields = {name for name in (*dir(data), *data[[0]]._fields) if not name.startswith("__")}
        assert not [name for name in fields if "label" in name or "class" in name]


def test_16_bit_levels_come_through_to_the_tensor(tmp_path: Path) -> None:
    levels = np.random.default_rng(0).integers(1, 20000, (LOAD, LOAD, 1)).astype(np.uint16)
    write_image(tmp_path / "a.png", levels)
    store = load_images(find_images(tmp_path), modality=MODALITIES["depth"], size=SIZE)
    measured = store.measure(MODALITIES["depth"])
    assert measured.mean is not None
    assert measured.std is not None
    data = UnlabelledImages(store, modality=measured, size=SIZE).plain()
    back = (data[[0]].images[0, 0].double() * measured.std[0] + measured.mean[0]) * 1000
    start = (LOAD - SIZE) // 2
    np.testing.assert_array_equal(back.round(), levels[start : start + SIZE, start : start + SIZE, 0])


def test_missing_values_are_never_mixed_into_valid_ones() -> None:
    values = np.full((1, 8, 8), 3.0, np.float32)
    values[0, :, :3] = np.nan
    small = resize_physical(values, 4)
    assert np.isnan(small[0, :, 0]).all()
    np.testing.assert_allclose(small[0, :, 2:], 3.0)
    assert set(np.unique(small[np.isfinite(small)]).round(5)) == {3.0}


@pytest.mark.parametrize(("columns", "missing"), [(1, False), (2, True)])
def test_a_pixel_is_missing_where_less_than_half_of_it_was_measured(columns: int, missing: bool) -> None:
    values = np.full((1, 4, 4), 3.0, np.float32)
    values[0, :, :columns] = np.nan  # the first of two output columns weighs them 3/7, 3/7, 1/7
    assert np.isnan(resize_physical(values, 2)[0, 0, 0]) == missing


def test_missing_values_become_the_mean() -> None:
    values = coordinates(1, 1).astype(np.float32)
    values[0, 0, 5, 5] = np.nan
    sensor = Modality(name="s", channels=1, scale=1.0, mean=(50.0,), std=(2.0,))
    data = UnlabelledImages(store_of(values), modality=sensor, size=SIZE).plain()
    assert (data[[0]].images == 0).sum() >= 1
    assert torch.isfinite(data[[0]].images).all()


def test_resizing_is_antialiased() -> None:
    stripes = np.tile(np.array([0.0, 1.0], np.float32), (1, 32, 16))
    assert abs(resize_physical(stripes, 8) - 0.5).max() < 0.1


def write_pairs(root: Path, count: int) -> None:
    for i in range(count):
        write_image(root / "rgb" / f"{i:02d}.png", np.full((20, 20, 3), (10 * i, 200, 9), np.uint8))
        write_image(root / "depth" / f"{i:02d}.png", np.full((20, 20, 1), 1000 * (i + 1), np.uint16))


def test_a_pair_with_an_unreadable_side_is_left_out(tmp_path: Path) -> None:
    write_pairs(tmp_path, 8)
    (tmp_path / "rgb" / "02.png").write_bytes(b"broken")
    (tmp_path / "depth" / "05.png").write_bytes(b"")
    first, second = load_pairs(
        match_pairs(tmp_path / "rgb", tmp_path / "depth"),
        source_modality=MODALITIES["rgb"],
        target_modality=MODALITIES["depth"],
        size=SIZE,
        max_unreadable=0.3,
    )
    assert first.names == second.names == [f"{i:02d}.png" for i in (0, 1, 3, 4, 6, 7)]
    np.testing.assert_allclose(first.values[:, 0, 0, 0], np.array([0, 10, 30, 40, 60, 70]) / 255, rtol=1e-5)
    np.testing.assert_allclose(second.values[:, 0, 0, 0], [1, 2, 4, 5, 7, 8], rtol=1e-5)


def test_too_many_unreadable_files_are_listed(tmp_path: Path) -> None:
    write_pairs(tmp_path, 8)
    (tmp_path / "rgb" / "02.png").write_bytes(b"broken")
    files = find_images(tmp_path / "rgb")
    with pytest.raises(DataError, match=r"1 of 8 images.*02\.png"):
        load_images(files, modality=MODALITIES["rgb"], size=SIZE, max_unreadable=0.1)
    assert len(load_images(files, modality=MODALITIES["rgb"], size=SIZE, max_unreadable=0.2).names) == 7


def test_equal_reasons_are_told_once_with_a_count_and_the_folder(tmp_path: Path) -> None:
    write_pairs(tmp_path, 8)
    (tmp_path / "rgb" / "02.png").write_bytes(b"")
    where = Origin("some/folder", "depth", lambda: "look again")
    with pytest.raises(DataError) as caught:
        load_images(find_images(tmp_path / "rgb"), modality=MODALITIES["depth"], size=SIZE, origin=where)
    assert caught.value.message == (
        "some/folder: none of 8 images can be used as depth: expected 1 channel of depth, found 3 (7 images, for example "
        "00.png); 02.png: the file is empty"
    )
    assert caught.value.hint == "look again"


def refused_pairs(first: Path, second: Path, source: Modality = MODALITIES["rgb"]) -> DataError:
    sensors = {"source_modality": source, "target_modality": MODALITIES["depth"]}
    with pytest.raises(DataError) as caught:
        load_pairs(match_pairs(first, second), **sensors, size=SIZE, max_unreadable=0.1)
    return caught.value


def test_wrong_pairs_are_told_with_their_side_and_swapped_ones_as_swapped(tmp_path: Path) -> None:
    write_pairs(tmp_path, 4)
    write_pairs(tmp_path / "more", 4)
    rgb, depth = tmp_path / "rgb", tmp_path / "depth"
    swapped = refused_pairs(depth, rgb)
    assert f"--pairs-target {rgb}: none of 4 images can be used as depth, the target sensor" in swapped.message
    assert "swapped" in str(swapped.hint)
    assert "swapped" not in str(refused_pairs(rgb, tmp_path / "more/rgb").hint)
    other = refused_pairs(rgb, depth, Modality(name="five", channels=5))
    assert f"--pairs-source {rgb}: none of 4 images can be used as five, the source model's sensor" in other.message
    assert "--pairs-source takes images of five" in str(other.hint)


def test_images_of_mixed_size_and_depth_are_brought_together(tmp_path: Path) -> None:
    write_image(tmp_path / "a.png", np.full((30, 10, 1), 255, np.uint8))
    write_image(tmp_path / "b.png", np.full((9, 40, 1), 65535, np.uint16))
    write_image(tmp_path / "c.tif", np.full((5, 5, 1), 1.0, np.float32))
    store = load_images(find_images(tmp_path), modality=MODALITIES["nir"], size=SIZE)
    np.testing.assert_allclose(store.values, 1.0, rtol=1e-6)


def test_a_set_larger_than_the_cache_lies_in_a_file_that_goes_away(tmp_path: Path) -> None:
    write_pairs(tmp_path, 4)
    files = find_images(tmp_path / "rgb")
    inside = load_images(files, modality=MODALITIES["rgb"], size=SIZE)
    outside = load_images(files, modality=MODALITIES["rgb"], size=SIZE, cache_bytes=1)
    np.testing.assert_array_equal(inside.values, outside.values)
    base = outside.values.base if not isinstance(outside.values, np.memmap) else outside.values
    assert isinstance(base, np.memmap)
    path = Path(str(base.filename))
    assert path.exists() is (os.name != "posix")
    del base, outside
    gc.collect()
    assert not path.exists()


@pytest.mark.skipif(os.name != "posix", reason="a file that is open cannot be removed")
def test_a_process_that_is_killed_leaves_no_cache_behind(tmp_path: Path) -> None:
    write_pairs(tmp_path, 4)
    code = (
        "import os, signal\n"
        "from pathlib import Path\n"
        "from sourcefree.data.folders import find_images\n"
        "from sourcefree.data.modality import MODALITIES\n"
        "from sourcefree.data.store import load_images\n"
        f"store = load_images(find_images(Path('rgb')), modality=MODALITIES['rgb'], size={SIZE}, cache_bytes=1)\n"
        "print(store.values.shape, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    (tmp_path / "t").mkdir()
    environment = {**os.environ, "TMPDIR": str(tmp_path / "t")}
    killed = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert killed.stdout.startswith("(4, 3, "), killed.stderr
    assert not list((tmp_path / "t").rglob("*.cache"))


def test_a_temporary_folder_without_space_is_told_before_it_kills_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pairs(tmp_path, 4)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "rgb"))
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(DataError, match=r"rgb: the decoded images need 12,288 bytes .* has 1,000 free") as caught:
        load_images(find_images(tmp_path / "rgb"), modality=MODALITIES["rgb"], size=SIZE, cache_bytes=1)
    assert "TMPDIR" in str(caught.value.hint)
    assert not list(tmp_path.rglob("*.cache"))


def test_an_image_without_a_measured_pixel_is_left_out_and_said(tmp_path: Path) -> None:
    write_image(tmp_path / "blank.png", np.zeros((8, 8), np.uint16))
    write_image(tmp_path / "seen.png", np.full((8, 8), 900, np.uint16))
    store = decode_images(find_images(tmp_path), modality=MODALITIES["depth"], size=7)
    assert store.names == ["seen.png"]
    assert store.unreadable == [("blank.png", "no valid value for the sensor depth: every pixel is missing")]
