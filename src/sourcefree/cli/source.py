"""The command that trains a source classifier: ``train-source``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from sourcefree.cli.shared import (
    AT_LEAST_ONE,
    Config,
    Device,
    ModalityName,
    Out,
    Precision,
    Preset,
    Resume,
    Seed,
    Set,
    Unreadable,
    app,
    out_console,
    settings_from,
)
from sourcefree.console import ConsoleProgress
from sourcefree.console_tables import show_metrics


@app.command
def train_source(
    images: Annotated[Path, Parameter(help="Folder with one folder of images for each class.")],
    *,
    out: Out,
    test: Annotated[
        Path | None,
        Parameter(
            help="Class folders to test on; default: a tenth of the images is held out, one by one. Where several show one "
            "scene (crops, frames), give images of other scenes: else the accuracy comes out too high."
        ),
    ] = None,
    modality: ModalityName = "rgb",
    backbone: Annotated[str | None, Parameter(help="Any timm model.")] = None,
    pretrained: Annotated[bool | None, Parameter(help="Start from ImageNet weights.")] = None,
    size: Annotated[int | None, Parameter(help="Input height and width in pixels.")] = None,
    epochs: Annotated[int | None, Parameter(help="Passes over the images.", validator=AT_LEAST_ONE)] = None,
    batch_size: Annotated[int | None, Parameter(help="Images a step.")] = None,
    learning_rate: Annotated[float | None, Parameter(help="At the start; falls by the schedule of SHOT.")] = None,
    max_unreadable: Unreadable = None,
    seed: Seed = None,
    precision: Precision = None,
    device: Device = None,
    preset: Preset = None,
    config: Config = None,
    set_: Set = None,
    resume: Resume = False,
) -> None:
    """Train the source classifier on labelled images of the source sensor."""
    from sourcefree.commands.train_source import train_source as run
    from sourcefree.config import TrainSettings
    from sourcefree.presets import train_preset

    base = train_preset(preset) if preset else TrainSettings()
    changes = {
        "source.backbone": backbone,
        "source.pretrained": pretrained,
        "source.size": size,
        "source.optimisation.epochs": epochs,
        "source.optimisation.batch_size": batch_size,
        "source.optimisation.learning_rate": learning_rate,
        "max_unreadable": max_unreadable,
        "seed": seed,
        "precision": precision,
        "device": device,
    }
    settings = settings_from(base, config, set_, changes)
    with ConsoleProgress(out_console) as progress:
        result = run(
            images=images, test=test, out=out, modality=modality, settings=settings, resume=resume, progress=progress
        )
    show_metrics(out_console, "source model on held-out images", {"source": result.metrics})
    out_console.print(f"model and report: {result.run}", markup=False, soft_wrap=True)
