"""Pieces of work in processes of their own; functions must be importable there, so they are the library's."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from sourcefree.studies.executors import Executor, LocalExecutor, RayExecutor

RAY_SECONDS = 60


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
    outcomes = list(LocalExecutor(1).run(os._exit, [{"status": 7}]))
    assert "exit code 7" in str(outcomes[0].error)


def test_leaving_early_ends_the_other_processes() -> None:
    started = time.monotonic()
    outcomes = LocalExecutor(2).run(time.sleep, [{}, {}])
    assert next(outcomes).error is not None  # sleep() takes no keyword: it fails at once
    outcomes.close()
    assert time.monotonic() - started < RAY_SECONDS


def test_a_killed_parent_leaves_no_process_behind() -> None:
    code = (
        "import signal; from sourcefree.studies.executors import LocalExecutor;"
        "list(LocalExecutor(1).run(signal.pause, [{}]))"
    )
    parent = subprocess.Popen([sys.executable, "-c", code])
    children: list[psutil.Process] = []
    limit = time.monotonic() + RAY_SECONDS
    # The tracker of multiprocessing is the other child.
    while not any("spawn_main" in " ".join(child.cmdline()) for child in children) and time.monotonic() < limit:
        time.sleep(0.1)
        children = psutil.Process(parent.pid).children()
    time.sleep(1)  # until the child listens for its parent
    parent.kill()
    parent.wait()
    _, alive = psutil.wait_procs(children, timeout=RAY_SECONDS)
    assert children
    assert not alive
