"""Pieces of work in processes of their own; functions must be importable there, so they are the library's."""

from __future__ import annotations

import os
import runpy
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

from sourcefree.studies.executors import Executor, LocalExecutor, RayExecutor

LIMIT_SECONDS = 60


@pytest.fixture(params=["local", "ray"])
def executor(request: pytest.FixtureRequest) -> Executor:
    return LocalExecutor(2) if request.param == "local" else RayExecutor(2)


def test_every_outcome_comes_and_a_failure_takes_nothing_along(executor: Executor) -> None:
    pieces = [{"name": "method_a"}, {"name": "shot"}, {"name": "nrc"}]
    from sourcefree.methods.presets import method_settings

    outcomes = {outcome.number: outcome for outcome in executor.run(method_settings, pieces)}
    assert sorted(outcomes) == [0, 1, 2]
    assert outcomes[1].value == method_settings("shot")
    assert outcomes[1].error is None
    assert "no method 'method_a'" in str(outcomes[0].error)
    assert outcomes[0].hint


def test_a_piece_is_taken_when_a_process_is_free_and_may_depend_on_the_outcomes_so_far() -> None:
    order = []

    def pieces() -> Iterator[dict[str, str]]:
        for name in ("shot", "nrc"):
            order.append(f"take {name}")
            yield {"name": name}

    from sourcefree.methods.presets import method_settings

    for outcome in LocalExecutor(1).run(method_settings, pieces()):
        order.append(f"got {outcome.value.method}")
    assert order == ["take shot", "got shot", "take nrc", "got nrc"]


def test_a_process_that_dies_is_reported() -> None:
    for status, hint in ((7, "perhaps memory ran out"), (1, "a class of a module")):
        (outcome,) = LocalExecutor(1).run(os._exit, [{"status": status}])
        assert f"exit code {status}" in str(outcome.error)
        assert hint in str(outcome.hint)


# Pieces that say when they run: run_path is importable in any process, and what it runs is ours.
_RUNS_LONG = """
import os, pathlib, time
mark = pathlib.Path(__file__).with_name("process")
mark.with_suffix(".new").write_text(str(os.getpid()))
mark.with_suffix(".new").rename(mark)
time.sleep(600)
"""
_FAILS_THEN = """
import pathlib, time
limit = time.monotonic() + 60
while not pathlib.Path(__file__).with_name("process").exists() and time.monotonic() < limit:
    time.sleep(0.05)
raise ValueError("as planned")
"""


def long_piece(folder: Path) -> dict[str, str]:
    (folder / "long.py").write_text(_RUNS_LONG)
    return {"path_name": str(folder / "long.py")}


@contextmanager
def process_of_long_piece(folder: Path) -> Iterator[psutil.Process]:
    """Wait until the piece runs; whatever becomes of the test, its process is ended."""
    limit = time.monotonic() + LIMIT_SECONDS
    while not (folder / "process").exists():
        assert time.monotonic() < limit, "the piece never began"
        time.sleep(0.05)
    process = psutil.Process(int((folder / "process").read_text()))
    try:
        yield process
    finally:
        with suppress(psutil.NoSuchProcess):
            process.kill()


def test_leaving_early_ends_the_other_processes(tmp_path: Path) -> None:
    (tmp_path / "fails.py").write_text(_FAILS_THEN)
    pieces = [{"path_name": str(tmp_path / "fails.py")}, long_piece(tmp_path)]
    outcomes = LocalExecutor(2).run(runpy.run_path, pieces)
    assert next(outcomes).error == "ValueError: as planned"
    with process_of_long_piece(tmp_path) as other:
        assert other.is_running()
        outcomes.close()
        assert not other.is_running()


def test_a_killed_parent_leaves_no_process_behind(tmp_path: Path) -> None:
    code = (
        "import runpy; from sourcefree.studies.executors import LocalExecutor;"
        f"list(LocalExecutor(1).run(runpy.run_path, [{long_piece(tmp_path)}]))"
    )
    parent = subprocess.Popen([sys.executable, "-c", code])
    try:
        with process_of_long_piece(tmp_path) as child:  # which listened for its parent before the piece began
            assert child.ppid() == parent.pid
            parent.kill()
            parent.wait()
            _, alive = psutil.wait_procs([child], timeout=LIMIT_SECONDS)
            assert not alive
    finally:
        parent.kill()
        parent.wait()
