"""What the command line shows: progress bars and errors."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Column

from sourcefree.stages import stage_title

_SHOWN_NUMBERS = 5  # the loss and its first terms; more does not fit a line


class ConsoleProgress:
    """Progress bars on the terminal, one line a task; plain lines where the output is not a terminal.

    Use as a context manager. Fits :class:`sourcefree.engine.progress.Progress`.

    Attributes:
        said: the lines shown so far, so that none is shown twice.
    """

    def __init__(self, console: Console) -> None:
        self.console = console
        self.said: set[str] = set()
        self._task: TaskID | None = None
        self._name, self._total, self._done = "", 0, 0
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=20),
            MofNCompleteColumn(),
            TimeRemainingColumn(elapsed_when_finished=True),
            # What is left of the line: else they would take the room of bar and time.
            TextColumn("{task.fields[numbers]}", style="dim", table_column=Column(ratio=1, no_wrap=True)),
            console=console,
            expand=True,
            disable=not console.is_terminal,
        )

    def __enter__(self) -> ConsoleProgress:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def start(self, task: str, total: int) -> None:
        """Begin a task; the bar of the one before stays as it is."""
        self._name, self._total, self._done = stage_title(task), total, 0
        self._task = self._bars.add_task(escape(self._name), total=total, numbers="")

    def advance(self, done: int, numbers: Mapping[str, float] | None = None) -> None:
        """Show how far the task is."""
        text = "  ".join(f"{name} {value:.3f}" for name, value in list((numbers or {}).items())[:_SHOWN_NUMBERS])
        if self._task is not None and text:
            self._bars.update(self._task, completed=done, numbers=text)
        elif self._task is not None:
            self._bars.update(self._task, completed=done)
        if not self.console.is_terminal and self._quarter(done) > self._quarter(self._done):
            line = f"{self._name}: {done}/{self._total} {text}".rstrip()
            self.console.print(line, markup=False, soft_wrap=True)
        self._done = done

    def say(self, text: str) -> None:
        """Show one line of text."""
        self.said.add(text)
        self.console.print(text, markup=False, soft_wrap=True)

    def _quarter(self, done: int) -> int:
        return 4 * done // max(1, self._total)


def show_error(console: Console, message: str, hint: str | None) -> None:
    """Print an error and what to do next."""
    console.print(f"[bold red]error[/] {escape(message)}", soft_wrap=True)
    if hint:
        console.print(f"  -> {escape(hint)}", soft_wrap=True)
