"""Commands on a finished run: ``evaluate``, ``predict``, ``translate``, ``export``, ``report``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from sourcefree.cli.shared import Device, Precision, UnreadableShare, app, error_console, out_console
from sourcefree.console import ConsoleProgress
from sourcefree.console_tables import show_confusion, show_metrics
from sourcefree.defaults import MAX_UNREADABLE
from sourcefree.errors import ConfigError
from sourcefree.files import check_place, write_text


@app.command
def evaluate(
    run: Annotated[Path, Parameter(help="Folder of an adapt or train-source run, or of a model.")],
    images: Annotated[Path, Parameter(help="Class folders of the sensor the model is made for.")],
    *,
    max_unreadable: UnreadableShare = MAX_UNREADABLE,
    precision: Precision = None,
    device: Device = None,
) -> None:
    """Measure every model of a run on labelled images, and add it to the run's report."""
    from sourcefree.commands.evaluate import evaluate as measure

    with ConsoleProgress(out_console) as progress:
        result = measure(
            run=run,
            images=images,
            max_unreadable=max_unreadable,
            precision=precision or "auto",
            device=device or "auto",
            progress=progress,
        )
    show_metrics(out_console, f"on {images.name} (delivered: {result.delivered})", result.metrics)
    show_confusion(out_console, result.metrics, result.delivered, result.labels)
    if result.report:
        out_console.print(f"report: {result.report}", markup=False, soft_wrap=True)


@app.command
def predict(
    run: Annotated[Path, Parameter(help="Folder of a run or of a model.")],
    images: Annotated[list[Path], Parameter(help="Files and folders.")],
    *,
    out: Annotated[Path | None, Parameter(help="File to write, .csv or .json; default: CSV on the terminal.")] = None,
    max_unreadable: UnreadableShare = MAX_UNREADABLE,
    precision: Precision = None,
    device: Device = None,
) -> None:
    """Classify images: file, label, confidence and probabilities as CSV or JSON."""
    if out is not None:
        _check_table(out)
    from sourcefree.commands.predict import predict as classify

    with ConsoleProgress(error_console) as progress:
        result = classify(
            run=run,
            images=images,
            max_unreadable=max_unreadable,
            precision=precision or "auto",
            device=device or "auto",
            progress=progress,
        )
    text = result.to_json() if out is not None and out.suffix.lower() == ".json" else result.to_csv()
    for file, reason in result.unreadable:
        error_console.print(f"left out: {file} ({reason})", markup=False, soft_wrap=True)
    if out is None:
        sys.stdout.write(text)
        return
    write_text(out, text)
    out_console.print(f"{len(result.files)} predictions: {out}", markup=False, soft_wrap=True)


def _check_table(out: Path) -> None:
    """Check before the work that predictions can be written."""
    if out.suffix.lower() not in (".csv", ".json"):
        raise ConfigError(f"--out {out}: expected a file that ends in .csv or .json")
    if out.is_dir():
        raise ConfigError(f"--out {out}: expected a file to write, found a folder", hint="choose another --out")
    check_place(out.parent)


@app.command
def translate(
    run: Annotated[Path, Parameter(help="Folder of an adapt run.")],
    images: Annotated[list[Path], Parameter(help="Files and folders of target images.")],
    *,
    out: Annotated[Path, Parameter(help="Folder to write; must be empty.")],
    max_unreadable: UnreadableShare = MAX_UNREADABLE,
    precision: Precision = None,
    device: Device = None,
) -> None:
    """Write the source-like images that a run's translator makes of target images."""
    from sourcefree.commands.predict import translate as write

    with ConsoleProgress(out_console) as progress:
        files = write(
            run=run,
            images=images,
            out=out,
            max_unreadable=max_unreadable,
            precision=precision or "auto",
            device=device or "auto",
            progress=progress,
        )
    out_console.print(f"{len(files)} images: {out}", markup=False, soft_wrap=True)


@app.command
def export(
    run: Annotated[Path, Parameter(help="Folder of a run or of a model.")],
    *,
    out: Annotated[Path, Parameter(help="Folder to write; must be empty.")],
    images: Annotated[
        Path | None, Parameter(help="Images to compare on and calibrate with; default: the run's target images.")
    ] = None,
    labelled: Annotated[Path | None, Parameter(help="Class folders to measure the accuracy on.")] = None,
    quantize: Annotated[Literal["int8"] | None, Parameter(help="Also write 8-bit weights and activations.")] = None,
) -> None:
    """Write a model for use without torch: ONNX, preprocessing, weights, model card; compared with the model itself."""
    from sourcefree.commands.export import export as write

    with ConsoleProgress(out_console) as progress:
        result = write(run=run, out=out, images=images, labelled=labelled, quantize=quantize, progress=progress)
    lines = [f"largest difference of a probability to PyTorch on {result.images} images: {result.difference:.2g}"]
    if result.accuracy is not None:
        lines.append(f"accuracy: {100 * result.accuracy:.1f} %")
    if result.int8_agreement is not None:
        lines.append(f"int8: the same answer for {100 * result.int8_agreement:.1f} % of the images")
    if result.int8_accuracy is not None:
        lines.append(f"int8 accuracy: {100 * result.int8_accuracy:.1f} %")
    for line in (*lines, f"exported: {result.out}"):
        out_console.print(line, markup=False, soft_wrap=True)


@app.command
def report(run: Annotated[Path, Parameter(help="Folder of a run.")]) -> None:
    """Write a run's HTML report again."""
    from sourcefree.report import write_report

    out_console.print(f"report: {write_report(run)}", markup=False, soft_wrap=True)
