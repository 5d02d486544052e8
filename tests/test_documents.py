"""Numbers in documents are those that a command printed."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sourcefree.studies.results import ResultTable
from sourcefree.studies.study import load_study, study_cells
from sourcefree.studies.summary import summary_tables

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "docs" / "results"
STUDIES = sorted(path.parent.name for path in RESULTS.glob("*/results.csv"))


def tables(text: str) -> list[str]:
    return re.findall(r"(?:^\|.*\n)+", text + "\n", flags=re.MULTILINE)


def test_every_table_of_the_results_page_was_printed_by_a_study() -> None:
    printed = "\n".join(path.read_text() for path in RESULTS.glob("*/results.md"))
    page = (ROOT / "docs" / "results.md").read_text()
    shown = [table for table in tables(page) if "±" in table or re.search(r"\d\.\d", table)]
    assert shown
    assert all(table.strip() in printed for table in shown)


@pytest.mark.parametrize("name", STUDIES)
def test_the_printed_tables_are_made_of_the_rows_that_are_kept(name: str) -> None:
    study = load_study(name)
    table = ResultTable(RESULTS / name / "results.csv")
    rows = [
        {**table.rows[cell.key], "task": cell.task_name, "method": cell.method_name}
        for cell in study_cells(study)
        if cell.key in table.rows
    ]
    assert {row["key"] for row in rows} == set(table.rows), "rows of another version of the study: remove them"
    text = (RESULTS / name / "results.md").read_text()
    for made in summary_tables(rows, transposed=study.rows == "tasks"):
        assert made.to_markdown() in text
