"""A whole tiny tuning from the command line: interrupt, go on, read."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

from support.command_line import ENVIRONMENT, Run, command


@pytest.fixture(scope="module")
def words(adapt_arguments: tuple[object, ...]) -> tuple[object, ...]:
    quick = ("--method", "shot", "--epochs", 1, "--allow-collapse", "--trials", 2)
    data = adapt_arguments[1 : adapt_arguments.index("--epochs")]
    return ("tune", *data, "--batch-size", 16, *quick)


def test_an_interrupted_tuning_goes_on_with_the_same_command_and_then_has_nothing_to_do(
    words: tuple[object, ...], sourcefree: Run, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    process = subprocess.Popen(
        command(*words, "--out", out), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=ENVIRONMENT
    )
    limit = time.monotonic() + 240
    while not (out / "trials/0000/config.yaml").exists() and process.poll() is None and time.monotonic() < limit:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    text = process.communicate(timeout=60)[0].decode()
    assert process.returncode == 130, text
    assert "same command" in text
    assert json.loads((out / "run.json").read_text())["status"] == "interrupted"
    assert not (out / "trials/0000/trial.json").exists()

    first = sourcefree(*words, "--out", out).stdout
    for part in ("2 trials, 0 of them done", "default", "No target label took part", "optimistic", "best.yaml"):
        assert part in first
    table = (out / "trials.csv").read_text()
    assert [row["status"] for row in csv.DictReader(table.splitlines())] == ["done", "done"]
    weights = out / "best/model/weights.safetensors"
    assert (out / "best/report.html").is_file()
    assert {place.name for place in out.iterdir()} >= {"best", "best.yaml", "trials.csv", "trials"}
    assert not list(out.rglob("*.pt"))

    before = weights.stat().st_mtime_ns
    assert "2 trials, 2 of them done" in sourcefree(*words, "--out", out).stdout
    assert (out / "trials.csv").read_text() == table
    assert weights.stat().st_mtime_ns == before

    other = sourcefree(*words, "--out", out, "--set", "shot.information=2", expect=2).stderr
    assert "tune.yaml: tune with other settings" in other
    assert "settings.shot.information: was 1.0, is 2.0" in other


def test_what_cannot_be_tuned_leaves_nothing_behind(words: tuple[object, ...], sourcefree: Run, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for options, part in (
        (("--score", "dev"), "source-free"),
        (("--space", "shot.informtion=0..1"), "did you mean 'shot.information'"),
        (("--trials", 0), "at least 1"),
        (("--target", tmp_path / "nowhere"), "no such folder"),
    ):
        kept = list(words)
        if options[0] in kept:
            kept[kept.index(options[0]) + 1] = options[1]
            options = ()
        error = sourcefree(*kept, *options, "--out", out, expect=2).stderr
        assert part in error
        assert "Traceback" not in error
    assert not out.exists()
