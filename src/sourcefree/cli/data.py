"""Commands on data: ``inspect``, ``simulate``, ``prepare``."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from sourcefree.cli.shared import app, error_console, out_console
from sourcefree.console import ConsoleProgress
from sourcefree.engine.progress import counter


@app.command
def inspect(
    images: Annotated[Path, Parameter(help="Folder of images.")],
    *,
    pairs_with: Annotated[
        Path | None, Parameter(help="Folder of the other sensor's images of the same scenes.")
    ] = None,
    modality: Annotated[str | None, Parameter(help="Sensor of the images: a name or a YAML file.")] = None,
    pairs_modality: Annotated[str | None, Parameter(help="Sensor of the other folder.")] = None,
    as_json: Annotated[bool, Parameter(name="--json", help="Everything as JSON.", negative="")] = False,
) -> None:
    """Print counts, sizes, number types, value ranges, unreadable, duplicate and unpaired files."""
    from sourcefree.data.inspection import inspect_folder, inspect_pairs
    from sourcefree.data.inspection_text import format_report
    from sourcefree.data.modality import load_modality

    sensor = load_modality(modality) if modality else None
    other = load_modality(pairs_modality) if pairs_modality else None
    with ConsoleProgress(error_console) as progress:
        show = counter(progress, "reading")
        report = (
            inspect_folder(images, modality=sensor, progress=show)
            if pairs_with is None
            else inspect_pairs(images, pairs_with, source_modality=sensor, target_modality=other, progress=show)
        )
    sys.stdout.write((json.dumps(report.to_dict(), indent=1) if as_json else format_report(report)) + "\n")


@app.command
def simulate(
    *,
    out: Annotated[Path, Parameter(help="Folder to write; must be empty.")],
    task_set: Annotated[str, Parameter(help="Which classes: a, b (none in common) or all.")] = "a",
    classes: Annotated[
        list[str] | None, Parameter(help="Those of the task set that are rendered; default: all.", negative="")
    ] = None,
    size: Annotated[int, Parameter(help="Image width and height in pixels.")] = 96,
    source_train: Annotated[int, Parameter(help="Labelled colour images to train the source model on.")] = 1000,
    source_test: Annotated[int, Parameter(help="Labelled colour images to test it on.")] = 200,
    target_train: Annotated[int, Parameter(help="Unlabelled depth images to adapt to.")] = 1000,
    target_test: Annotated[int, Parameter(help="Labelled depth images to test the adapted model on.")] = 500,
    pairs: Annotated[int, Parameter(help="Colour and depth of other objects.")] = 2000,
    depth_noise: Annotated[float, Parameter(help="Multiple of a structured-light sensor's range noise.")] = 1.0,
    holes: Annotated[float, Parameter(help="Multiple of such a sensor's missing pixels.")] = 1.0,
    both_sensors: Annotated[
        bool, Parameter(help="Also write target frames in colour, for studies.", negative="")
    ] = False,
    workers: Annotated[int | None, Parameter(help="Processes; default: one a core.")] = None,
    seed: Annotated[int, Parameter(help="Fixes every image.")] = 0,
) -> None:
    """Render a simulated RGB-D set: labelled RGB, unlabelled and labelled depth, task-irrelevant pairs."""
    from sourcefree.data.simulated import simulate as render

    with ConsoleProgress(out_console) as progress:
        show = counter(progress, "rendering")

        summary = render(
            out=out,
            task_set=task_set,
            classes=classes,
            size=size,
            source_train=source_train,
            source_test=source_test,
            target_train=target_train,
            target_test=target_test,
            pairs=pairs,
            depth_noise=depth_noise,
            holes=holes,
            both_sensors=both_sensors,
            workers=workers,
            seed=seed,
            progress=show,
        )
    total = sum(summary.counts.values())
    out_console.print(f"{total} frames in {summary.seconds:.0f} s: {out}", markup=False, soft_wrap=True)


@app.command
def prepare(
    dataset: Annotated[str, Parameter(help="sunrgbd, diml or nirscene.")],
    path: Annotated[Path, Parameter(help="Its folder, its archive, or a folder of archives.")],
    *,
    out: Annotated[Path, Parameter(help="Folder to write manifests to.")],
    classes: Annotated[list[str] | None, Parameter(help="The task's classes.", negative="")] = None,
    split: Annotated[int | None, Parameter(help="Number of the 6/3 split, 0 to 83 (nirscene).")] = None,
    depth: Annotated[Literal["raw", "filled"], Parameter(help="Measured or in-painted depth (sunrgbd).")] = "raw",
    disjoint: Annotated[
        bool, Parameter(help="Half of the frames for the source model, the others for the target.", negative="")
    ] = False,
    copy: Annotated[
        bool, Parameter(help="Copy the images too; else they are named where they are.", negative="")
    ] = False,
) -> None:
    """Turn a published data set into manifests, a sensor description and a ready study."""
    from sourcefree.commands.prepare import prepare as run

    with ConsoleProgress(out_console) as progress:
        result = run(
            dataset=dataset,
            path=path,
            out=out,
            classes=classes or (),
            split=split,
            depth=depth,
            disjoint=disjoint,
            copy=copy,
            progress=progress,
        )
    for name, count in result.counts.items():
        out_console.print(f"{count:>7} {name}", markup=False)
    for note in result.notes:
        out_console.print(f"note: {note}", markup=False, soft_wrap=True)
    out_console.print(f"task: {', '.join(result.classes)}", markup=False, soft_wrap=True)
    out_console.print(
        f"next: sourcefree compare {out / 'study.yaml'} --data {out} --out RUNS", markup=False, soft_wrap=True
    )
