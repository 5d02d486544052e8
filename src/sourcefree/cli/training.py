"""Commands that train: ``train-source`` and ``adapt``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from sourcefree.cli.shared import (
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
from sourcefree.console_tables import show_metrics, show_scores


@app.command
def train_source(
    images: Annotated[Path, Parameter(help="Folder with one folder of images for each class.")],
    *,
    out: Out,
    test: Annotated[Path | None, Parameter(help="Class folders to test on; default: a tenth is held out.")] = None,
    modality: ModalityName = "rgb",
    backbone: Annotated[str | None, Parameter(help="Any timm model.")] = None,
    pretrained: Annotated[bool | None, Parameter(help="Start from ImageNet weights.")] = None,
    size: Annotated[int | None, Parameter(help="Input height and width in pixels.")] = None,
    epochs: Annotated[int | None, Parameter(help="Passes over the images.")] = None,
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


@app.command
def adapt(
    *,
    source_model: Annotated[
        list[str],
        Parameter(
            help="Run folder of train-source, or timm:NAME or torchvision:NAME; repeat it for several sources.",
            negative="",
        ),
    ],
    target: Annotated[Path, Parameter(help="Folder of unlabelled target images.")],
    pairs_source: Annotated[Path, Parameter(help="Task-irrelevant images of the source sensor.")],
    pairs_target: Annotated[Path, Parameter(help="The same scenes, same names, seen by the target sensor.")],
    modality: ModalityName,
    out: Out,
    encoding: Annotated[
        Literal["plain", "inverted", "disparity", "jet", "normals", "hha"] | None,
        Parameter(help="What a one-channel sensor's values are turned into; default: the modality's."),
    ] = None,
    method: Annotated[str | None, Parameter(help="See `sourcefree methods`. Default: multilevel.")] = None,
    source_weights: Annotated[Path | None, Parameter(help="Checkpoint for timm:NAME or torchvision:NAME.")] = None,
    source_labels: Annotated[Path | None, Parameter(help="Its label names, one a line or JSON.")] = None,
    size: Annotated[int | None, Parameter(help="Input size in pixels; default: the source model's.")] = None,
    epochs: Annotated[int | None, Parameter(help="Passes over the target images in each stage.")] = None,
    batch_size: Annotated[int | None, Parameter(help="Target images a step, and as many pairs.")] = None,
    allow_collapse: Annotated[
        bool, Parameter(help="Accept a model that predicts one class only.", negative="")
    ] = False,
    max_unreadable: Unreadable = None,
    seed: Seed = None,
    precision: Precision = None,
    device: Device = None,
    preset: Preset = None,
    config: Config = None,
    set_: Set = None,
    resume: Resume = False,
) -> None:
    """Turn a source classifier into a classifier for another sensor: no source data, no target labels."""
    from sourcefree.commands.adapt import adapt as run
    from sourcefree.data.modality import load_modality
    from sourcefree.methods.presets import method_settings
    from sourcefree.overrides import read_overrides
    from sourcefree.presets import with_budget

    sensor = load_modality(modality)
    if encoding is not None:
        sensor = sensor.encoded(encoding)
    stored = read_overrides(config) if config else {}
    base = method_settings(method or str(stored.get("method", "multilevel")))
    base = with_budget(base, preset) if preset else base
    changes: dict[str, Any] = {"method": method, "max_unreadable": max_unreadable, "seed": seed}
    changes |= {"precision": precision, "device": device, "allow_collapse": allow_collapse or None}
    stages = base.stages
    changes |= {f"{stage}.optimisation.epochs": epochs for stage in stages}
    # Who names a number of epochs gets that number, whatever least number of steps the method would ask for.
    changes |= {f"{stage}.optimisation.min_steps": 0 for stage in stages if epochs is not None}
    changes |= {f"{stage}.optimisation.batch_size": batch_size for stage in stages}
    settings = settings_from(base, config, set_, changes)
    with ConsoleProgress(out_console) as progress:
        result = run(
            source_model=source_model[0] if len(source_model) == 1 else source_model,
            target=target,
            pairs_source=pairs_source,
            pairs_target=pairs_target,
            modality=sensor,
            out=out,
            settings=settings,
            source_weights=source_weights,
            source_labels=source_labels,
            size=size,
            resume=resume,
            progress=progress,
        )
    show_scores(out_console, result.scores, result.delivered)
    for warning in result.warnings:
        out_console.print(f"warning: {warning}", markup=False, soft_wrap=True)
    out_console.print(f"delivered: {result.delivered}, in {result.run / 'model'}", markup=False, soft_wrap=True)
    out_console.print(f"report: {result.report}", markup=False, soft_wrap=True)
