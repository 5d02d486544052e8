"""Pieces of work in processes of their own; functions must be importable there, so they are the library's."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator

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


DRIVER = """
import multiprocessing.connection, threading, time
from sourcefree.studies.executors import LocalExecutor
wait = {"object_list": [], "timeout": 90}
work = lambda: list(LocalExecutor(1).run(multiprocessing.connection.wait, [wait]))
threading.Thread(target=work, daemon=True).start()
while not multiprocessing.active_children():
    time.sleep(0.01)
time.sleep(2)
print("started", flush=True)
time.sleep(90)
"""


def test_processes_end_with_a_parent_that_is_killed() -> None:
    parent = subprocess.Popen([sys.executable, "-c", DRIVER], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    assert parent.stdout.readline() == "started\n"
    parent.kill()
    parent.communicate(timeout=40)  # the child has the same output open: it ends with the last of them
