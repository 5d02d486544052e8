from __future__ import annotations

from pathlib import Path

from sourcefree.studies.measure import run_cell
from sourcefree.studies.prepare import prepare
from sourcefree.studies.study import StudySettings, study_cells
from sourcefree.studies.task_folders import TaskFolders


def test_a_cell_with_a_bridge_of_another_one_counts_its_seconds_and_knows_no_peak_memory(tmp_path: Path) -> None:
    methods = ["tgmb", "tgmb-tgkt"]
    budget = {"epochs": 1, "batch_size": 20, "min_steps": 0}
    study = StudySettings(title="t", tasks=["depth-tiny"], methods=methods, budget=budget)
    cells = study_cells(study)
    prepare(TaskFolders(cells[0].task, 0, tmp_path, tmp_path))
    first, second = (run_cell(cell, cache=tmp_path, data=tmp_path) for cell in cells)
    assert first["peak_memory_mb"] > 0
    assert second["peak_memory_mb"] is None
    assert second["seconds"] > first["seconds"] > 0
