"""A tuning's folder is told from an unfinished run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from sourcefree.commands.evaluate import evaluate
from sourcefree.commands.export import export
from sourcefree.commands.predict import predict, translate
from sourcefree.errors import CheckpointError
from sourcefree.models.trained import load_trained
from sourcefree.report import write_report

COMMANDS: dict[str, Callable[[Path, Path], object]] = {
    "evaluate": lambda run, place: evaluate(run=run, images=place),
    "export": lambda run, place: export(run=run, out=place / "out"),
    "report": lambda run, _: write_report(run),
    "predict": lambda run, place: predict(run=run, images=[place]),
    "translate": lambda run, place: translate(run=run, images=[place], out=place / "out"),
    "as a source model": lambda run, _: load_trained(run),
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("best", [True, False])
def test_a_tuning_is_no_unfinished_run(tmp_path: Path, command: str, best: bool) -> None:
    tuning = tmp_path / "tuning"
    tuning.mkdir()
    (tuning / "run.json").write_text(json.dumps({"command": "tune", "status": "complete"}))
    if best:
        (tuning / "best").mkdir()
    with pytest.raises(CheckpointError, match="found a tuning") as caught:
        COMMANDS[command](tuning, tmp_path)
    assert caught.value.hint == (
        f"give {tuning / 'best'}, the run of its best trial"
        if best
        else "it has no best trial yet: go on with the same sourcefree tune command"
    )
    assert not (tuning / "report.html").exists()


def test_an_unfinished_run_is_still_told_so(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text(json.dumps({"command": "adapt", "status": "interrupted"}))
    with pytest.raises(CheckpointError, match="not finished") as caught:
        evaluate(run=tmp_path, images=tmp_path)
    assert caught.value.hint == "go on with --resume"
