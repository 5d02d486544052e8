"""Running the command line in tests: in this process where that is enough, because torch takes seconds to import."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

import torch

from sourcefree import cli

BACKBONE = "test_resnet"
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "300", "TERM": "dumb", "NO_COLOR": "1"}


@dataclass(frozen=True)
class Result:
    """What a command printed."""

    stdout: str
    stderr: str


Run = Callable[..., Result]


def run(*arguments: object, expect: int = 0) -> Result:
    """Run a command in this process and check its exit code."""
    torch.set_num_threads(1)  # as in the processes that are compared with it
    out, error, code = io.StringIO(), io.StringIO(), 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(error):
        try:
            cli.main([str(argument) for argument in arguments])
        except SystemExit as stop:
            code = int(stop.code or 0)
    assert code == expect, f"exit {code}\n{out.getvalue()}\n{error.getvalue()}"
    return Result(out.getvalue(), error.getvalue())


def command(*arguments: object) -> list[str]:
    """The words of a command line for a process of its own."""
    return [sys.executable, "-m", "sourcefree.cli", *map(str, arguments)]
