"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Sequence


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: bool = False) -> str:
    """Return a table; a name may hold what would end its field or its line.

    Args:
        header: column names.
        rows: text of every field.
        numbers: whether all columns but the first are set to the right.
    """
    rule = ["---", *("---:" if numbers else "---" for _ in header[1:])]
    lines = [list(map(_field, header)), rule, *(list(map(_field, row)) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _field(text: str) -> str:
    return " ".join(text.split("\n")).replace("|", "\\|")
