"""The HTML page of a study: one offline file."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from sourcefree import __version__
from sourcefree.files import write_text
from sourcefree.studies.cell import Row
from sourcefree.studies.plots import method_plot, task_plot
from sourcefree.studies.study import StudySettings
from sourcefree.studies.summary import Table, names


def write_study_report(path: Path, *, study: StudySettings, rows: Sequence[Row], tables: Sequence[Table]) -> None:
    """Write the page, in place of the one before and never half."""
    environment = Environment(
        loader=PackageLoader("sourcefree.report", "templates"), autoescape=True, undefined=StrictUndefined
    )
    assert environment.loader is not None
    page = environment.get_template("study.html.j2").render(
        study=study,
        tables=tables,
        figures=_figures(study, rows),
        cells=len(rows),
        seeds=names(rows, "seed"),
        version=__version__,
        # Markup skips escaping: this is our own file and holds no outside text.
        style=Markup(environment.loader.get_source(environment, "style.css")[0].strip()),
    )
    write_text(path, page)


def _figures(study: StudySettings, rows: Sequence[Row]) -> list[tuple[str, str]]:
    """Return (title, data address) of each figure."""
    if study.rows == "tasks":
        return [("Accuracy over the tasks", _address(task_plot(rows)))]
    return [(task, _address(method_plot(rows, task=task))) for task in names(rows, "task")]


def _address(svg: bytes) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode()
