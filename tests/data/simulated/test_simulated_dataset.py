"""`simulate`: the folders it writes, its determinism, and that nothing half-written is ever left."""

from __future__ import annotations

import hashlib
import multiprocessing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from sourcefree.data.simulated import simulate
from sourcefree.data.simulated.plan import class_of, plan
from sourcefree.data.simulated.registry import irrelevant_families, task_families
from sourcefree.errors import ConfigError, DataError

TINY: dict[str, Any] = {
    "size": 24,
    "source_train": 12,
    "source_test": 3,
    "target_train": 12,
    "target_test": 4,
    "pairs": 14,
}


def _digest(folder: Path) -> dict[str, str]:
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("simulated") / "set"
    calls: list[tuple[int, int]] = []
    summary = simulate(out=out, workers=1, progress=lambda done, total: calls.append((done, total)), **TINY)
    assert summary.out == out and summary.classes == task_families("a") and summary.seconds > 0
    assert summary.families == irrelevant_families()
    total = sum(summary.counts.values())
    assert calls[-1] == (total, total) and [c[0] for c in calls] == sorted(c[0] for c in calls)
    return out


def test_layout_and_formats(simulated: Path) -> None:
    assert sorted(p.name for p in simulated.iterdir()) == ["pairs", "simulation.yaml", "source", "target"]
    rgb = Image.open(next((simulated / "source/train").rglob("*.png")))
    assert rgb.mode == "RGB" and rgb.size == (24, 24)
    assert {p.name for p in (simulated / "source/train").iterdir()} <= set(task_families("a"))
    assert all(p.is_file() for p in (simulated / "target/train").iterdir()), "the adaptation set is flat: no labels"
    assert len(list((simulated / "target/train").iterdir())) == 12
    for path in simulated.glob("target/**/*.png"):
        depth = np.asarray(Image.open(path))
        assert depth.dtype == np.uint16 and depth.max() > 255, "millimetres, not 8-bit"
        assert 300 < np.median(depth[depth > 0]) < 10_000
    assert len(list(simulated.glob("target/test/*/*.png"))) == 4


def test_pairs_match_by_path_and_hold_only_other_families(simulated: Path) -> None:
    names = [sorted(p.relative_to(simulated / s) for p in (simulated / s).rglob("*.png")) for s in _PAIRS]
    assert names[0] == names[1] and len(names[0]) == 14
    assert not {p.parts[0] for p in names[0]} & set(task_families("all"))


_PAIRS = ("pairs/rgb", "pairs/depth")


def test_every_frame_is_another_render(simulated: Path) -> None:
    digests = [d for name, d in _digest(simulated).items() if name.endswith(".png")]
    assert len(set(digests)) == len(digests)


def test_record_can_regenerate_the_set(simulated: Path) -> None:
    record = yaml.safe_load((simulated / "simulation.yaml").read_text())
    assert record["seed"] == 0 and record["size"] == 24 and record["task_set"] == "a"
    assert record["counts"] == {k: v for k, v in TINY.items() if k != "size"}
    assert record["classes"] == task_families("a") and record["families"] == irrelevant_families()
    assert {"depth_noise", "holes", "sourcefree", "format", "both_sensors"} <= set(record)


def test_workers_do_not_change_the_images(simulated: Path, tmp_path: Path) -> None:
    simulate(out=tmp_path / "two", workers=2, **TINY)
    assert _digest(tmp_path / "two") == _digest(simulated)


def test_another_seed_gives_other_images_and_splits_are_independent(simulated: Path, tmp_path: Path) -> None:
    only = {**TINY, "source_train": 0, "source_test": 0, "pairs": 0, "target_test": 0}
    simulate(out=tmp_path / "same", workers=1, **only)
    simulate(out=tmp_path / "other", workers=1, seed=1, **only)
    before = _digest(simulated / "target/train")
    assert _digest(tmp_path / "same/target/train") == before
    assert not set(_digest(tmp_path / "other/target/train").values()) & set(before.values())


def test_noise_and_holes_off_differ_from_on_only_in_the_sensor(simulated: Path, tmp_path: Path) -> None:
    simulate(out=tmp_path / "clean", workers=1, depth_noise=0, holes=0, **TINY)
    noisy, clean = _digest(simulated), _digest(tmp_path / "clean")
    rgb = [n for n in noisy if n.startswith(("source", "pairs/rgb"))]
    assert all(noisy[n] == clean[n] for n in rgb)
    assert all(noisy[n] != clean[n] for n in noisy if n.startswith(("target", "pairs/depth")))


