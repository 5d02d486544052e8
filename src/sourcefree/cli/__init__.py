"""The command line: parse, call the function of the same name, show the result. torch is imported by the commands only."""

from __future__ import annotations

import errno
import io
import os
import sys

from cyclopts import CycloptsError

from sourcefree.allocator import keep_freed_memory
from sourcefree.cli import adaptation, data, source, studying, using  # noqa: F401  importing them makes their commands known
from sourcefree.cli.shared import app, error_console
from sourcefree.console import show_error
from sourcefree.errors import ConfigError, SourcefreeError

USAGE_ERROR = 2
INTERRUPTED = 130
READER_GONE = 1  # as rich ends where it is the one that writes


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; errors end with exit code 2, an interrupt with 130, output that nobody reads with 1."""
    keep_freed_memory()
    _write_any_name()
    try:
        _run(arguments)
    except CycloptsError as error:
        show_error(error_console, str(error), "sourcefree COMMAND --help lists the options")
        sys.exit(USAGE_ERROR)
    except SourcefreeError as error:
        show_error(error_console, error.message, error.hint)
        sys.exit(USAGE_ERROR)
    except BrokenPipeError:  # whoever read the output, such as head, has enough: no error to tell
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # what is left is written when Python ends
        sys.exit(READER_GONE)
    except OSError as error:  # a full disk, a place that cannot be written to: nothing that a traceback would explain
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        denied = error.errno in (errno.EACCES, errno.EPERM, errno.EROFS)
        show_error(error_console, what, "may it be read, or written to?" if denied else "is the disk full?")
        sys.exit(USAGE_ERROR)
    except KeyboardInterrupt:
        show_error(
            error_console,
            "interrupted",
            "once training has begun, train-source and adapt go on after their last finished epoch with --resume; compare "
            "and tune go on with the same command",
        )
        sys.exit(INTERRUPTED)


def _write_any_name() -> None:
    """Let names of files be printed that are no UTF-8, or that the terminal has no letters for: such letters as numbers."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # tests and notebooks put others in their place
            stream.reconfigure(errors="backslashreplace")


def _run(arguments: list[str] | None) -> None:
    if "" in (sys.argv[1:] if arguments is None else arguments):  # as a path it would mean the folder one stands in
        raise ConfigError("an argument is empty", hint="is a variable of the shell not set?")
    try:
        app(arguments, exit_on_error=False, print_error=False)
    finally:
        sys.stdout.flush()  # here, where an error that it brings is told in one line
