"""The model card of a run: what it is, what it was made of, how good it is, what it cannot do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from sourcefree import __version__
from sourcefree.engine.run_folder import read_json, read_summary
from sourcefree.files import write_text
from sourcefree.markdown import markdown_table
from sourcefree.methods.presets import METHODS

_LIMITS = (
    "It answers with one of its classes for every image, also for images of something else.",
    "Label-free evidence comes from scenes outside the task: a guide, not a proof. Measure the model on images you label.",
    "It was made for the sensor described above; another camera, range or processing is another sensor.",
)


def model_card(run: Path) -> str:
    """Return the card in Markdown, with the metadata block that model hubs read.

    Args:
        run: a finished run of ``adapt`` or ``train-source``.

    Raises:
        CheckpointError: the run cannot be read.
    """
    info, summary = read_json(run / "run.json"), read_summary(run)
    model = read_json(run / "model" / "model.json")
    adapts = info.get("command") == "adapt"
    sensor = model["preprocessing"]["modality"]
    title = f"{len(model['labels'])}-class image classifier for {sensor['name']}"
    parts = [
        _metadata(model, sensor),
        f"# {title}",
        _origin(info, summary, adapts),
        _table("Classes", [[label] for label in model["labels"]], ["label"]),
        _sensor(model),
        _data(summary),
        _scores(summary, adapts),
        _estimate(summary),
        "## Limits\n\n" + "\n".join(f"* {limit}" for limit in _LIMITS),
    ]
    if summary.get("warnings"):
        parts.append("## Warnings of the run\n\n" + "\n".join(f"* {warning}" for warning in summary["warnings"]))
    return "\n\n".join(part for part in parts if part) + "\n"


def write_model_card(run: Path) -> None:
    """Write the card to ``run/model/README.md``, whole or not at all."""
    write_text(run / "model" / "README.md", model_card(run))


def _metadata(model: Mapping[str, Any], sensor: Mapping[str, Any]) -> str:
    tags = ["sourcefree", "source-free-domain-adaptation", sensor["name"], str(model["architecture"]["name"])]
    content = {"library_name": "sourcefree", "pipeline_tag": "image-classification", "tags": tags}
    return f"---\n{yaml.safe_dump(content, sort_keys=False)}---"


def _origin(info: Mapping[str, Any], summary: Mapping[str, Any], adapts: bool) -> str:
    made = f"Made by sourcefree {info.get('sourcefree', __version__)} on {str(info.get('created', ''))[:10]}."
    if not adapts:
        return f"{made} Trained on labelled images of its own sensor."
    method = str(info.get("method"))
    preset = METHODS.get(method)
    about = f" ({preset.summary}; {preset.reference})" if preset else ""
    chosen = ""
    if summary["delivered"] != summary["preferred"]:
        chosen = f" The label-free evidence was for **{summary['delivered']}**, so that is what stands here."
    return (
        f"{made} A classifier of another sensor was adapted by the method **{method}**{about}, without the data it was trained "
        f"on and **without any label of the target images**.{chosen}"
    )


def _sensor(model: Mapping[str, Any]) -> str:
    preprocessing = model["preprocessing"]
    sensor = preprocessing["modality"]
    left_out = {"offset": 0, "rotated_bits": 0, "encoding": "plain"}  # what does nothing
    shown = {n: value for n, value in sensor.items() if value not in (None, "", []) and left_out.get(n) != value}
    text = yaml.safe_dump({**shown, "size": preprocessing["size"], "resize": preprocessing["resize"]}, sort_keys=False)
    return f"## Sensor and preprocessing\n\n```yaml\n{text}```"


def _data(summary: Mapping[str, Any]) -> str:
    names = {
        "target": "unlabelled target images",
        "held_out_target": "of these, held out to estimate accuracy by",
        "pairs": "task-irrelevant pairs to learn from",
        "held_out_pairs": "pairs held out for evidence",
        "source": "labelled source images",
        "held_out": "labelled images held out",
    }
    rows = [[text, f"{summary['counts'][name]:,}"] for name, text in names.items() if name in summary["counts"]]
    return _table("Data", rows, ["what", "images"])


def _scores(summary: Mapping[str, Any], adapts: bool) -> str:
    rows = []
    for candidate in summary["candidates"]:
        scores, measured = candidate.get("scores") or {}, candidate.get("evaluation")
        name = f"**{candidate['name']}**" if candidate["name"] == summary["delivered"] else candidate["name"]
        row = [name, _percent(measured["accuracy"]) if measured else "", _percent(measured["ece"]) if measured else ""]
        if adapts:
            row += [_percent(scores.get("pair_agreement")), _number(scores.get("pair_information"))]
        rows.append(row)
    header = ["model", "accuracy", "calibration error"] + (["pair agreement", "pair information"] if adapts else [])
    measured_on = {c["evaluation"]["data"] for c in summary["candidates"] if c.get("evaluation")}
    note = f"Accuracy on {', '.join(sorted(measured_on))}." if measured_on else "No labelled images were measured."
    return f"{_table('Scores', rows, header)}\n\n{note}"


def _estimate(summary: Mapping[str, Any]) -> str:
    """Return what is said of the delivered model without labels, and of its calibration; "" for a source model."""
    if "estimate" not in summary:
        return ""
    estimate, calibrated = summary["estimate"], summary.get("calibrated")
    told = "How often it is right could not be estimated without labels (see the warnings)."
    if estimate:
        told = (
            f"Estimated without labels: {_percent(estimate['accuracy'])} of the target images correct "
            f"({_percent(estimate['low'])} to {_percent(estimate['high'])})."
        )
    error = f": calibration error {_percent(calibrated['ece'])} on {calibrated['data']}" if calibrated else ""
    return f"{told} Probabilities are calibrated without labels{error}."


def _table(title: str, rows: list[list[str]], header: list[str]) -> str:
    return f"## {title}\n\n{markdown_table(header, rows)}"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f} %"


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
