"""Errors that tell the user what went wrong, where, what was expected and found, and what to do next."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol


class SourcefreeError(Exception):
    """Base of every error this package raises on purpose; the command line prints it and exits with code 2.

    Args:
        message: what is wrong, where (path or option), what was expected and what was found.
        hint: what the user can do next.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  -> {self.hint}" if self.hint else self.message


class ConfigError(SourcefreeError):
    """A setting is unknown, has a wrong value, or contradicts another."""


class DataError(SourcefreeError):
    """A folder, an image or a pairing cannot be used."""


class CheckpointError(SourcefreeError):
    """A model file or run folder cannot be read, or does not fit what is asked of it."""


class DivergenceError(SourcefreeError):
    """Training produced values that are not finite, or a model that answers with such."""


_MANY = 50  # known words that are still read: the settings of a section, the folders beside one


def did_you_mean(word: str, known: Iterable[str], *, within: str = "") -> str:
    """Return ``did you mean 'x'? `` for the closest known word (empty if none is close) plus all known words.

    Where they are too many to be read, such as the models of a library, the five closest stand for all.

    Args:
        word: that is not known.
        known: words.
        within: dotted name of what they belong to; the guess begins with it.
    """
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=5, cutoff=0.5)
    guess = f"did you mean {f'{within}.{close[0]}'.lstrip('.')!r}? " if close else ""
    if len(names) <= _MANY:
        return f"{guess}known{f' in {within}' if within else ''}: {', '.join(names)}"
    return f"{guess}closest: {', '.join(close)}" if close else f"none of the {len(names)} known names is like it"


class _Problems(Protocol):
    def errors(self) -> Sequence[Mapping[str, Any]]: ...


def first_problem(error: _Problems) -> str:
    """Return the first problem of a pydantic ValidationError as "where: what, found ..."; no pydantic is imported here."""
    problem = error.errors()[0]
    where = ".".join(str(part) for part in problem["loc"])
    text = str(problem["msg"]).removeprefix("Value error, ")
    text = re.sub("^Input should be (?=greater|less)", "expected a number ", text).replace(
        "Input should be", "expected", 1
    )
    # A rule over several settings has no single place, and its whole input would drown the message.
    return f"{where}: {text}, found {problem['input']!r}" if where else text