def test_both_sensors_writes_aligned_target_colour(tmp_path: Path) -> None:
    simulate(out=tmp_path / "both", workers=1, both_sensors=True, **TINY)
    for part in ("train", "test"):
        files = [sorted(p.relative_to(r) for p in r.rglob("*.png")) for r in _roots(tmp_path / "both", part)]
        assert files[0] and files[0] == files[1]


def _roots(out: Path, part: str) -> list[Path]:
    return [out / "target" / part, out / "target_rgb" / part]


def test_existing_folder_is_refused_and_untouched(tmp_path: Path) -> None:
    (tmp_path / "keep.txt").write_text("mine")
    with pytest.raises(ConfigError, match="not empty") as caught:
        simulate(out=tmp_path, workers=1, **TINY)
    assert caught.value.hint
    assert [p.name for p in tmp_path.iterdir()] == ["keep.txt"]


def test_empty_folder_is_accepted(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    simulate(out=tmp_path / "out", workers=1, **{**TINY, "pairs": 0, "source_train": 0, "target_train": 0})
    assert (tmp_path / "out/simulation.yaml").is_file()


def test_the_folder_one_stands_in_and_a_link_are_filled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    few = {**TINY, "pairs": 0, "source_train": 0, "target_train": 0}
    (tmp_path / "out").mkdir()
    (tmp_path / "far").mkdir()
    (tmp_path / "link").symlink_to("far")
    monkeypatch.chdir(tmp_path / "out")
    for out in (Path(), tmp_path / "link"):
        simulate(out=out, workers=1, **few)
        assert sorted(part.name for part in out.iterdir()) == ["simulation.yaml", "source", "target"]
    assert (tmp_path / "link").is_symlink()


def test_interrupted_simulate_leaves_nothing(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(out=tmp_path / "out", workers=1, progress=stop, **TINY)
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_fills_up_is_a_clear_error_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(Image.Image, "save", full)
    with pytest.raises(DataError, match="No space left"):
        simulate(out=tmp_path / "out", workers=1, **TINY)
    assert list(tmp_path.iterdir()) == []


def test_an_interrupt_stops_the_worker_processes_too(tmp_path: Path) -> None:
    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        simulate(out=tmp_path / "out", workers=2, progress=stop, **{**TINY, "pairs": 60})
    assert list(tmp_path.iterdir()) == []
    assert not multiprocessing.active_children()


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"size": 4}, "size"),
        ({"seed": -1}, "seed"),
        ({"pairs": -5}, "pairs"),
        ({"holes": -0.1}, "holes"),
        ({"depth_noise": float("nan")}, "depth_noise"),
        ({"workers": 0}, "workers"),
        ({"task_set": "z"}, "task set"),
        ({"classes": ["chiar", "table"]}, "did you mean 'chair'"),
        ({"classes": ["chair", "chair"]}, "two or more"),
        (
            dict.fromkeys(("source_train", "source_test", "target_train", "target_test", "pairs"), 0),
            "nothing",
        ),
    ],
)
def test_wrong_arguments_are_named(wrong: dict[str, Any], word: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=word):
        simulate(out=tmp_path / "out", **{"workers": 1, **TINY, **wrong})
    assert list(tmp_path.iterdir()) == []


def test_classes_are_balanced_in_an_order_that_tells_nothing() -> None:
    names = task_families("a")
    order = [class_of(0, "target_train", i, names) for i in range(400)]
    assert {order.count(n) for n in names} == {40}
    for place in range(len(names)):
        assert len(set(order[place :: len(names)])) >= 8, "the number modulo the classes must not give the class away"


def test_a_task_may_have_some_of_the_classes_only() -> None:
    jobs = plan(
        {"source_train": 8, "target_test": 8, "pairs": 60}, task_set="a", seed=0, task_classes=("table", "chair")
    )
    shown = {
        split: {job.family for job in jobs if job.split == split} for split in ("source_train", "target_test", "pairs")
    }
    assert shown["source_train"] == shown["target_test"] == {"chair", "table"}
    assert not shown["pairs"] & set(task_families("all"))


def test_a_longer_split_begins_with_the_shorter_one() -> None:
    short, long = ([j.family for j in plan({"pairs": n}, task_set="a", seed=0)] for n in (30, 90))
    assert long[:30] == short
