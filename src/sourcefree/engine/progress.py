"""How long work tells that it goes on; the command line shows it, the API stays silent by default."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from sourcefree.data.progress import CountProgress


class Progress(Protocol):
    """Receives progress. All calls come from the main thread, and every process makes them.

    Under torchrun it is for the receiver to be silent in all processes but the first, as the command line's is.
    """

    def start(self, task: str, total: int) -> None:
        """Begin a task of ``total`` steps; ends the one before."""

    def advance(self, done: int, numbers: Mapping[str, float] | None = None) -> None:
        """Report how many steps are done, and numbers worth showing."""

    def say(self, text: str) -> None:
        """Report one line of text."""


class Silent:
    """Shows nothing."""

    def start(self, task: str, total: int) -> None:
        """Do nothing."""

    def advance(self, done: int, numbers: Mapping[str, float] | None = None) -> None:
        """Do nothing."""

    def say(self, text: str) -> None:
        """Do nothing."""


def counter(progress: Progress, task: str) -> CountProgress:
    """Return a function of (done, total) that shows a task; counting from the start again begins a new one."""
    last = 0

    def show(done: int, total: int) -> None:
        nonlocal last
        if last == 0 or done <= last:
            progress.start(task, total)
        last = done
        progress.advance(done)

    return show
