"""Render a run folder as one offline HTML file."""

from __future__ import annotations

import base64
import hashlib
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from sourcefree.files import whole_file
from sourcefree.report import tables, views
from sourcefree.report.collect import collect_run
from sourcefree.report.records import RunData
from sourcefree.report.verdict import judge
from sourcefree.report.vocabulary import candidate_phrase, quantity
from sourcefree.tuned import refuse_tuning

_STYLE = "style.css"
_SCRIPT = "script.js"


def write_report(run: Path) -> Path:
    """Return the path of the report written to ``run/report.html``: one file that needs no network.

    The page holds everything it shows; the same run folder gives the same bytes. An existing report is
    replaced in one step.

    Args:
        run: run folder written by ``adapt`` or ``train-source``.

    Raises:
        CheckpointError: the folder is missing, holds no readable run.json, or is that of a tuning.
    """
    run = Path(run)
    refuse_tuning(run)
    page = render_report(collect_run(run))
    path = run / "report.html"
    with whole_file(path) as temporary:
        temporary.write_text(page, encoding="utf-8", errors="replace")  # file names may hold bytes that are no text
    return path


def render_report(data: RunData) -> str:
    """Return the report as HTML text.

    Args:
        data: what the run folder holds.
    """
    environment = Environment(
        loader=PackageLoader("sourcefree.report", "templates"),
        autoescape=True,  # every file name, label and warning comes from outside
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.j2").render(**_context(data, environment))


def _context(data: RunData, environment: Environment) -> dict[str, Any]:
    """Return everything the template names."""
    script = _own_text(environment, _SCRIPT)
    metric_names, score_names = tables.candidate_columns(data)
    maps, legend = views.feature_figures(data)
    verdict = judge(data)
    return {
        "data": data,
        "title": _title(data),
        "created": _readable_time(data.info.get("created")),
        "verdict": verdict,
        "warnings": [warning for warning in data.warnings if warning not in verdict.sentences],  # said once is enough
        "own": candidate_phrase(data.own.name if data.own else "adapted"),
        "facts": tables.facts(data),
        "timings": tables.timing_rows(data),
        "metrics": [(name, quantity(name)) for name in metric_names],
        "scores": [(name, quantity(name)) for name in score_names],
        "rows": tables.candidate_rows(data),
        "balance": views.balance_figure(data),
        "confusions": views.confusion_figures(data),
        "maps": maps,
        "legend": legend,
        "pictures": views.gallery_pictures(data),
        "loss_groups": views.loss_groups(data),
        "score_figures": views.score_figures(data),
        # Markup skips escaping: these two are our own files and hold no outside text.
        "style": Markup(_own_text(environment, _STYLE)),
        "script": Markup(script),
        "script_hash": base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    }


def _own_text(environment: Environment, name: str) -> str:
    """Return a file of the templates folder as it is."""
    assert environment.loader is not None
    return environment.loader.get_source(environment, name)[0].strip()


def _title(data: RunData) -> str:
    modality = data.info.get("modality")
    if not data.adapts:
        return f"Source model on {modality}" if modality else "Source model"
    return f"Adaptation to {modality}" if modality else "Adaptation to a new sensor"


def _readable_time(text: str | None) -> str | None:
    """Return an ISO time as day and minute, the text itself where it is something else."""
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return text
    return f"{time.day} {time:%B %Y, %H:%M}"
