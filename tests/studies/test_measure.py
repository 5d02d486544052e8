from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from sourcefree.errors import DataError
from sourcefree.methods.presets import method_settings
from sourcefree.overrides import override
from sourcefree.studies.cell import Cell, Row
from sourcefree.studies.compare import compare
from sourcefree.studies.executors import Outcome
from sourcefree.studies.measure import load_cell, run_cell, scenes_of_test
from sourcefree.studies.points import PointRecorder, read_points
from sourcefree.studies.prepare import prepare
from sourcefree.studies.results import ResultTable
from sourcefree.studies.study import StudySettings, ready_tasks, study_cells
from sourcefree.studies.task_folders import PreparedTask, TaskFolders
from sourcefree.studies.tasks import FolderData, TaskSettings


def test_a_cell_with_a_bridge_of_another_one_counts_its_seconds_and_knows_no_peak_memory(tmp_path: Path) -> None:
    methods = ["tgmb", "tgmb-tgkt"]
    budget = {"epochs": 1, "batch_size": 20, "min_steps": 0}
    study = StudySettings(title="t", tasks=["depth-tiny"], methods=methods, budget=budget)
    cells = study_cells(study)
    prepare(TaskFolders(cells[0].task, 0, tmp_path, tmp_path))
    first, second = (run_cell(cell, cache=tmp_path, data=tmp_path, work=tmp_path / "cells") for cell in cells)
    assert first["peak_memory_mb"] > 0
    assert second["peak_memory_mb"] is None
    assert second["seconds"] > first["seconds"] > 0


def test_the_settings_say_how_many_unreadable_images_are_too_many(tmp_path: Path) -> None:
    task = ready_tasks()["depth-tiny"]
    folders = TaskFolders(task, 0, tmp_path, tmp_path)
    prepare(folders)
    whole = folders.prepared()

    def load(prepared: PreparedTask, limit: float) -> None:
        settings = override(method_settings("source-only"), {"max_unreadable": limit})
        load_cell(Cell("t", "source-only", task, 0, settings), prepared, tmp_path, tmp_path)

    for side in ("target_train", "target_test", "pairs_target"):
        shutil.copytree(getattr(whole, side), tmp_path / side)
        next((tmp_path / side).rglob("*.png")).write_bytes(b"no image")
        broken = replace(whole, **{side: tmp_path / side})
        load(broken, 0.05)
        with pytest.raises(DataError, match="1 of 40 images cannot be used"):
            load(broken, 0.0)


def test_the_oracle_trains_on_the_images_that_the_others_adapt_to(tmp_path: Path) -> None:
    whole = ready_tasks()["depth-tiny"]
    folders = TaskFolders(whole, 0, tmp_path, tmp_path)
    prepare(folders)
    prepared, counts = folders.prepared(), []
    for imbalance in (1.0, 10.0):
        task = whole.model_copy(update={"imbalance": imbalance})
        cell = Cell("t", "oracle", task, 0, method_settings("oracle"))
        adaptation, test = load_cell(cell, prepared, tmp_path / "cell", tmp_path)
        assert adaptation.labelled is not None
        assert adaptation.labelled.names == adaptation.target.train.names
        assert len(test.images) == 40
        batch = adaptation.labelled[list(range(len(adaptation.labelled)))]
        classes = [name.partition("/")[0] for name in adaptation.labelled.names]
        assert [adaptation.source.labels[label] for label in batch.labels] == classes
        counts.append(len(classes))
    assert counts[1] < counts[0] == 27  # of 40 a third is held out


def test_a_row_has_the_calibration_error_at_the_label_free_temperature(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = ready_tasks()["depth-tiny"]
    prepare(TaskFolders(task, 0, tmp_path, tmp_path))
    cell = Cell("t", "source-only", task, 0, method_settings("source-only"))
    errors = {}
    for temperature in (1.0, 1e-4):
        monkeypatch.setattr("sourcefree.commands.candidates.trusted_temperature", lambda t=temperature, **_: t)
        row = run_cell(cell, cache=tmp_path, data=tmp_path, work=tmp_path / "cells")
        errors[temperature] = row["calibrated_ece"]
        assert row["ece"] == errors[1.0]
    # Almost sure of every answer, a model errs by the share of its wrong answers.
    assert errors[1e-4] == pytest.approx(1 - row["accuracy"], abs=0.03)  # of 40 images, one may be a tie
    (kept, adabn) = read_points(tmp_path / "points" / f"{cell.key}.json")
    assert kept["correct"].replace(" ", "").count("1") == round(40 * kept["accuracy"]) == round(40 * row["accuracy"])
    assert len(kept["correct"].split()) == 40  # too few for runs of neighbours: every image is a scene
    assert kept["correct"] != adabn["correct"]
    table = ResultTable(tmp_path / "results.csv")
    table.add(row)
    assert ResultTable(table.path).rows[cell.key]["calibrated_ece"] == pytest.approx(errors[1e-4], abs=1e-5)


def test_two_studies_that_share_a_cache_may_compute_the_same_cell_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = {"epochs": 2, "batch_size": 20, "min_steps": 0}
    study = StudySettings(title="t", tasks=["depth-tiny"], methods=["shot"], budget=budget)
    (cell,) = study_cells(study)
    prepare(TaskFolders(cell.task, 0, tmp_path, tmp_path))
    rows: list[Row] = []

    class Here:
        def __init__(self, jobs: int) -> None:
            self.jobs = jobs

        def run(self, work: Any, pieces: Any) -> Iterator[Outcome]:
            for number, piece in enumerate(pieces):
                yield Outcome(number, work(**piece))

    observe = PointRecorder.observe

    def other_study_in_between(recorder: PointRecorder, *moment: Any) -> None:
        observe(recorder, *moment)
        if moment[2] == 1.0:  # the last epoch: there are checkpoints of the one before
            monkeypatch.setattr(PointRecorder, "observe", observe)
            kept = sorted(tmp_path.rglob("shot.pt"))
            rows.extend(compare(study=study, out=tmp_path / "other", cache=tmp_path, data=tmp_path).rows)
            assert sorted(tmp_path.rglob("shot.pt")) == kept != []

    monkeypatch.setattr("sourcefree.studies.compare.LocalExecutor", Here)
    monkeypatch.setattr(PointRecorder, "observe", other_study_in_between)
    found = compare(study=study, out=tmp_path / "one", cache=tmp_path, data=tmp_path)
    assert found.failures == []
    rows += found.rows
    assert len(rows) == 2
    assert all(row["peak_memory_mb"] is not None for row in rows)  # neither went on from checkpoints of the other
    assert rows[0]["accuracy"] == rows[1]["accuracy"]
    assert not any((tmp_path / out / "cells").exists() for out in ("one", "other"))


def test_test_images_of_one_scene_are_one_whatever_their_classes() -> None:
    """A tile of a map under two classes is one scene; and twenty classes are no scenes."""
    folders = FolderData(source=Path("a"), target=Path("b"), modality="sar", irrelevant=("town",), group=r"^\d{3}")
    tasks = [TaskSettings(folders=folders), ready_tasks()["depth-tiny"]]
    names = [
        f"{kind}/{scene:03d}_{part}.png" for kind in "abcdefghijklmnopqrst" for scene in range(5) for part in (1, 2)
    ]
    test: Any = SimpleNamespace(images=SimpleNamespace(names=names), labels=tuple("abcdefghijklmnopqrst"))
    grouped, told = (scenes_of_test(Cell("t", "shot", task, 0, method_settings("shot")), test) for task in tasks)
    assert grouped == [name.split("/")[1][:3] for name in names]
    assert len(set(told)) == 40  # runs of five
