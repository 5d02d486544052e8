"""A whole tiny study from the command line: run, interrupt, go on, read."""

from __future__ import annotations

import csv
import signal
import subprocess
import time
from pathlib import Path

import pytest

from support.command_line import ENVIRONMENT, command, run

STUDY = """
title: Tiny <b>study</b>
question: Does it run?
tasks: [depth-tiny]
methods: [source-only, {base: multilevel, name: ours}, oracle]
seeds: [0]
budget: {epochs: 1, batch_size: 20, min_steps: 0}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("study")
    (folder / "study.yaml").write_text(STUDY)
    return folder


@pytest.fixture
def finished(place: Path) -> Path:
    """The whole study, whichever test of this file a worker comes to first after the interrupted one."""
    run("compare", place / "study.yaml", "--out", place / "out", "--jobs", 2)
    return place / "out"


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / "results.csv").open() as file:
        return list(csv.DictReader(file))


def test_an_interrupted_study_goes_on_and_no_cell_is_computed_twice(place: Path) -> None:
    out = place / "out"
    words = command("compare", place / "study.yaml", "--out", out)
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=ENVIRONMENT)
    limit = time.monotonic() + 240
    while not (out / "results.csv").exists() and process.poll() is None and time.monotonic() < limit:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    text = process.communicate(timeout=60)[0].decode()
    assert process.returncode == 130, text
    assert "same command" in text
    before = rows(out)
    assert 0 < len(before) < 3
    result = run("compare", place / "study.yaml", "--out", out, "--jobs", 2)
    assert f"3 cells, {len(before)} of them done" in result.stdout
    after = rows(out)
    assert after[: len(before)] == before
    assert [row["status"] for row in after] == ["done"] * 3
    assert {row["method"]: row["uses_labels"] for row in after}["oracle"] == "True"
    assert (out / "results.parquet").is_file()
    assert "oracle (uses target labels)" in (out / "results.md").read_text()
    page = (out / "report.html").read_text()
    assert "Tiny &lt;b&gt;study&lt;/b&gt;" in page
    assert '<img class="plot" src="data:image/svg+xml' in page  # by its class it fits the page, light or dark
    assert not (out / "cells").exists()


def test_source_only_and_adabn_are_the_same_in_every_method(finished: Path) -> None:
    found = {row["method"]: row for row in rows(finished)}
    assert {row["source_only_accuracy"] for row in found.values()} == {found["source-only"]["accuracy"]}
    assert len({row["adabn_accuracy"] for row in found.values()}) == 1
    assert int(found["ours"]["images"]) > int(found["oracle"]["images"]) > 0
    assert found["source-only"]["images"] == "0"


def test_tables_are_made_of_the_rows_that_are_there(finished: Path, place: Path) -> None:
    out = finished
    before, text = rows(out), (out / "results.md").read_text()
    (out / "results.md").unlink()
    run("compare", place / "study.yaml", "--out", out, "--tables-only")
    assert (out / "results.md").read_text() == text
    assert rows(out) == before
    with (out / "points.csv").open() as file:
        points = list(csv.DictReader(file))
    # Source-only and AdaBN once, the ends of two trainings; one epoch has no third of its way to stop at.
    assert {(point["method"], point["progress"]) for point in points} == {
        *((name, "1") for name in ("source-only", "adabn", "ours", "oracle"))
    }
    assert "pair_information" in run("scores", out).stdout
    written = (out / "scores.md").read_text()
    assert "| pair_information |" in written
    assert "3 models" in run("scores", out).stdout  # the oracle has no part
    assert "1 models" in run("scores", out, "--methods", "ours", "--seeds", 0).stdout
    assert (out / "scores.md").read_text() == written
    assert "no seed '7'\n  -> known: 0" in run("scores", out, "--seeds", 7, expect=2).stderr
    empty = run("compare", place / "study.yaml", "--out", place / "nothing", "--tables-only", expect=2)
    assert "has no row" in empty.stderr


def test_part_of_a_study_and_names_that_are_not_in_it(finished: Path, place: Path) -> None:
    cache = finished / "cache"
    run("compare", place / "study.yaml", "--out", place / "part", "--cache", cache, "--methods", "source-only", "ours")
    assert [row["method"] for row in rows(place / "part")] == ["source-only", "ours"]
    wrong = run("compare", place / "study.yaml", "--out", place / "part", "--methods", "shoot", expect=2)
    assert "no method 'shoot'" in wrong.stderr


def test_missing_data_fails_those_cells_with_a_reason(tmp_path: Path) -> None:
    chosen = ("--tasks", "nir-1", "--methods", "shot", "--seeds", 0)
    result = run("compare", "methods", "--out", tmp_path, "--data", tmp_path, *chosen, expect=2)
    assert "no such folder" in result.stderr
    assert "nir-1, seed 0" in result.stderr


def test_a_file_in_the_way_is_named_before_anything_is_computed(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    refused = run("compare", "methods", "--out", tmp_path, "--data", tmp_path, expect=2).stderr
    assert f"{tmp_path}: the folder holds other files and no study, for example file" in refused
    for place in (tmp_path / "file", tmp_path / "file" / "deeper"):
        assert "found a file" in run("compare", "tiny", "--out", place, expect=2).stderr
        assert "found a file" in run("prepare", "diml", tmp_path, "--out", place, expect=2).stderr
