"""Where the pieces of a study are computed: processes of this machine, or a Ray cluster."""

from __future__ import annotations

import itertools
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence, Sized
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.context import SpawnProcess
from typing import Any, Protocol, TypeAlias

from sourcefree.allocator import keep_freed_memory
from sourcefree.errors import ConfigError, SourcefreeError

Work: TypeAlias = Callable[..., Any]
Arguments: TypeAlias = Mapping[str, Any]

_OF_PYTHON = 1  # exit code of an interpreter that ended with an error of its own
_PERHAPS_MEMORY = "perhaps memory ran out: use fewer --jobs"
_PERHAPS_NO_MODULE = (
    "what it said stands above. A network of your own must be a class of a module, not of a notebook or of the script itself, "
    "and a script must begin its work under if __name__ == '__main__'"
)


@dataclass(frozen=True)
class Outcome:
    """What became of one piece.

    Attributes:
        number: its place in the list of pieces.
        value: what the function returned.
        error: why it failed, in one line; None where it did not.
        hint: what to do next.
    """

    number: int
    value: Any = None
    error: str | None = None
    hint: str | None = None


class Executor(Protocol):
    """Computes pieces side by side."""

    def run(self, work: Work, pieces: Sequence[Arguments]) -> Iterator[Outcome]:
        """Yield the outcome of ``work(**piece)`` of each piece, as they come."""


@dataclass(frozen=True)
class LocalExecutor:
    """Processes of this machine: a fresh one for each piece.

    So its peak memory is its own, and a crash takes nothing else along.

    Attributes:
        jobs: how many at a time; the cores are shared among them.
    """

    jobs: int

    def run(self, work: Work, pieces: Iterable[Arguments]) -> Generator[Outcome, None, None]:
        """Yield outcomes as they come; leaving the loop early ends all processes.

        A piece is taken when a process is free for it, so that an iterator may make it of the outcomes so far.
        """
        context = multiprocessing.get_context("spawn")
        together = min(self.jobs, len(pieces)) if isinstance(pieces, Sized) else self.jobs
        threads = max(1, _cores() // max(1, together))
        waiting = enumerate(pieces)
        running: dict[multiprocessing.connection.Connection, tuple[int, SpawnProcess]] = {}
        try:
            while True:
                for number, piece in itertools.islice(waiting, self.jobs - len(running)):
                    ours, theirs = context.Pipe(duplex=False)
                    process = context.Process(target=_work, args=(theirs, work, piece, threads), daemon=False)
                    process.start()
                    theirs.close()
                    running[ours] = (number, process)
                if not running:
                    return
                for ready in multiprocessing.connection.wait(list(running)):
                    assert isinstance(ready, multiprocessing.connection.Connection)
                    number, process = running.pop(ready)
                    yield _outcome(number, ready, process)
        finally:
            for _, process in running.values():
                process.terminate()
            for _, process in running.values():
                process.join()


@dataclass(frozen=True)
class RayExecutor:
    """Tasks on a Ray cluster; without an address, on a Ray instance of this machine.

    Every machine must see the study's folders under the same paths.

    Attributes:
        jobs: how many on this machine where no cluster is running.
    """

    jobs: int

    def run(self, work: Work, pieces: Sequence[Arguments]) -> Iterator[Outcome]:
        """Yield outcomes as they come."""
        try:
            import ray
        except ImportError as missing:
            raise ConfigError("Ray is not installed", hint="pip install 'sourcefree[ray]'") from missing
        ours = not ray.is_initialized()
        if ours:
            address = os.environ.get("RAY_ADDRESS")
            cpus = {} if address else {"num_cpus": self.jobs, "include_dashboard": False}
            ray.init(address=address, log_to_driver=False, configure_logging=False, **cpus)
        try:
            # A fresh process for each piece here too.
            remote = ray.remote(num_cpus=1, max_calls=1)(_guarded)
            numbers = {remote.remote(work, dict(piece)): number for number, piece in enumerate(pieces)}
            while numbers:
                done, _ = ray.wait(list(numbers), num_returns=1)
                number = numbers.pop(done[0])
                try:
                    value, error, hint = ray.get(done[0])
                except ray.exceptions.RayError as failure:
                    value, error, hint = None, f"the process was lost ({type(failure).__name__})", None
                yield Outcome(number, value, error, hint)
        finally:
            if ours:
                ray.shutdown()


def _work(connection: Any, work: Work, piece: Arguments, threads: int) -> None:
    """Run in a process of its own: send (value, error, hint)."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ.setdefault("OMP_NUM_THREADS", str(threads))
    keep_freed_memory()
    import torch

    torch.set_num_threads(threads)
    outcome = _guarded(work, piece)
    with suppress(BrokenPipeError):  # the parent was ended: nobody listens any more
        connection.send(outcome)
    connection.close()


def _cores() -> int:
    """Return the cores this process may use, which can be fewer than the machine has: threads beyond them only wait."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _end_with_parent() -> None:
    """End this process when its parent has ended, however: a killed study must not go on computing unseen."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _guarded(work: Work, piece: Arguments) -> tuple[Any, str | None, str | None]:
    try:
        return work(**piece), None, None
    except SourcefreeError as error:
        return None, error.message, error.hint
    except Exception as error:  # noqa: BLE001  one failed piece must not take the study along; it is reported
        return None, f"{type(error).__name__}: {error}", "this is a defect of the method or of sourcefree"


def _outcome(number: int, connection: multiprocessing.connection.Connection, process: SpawnProcess) -> Outcome:
    value, error, hint = None, "", None
    with suppress(EOFError):  # the process ended without a word
        value, error, hint = connection.recv()
    process.join()
    connection.close()
    if error == "":
        error = f"its process ended with exit code {process.exitcode}"
        hint = _PERHAPS_NO_MODULE if process.exitcode == _OF_PYTHON else _PERHAPS_MEMORY
    return Outcome(number, value, error, hint)
