"""A part of a study, by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from sourcefree.errors import ConfigError, did_you_mean

T = TypeVar("T")


def part_of(items: Sequence[T], *criteria: tuple[str, Sequence[object], Callable[[T], object]]) -> list[T]:
    """Return the items that meet every criterion; one that asks for nothing is met by all.

    Args:
        items: cells, rows or points of a study.
        criteria: what is asked for in the user's words (such as "task"), its values, and how an item's value is found.

    Raises:
        ConfigError: no item has one of the values.
    """
    for what, wanted, value_of in criteria:
        known = {value_of(item) for item in items}
        for value in wanted:
            if value not in known:
                hint = did_you_mean(str(value), {str(name) for name in known})
                raise ConfigError(f"the study has no {what} {str(value)!r}", hint=hint)
    return [item for item in items if all(not wanted or value_of(item) in wanted for _, wanted, value_of in criteria)]
