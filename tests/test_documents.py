"""Numbers in documents are those that a command printed; links lead somewhere and examples can be read."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

import sourcefree
from sourcefree.methods.presets import METHODS
from sourcefree.studies.cell import Row
from sourcefree.studies.leads import with_answers
from sourcefree.studies.results import ResultTable, read_point_table
from sourcefree.studies.score_quality import quality_tables
from sourcefree.studies.study import load_study, study_cells
from sourcefree.studies.summary import Table, summary_tables

ROOT = Path(__file__).parent.parent
RESULTS = ROOT / "docs" / "results"
STUDIES = sorted(path.parent.name for path in RESULTS.glob("*/results.csv"))
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
# How the README calls the methods whose averages it tells, and the studies that they are of.
NAMED_IN_README = {
    "source-only: the source model as it is": "source-only",
    "AdaBN": "adabn",
    "SHOT": "shot",
    "SOCKET": "socket",
    "SOCKET without its batch-norm term": "socket without statistics",
    "TGMB and TGKT, the paper's two stages": "tgmb-tgkt",
    "distillation of the pairs alone": "ti-distillation",
    "**multilevel**, the default": "multilevel",
    "a model trained with target labels, without pairs": "oracle (uses target labels)",
}
STUDIES_IN_README = ("methods", "digits")
BARS = "| asked | measured |"  # the one table of the results that no command prints
RANKS, REGRETS = "Rank correlation with the accuracy", "Regret among finished models, points of accuracy"
SCORE = "target_information"  # that chooses


def tables(text: str) -> list[str]:
    return re.findall(r"(?:^\|.*\n)+", text + "\n", flags=re.MULTILINE)


@pytest.mark.parametrize("page", ["results.md", "further-results.md"])
def test_every_table_of_the_results_pages_was_printed_by_a_study(page: str) -> None:
    printed = {table for path in RESULTS.glob("*/results.md") for table in tables(path.read_text())}
    shown = [table for table in tables((ROOT / "docs" / page).read_text()) if not table.startswith(BARS)]
    assert shown
    assert all(table in printed for table in shown)  # whole: a table that lost its header is part of a printed one


def test_the_bars_are_told_as_they_were_measured() -> None:
    shown = of_title(summary_tables(rows_of("methods")[0]))
    accuracy, gap = shown["Accuracy, %"], shown["Gap recovered, %"]
    ours, oracle = "multilevel", "oracle (uses target labels)"
    tasks = [name for name in accuracy["source-only"] if name != "mean"]
    short = {
        f"{task}, {name}": number(accuracy[ours][task]) - number(values[task])
        for name, values in accuracy.items()
        if name not in (ours, oracle)
        for task in tasks
    }
    worst = min(short, key=lambda place: short[place])
    lead = number(accuracy[ours]["mean"]) - number(accuracy["socket"]["mean"])
    gaps = {task: round(number(gap[ours][task])) for task in tasks}
    elsewhere = [gaps[task] for task in tasks if not task.startswith("depth")]
    points = read_point_table(RESULTS / "methods" / "points.csv")
    ranks, regrets = (of_title(quality_tables(points))[title] for title in (RANKS, REGRETS))
    chosen = of_title(quality_tables([point for point in points if point["method"] in candidates_of_auto()]))[REGRETS]
    (told,) = [table for table in tables((ROOT / "docs" / "results.md").read_text()) if table.startswith(BARS)]
    for words in (
        f"| {lead:.1f} |",
        f"| {-short[worst]:.1f} below one, on `{worst.partition(',')[0]}` (",
        f"| {gaps['depth-a']} and {gaps['depth-b']} %; {min(elsewhere)} to {max(elsewhere)} % (",
        f"| {chosen[SCORE]['mean']} and {chosen[SCORE]['worst']} among [the candidates",
        f"compete: [{regrets[SCORE]['mean']} and {regrets[SCORE]['worst']}](",
        f"| {span(ranks['combined_rank'], tasks)} by `combined_rank`; **missed** on three tasks",
        f"chooses: [{span(ranks[SCORE], tasks)}](",
    ):
        assert words in told
    assert sum(value < -1 for value in short.values()) == 0
    assert sum(number(ranks[SCORE][task]) < 0.8 for task in tasks) == 3


@pytest.mark.parametrize("name", STUDIES)
def test_the_printed_tables_are_made_of_the_rows_that_are_kept(name: str) -> None:
    rows, kept = rows_of(name)
    assert {row["key"] for row in rows} == kept, "rows of another version of the study: remove them"
    text = (RESULTS / name / "results.md").read_text()
    answered = with_answers(rows, read_point_table(RESULTS / name / "points.csv"))
    for made in summary_tables(answered, transposed=load_study(name).rows == "tasks"):
        assert made.to_markdown() in text


@pytest.mark.parametrize("page", ["docs/selection.md", "docs/results/methods/scores.md"])
def test_what_the_scores_are_worth_is_what_the_recorded_points_say(page: str) -> None:
    text = (ROOT / page).read_text()
    made = quality_tables(read_point_table(RESULTS / "methods" / "points.csv"))
    assert len(made) == 7
    for table in made:
        assert table.to_markdown() in text


def test_regret_among_the_candidates_of_auto_is_what_the_recorded_points_say() -> None:
    text = (ROOT / "docs" / "selection.md").read_text()
    candidates = candidates_of_auto()
    command = re.search(r"`sourcefree scores docs/results/methods --methods ([^`]+)`", text)
    assert command
    assert set(command[1].split()) == candidates
    points = read_point_table(RESULTS / "methods" / "points.csv")
    made = {t.title: t for t in quality_tables([point for point in points if point["method"] in candidates])}
    assert made["Regret among finished models, points of accuracy"].to_markdown() in text
    assert made["Regret beside a choice by labels, finished models, points of accuracy"].to_markdown() in text


@pytest.mark.parametrize("words", NAMED_IN_README)
def test_the_averages_of_the_readme_are_those_of_the_results(words: str) -> None:
    (row,) = re.findall(rf"^\| {re.escape(words)} \| (.*) \|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    told = [value.strip("* ") for value in row.split("|")]
    for study, value in zip(STUDIES_IN_README, told, strict=True):
        accuracy = summary_tables(rows_of(study)[0])[0]
        means = {line[0]: line[accuracy.header.index("mean")] for line in accuracy.body}
        assert value == means[NAMED_IN_README[words]]


def candidates_of_auto() -> set[str]:
    return {"source-only", "adabn", *METHODS["auto"].settings.students}


def of_title(made: Sequence[Table]) -> dict[str, dict[str, dict[str, str]]]:
    """Return the cells of tables by title, name of the row and name of the column."""
    return {
        table.title: {row[0]: dict(zip(table.header[1:], row[1:], strict=True)) for row in table.body} for table in made
    }


def number(cell: str) -> float:
    """Return the mean of a cell that may show a spread too."""
    return float(cell.partition(" ")[0])


def span(row: dict[str, str], tasks: Sequence[str]) -> str:
    values = [number(row[task]) for task in tasks]
    return f"{min(values):.2f} to {max(values):.2f}"


def rows_of(name: str) -> tuple[list[Row], set[str]]:
    """Return the rows of a study that is kept, as it is today, and the keys of all rows in its table."""
    table = ResultTable(RESULTS / name / "results.csv")
    rows = [
        {**table.rows[cell.key], "task": cell.task_name, "method": cell.method_name}
        for cell in study_cells(load_study(name))
        if cell.key in table.rows
    ]
    return rows, set(table.rows)


def without_code(text: str) -> str:
    return re.sub(r"^```.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """Return the names that headings get on a page, as GitHub makes them."""
    seen: Counter[str] = Counter()
    found = set()
    for heading in re.findall(r"^#+ +(.*)$", without_code(page.read_text()), re.MULTILINE):
        name = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        found.add(f"{name}-{seen[name]}" if seen[name] else name)
        seen[name] += 1
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_and_headings(page: Path) -> None:
    text = re.sub(r"`[^`\n]*`", "", without_code(page.read_text()))  # what stands in code is no link
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"\w+:", link):
            continue
        place, _, anchor = link.partition("#")
        target = (page.parent / place).resolve() if place else page
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def examples(language: str) -> list[object]:
    """Return the code of a language on all pages."""
    return [
        pytest.param(code, id=f"{page.name}-{number}")
        for page in PAGES
        for number, code in enumerate(
            re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
        )
    ]


@pytest.mark.parametrize("code", examples("python"))
def test_examples_in_python_can_be_read_and_name_what_there_is(code: str) -> None:
    tree = ast.parse(code.replace(", ...)", ")"))  # arguments that an example leaves out
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "sourcefree":
            assert hasattr(sourcefree, node.attr), node.attr


@pytest.mark.parametrize("code", examples("yaml"))
def test_examples_in_yaml_can_be_read(code: str) -> None:
    assert isinstance(yaml.safe_load(code), dict)
