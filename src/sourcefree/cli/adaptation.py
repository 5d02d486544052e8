"""Commands that adapt: ``adapt`` once, ``tune`` with several settings. Both say in the same words what is adapted to what."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

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
    error_console,
    out_console,
    settings_from,
)
from sourcefree.console import ConsoleProgress
from sourcefree.console_tables import show_scores, show_tuning
from sourcefree.errors import ConfigError, SourcefreeError
from sourcefree.selection.objective import DECISIVE

if TYPE_CHECKING:
    from sourcefree.config import AdaptSettings


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class AdaptOptions:
    """What is adapted to what, and how: the options that ``adapt`` and ``tune`` share."""

    source_model: Annotated[
        list[str],
        Parameter(
            help="Run folder of train-source, timm:NAME, torchvision:NAME, hf-hub:OWNER/NAME or file.py:function; repeat it "
            "for several sources.",
            negative="",
        ),
    ]
    target: Annotated[Path, Parameter(help="Folder of unlabelled target images.")]
    pairs_source: Annotated[Path, Parameter(help="Task-irrelevant images of the source sensor.")]
    pairs_target: Annotated[Path, Parameter(help="The same scenes, same names, seen by the target sensor.")]
    modality: ModalityName
    encoding: Annotated[
        Literal["plain", "inverted", "disparity", "jet", "normals", "hha"] | None,
        Parameter(help="What a one-channel sensor's values are turned into; default: the modality's."),
    ] = None
    method: Annotated[str | None, Parameter(help="See `sourcefree methods`. Default: multilevel.")] = None
    source_weights: Annotated[Path | None, Parameter(help="Checkpoint for timm:NAME or torchvision:NAME.")] = None
    source_labels: Annotated[Path | None, Parameter(help="Its label names, one a line or JSON.")] = None
    size: Annotated[int | None, Parameter(help="Input size in pixels; default: the source model's.")] = None
    epochs: Annotated[
        int | None, Parameter(help="Passes over the target images in each stage.", validator=AT_LEAST_ONE)
    ] = None
    batch_size: Annotated[int | None, Parameter(help="Target images a step, and as many pairs.")] = None
    allow_collapse: Annotated[bool, Parameter(help="Accept a model that predicts one class only.", negative="")] = False
    max_unreadable: Unreadable = None
    seed: Seed = None
    precision: Precision = None
    device: Device = None
    preset: Preset = None
    config: Config = None
    set_: Set = None

    def inputs(self) -> dict[str, Any]:
        """Return the arguments of the functions that say what is adapted to what."""
        from sourcefree.data.modality import load_modality

        sensor = load_modality(self.modality)
        return {
            "source_model": self.source_model[0] if len(self.source_model) == 1 else self.source_model,
            "target": self.target,
            "pairs_source": self.pairs_source,
            "pairs_target": self.pairs_target,
            "modality": sensor if self.encoding is None else sensor.encoded(self.encoding),
            "source_weights": self.source_weights,
            "source_labels": self.source_labels,
            "size": self.size,
        }

    def settings(self) -> AdaptSettings:
        """Return the method's settings with all changes."""
        from sourcefree.methods.presets import method_settings
        from sourcefree.overrides import read_overrides, with_budget
        from sourcefree.presets import adapt_preset

        if any(change.partition("=")[0].strip() == "method" for change in self.set_ or ()):
            raise ConfigError("--set method=...: a method is more than its name", hint="choose it with --method")
        stored = read_overrides(self.config) if self.config else {}
        base = method_settings(self.method or str(stored.get("method", "multilevel")))
        # The file and --set may add stages or leave some out: a budget is for those that there are in the end.
        stages = self._changed(base).stages
        if self.preset:
            base = adapt_preset(base, self.preset, stages=stages)
        budget = {"epochs": self.epochs, "batch_size": self.batch_size}
        # Who names a number of epochs gets that number, whatever least number of steps the method would ask for.
        budget["min_steps"] = None if self.epochs is None else 0
        given = {name: value for name, value in budget.items() if value is not None}
        return with_budget(self._changed(base), given, stages=stages, origin="options")

    def _changed(self, base: AdaptSettings) -> AdaptSettings:
        changes: dict[str, Any] = {"method": self.method, "max_unreadable": self.max_unreadable, "seed": self.seed}
        changes |= {"precision": self.precision, "device": self.device, "allow_collapse": self.allow_collapse or None}
        settings: AdaptSettings = settings_from(base, self.config, self.set_, changes)
        return settings


@app.command
def adapt(options: AdaptOptions, *, out: Out, resume: Resume = False) -> None:
    """Turn a source classifier into a classifier for another sensor: no source data, no target labels."""
    from sourcefree.commands.adapt import adapt as run

    inputs, settings = options.inputs(), options.settings()
    with ConsoleProgress(out_console) as progress:
        result = run(**inputs, out=out, settings=settings, resume=resume, progress=progress)
    show_scores(out_console, result.scores, result.delivered)
    for warning in (one for one in result.warnings if one not in progress.said):
        out_console.print(f"warning: {warning}", markup=False, soft_wrap=True)
    if estimate := result.estimate:
        guess, low, high = (f"{100 * share:.0f}" for share in (estimate.accuracy, estimate.low, estimate.high))
        text = f"accuracy estimated without labels: {guess} % ({low} to {high} %)"
        out_console.print(text, markup=False, soft_wrap=True)
    out_console.print(f"delivered: {result.delivered}, in {result.run / 'model'}", markup=False, soft_wrap=True)
    out_console.print(f"report: {result.report}", markup=False, soft_wrap=True)


@app.command
def tune(
    options: AdaptOptions,
    *,
    out: Annotated[Path, Parameter(help="Folder to write; the same command goes on with an unfinished tuning in it.")],
    trials: Annotated[int, Parameter(help="Settings to try in all; the first has the method's own.")] = 20,
    jobs: Annotated[int, Parameter(help="Trials at a time; cores are shared among them.")] = 1,
    space: Annotated[
        list[str] | None,
        Parameter(
            help="What to search: NAME=LOW..HIGH[:log], NAME=a,b,c or a YAML file of these; repeatable. `ready` is the "
            "method's ready-made space, and the default; --set takes a setting out of it.",
            negative="",
        ),
    ] = None,
    score: Annotated[
        str, Parameter(help="What is highest for the best trial: one label-free score by name.")
    ] = DECISIVE,
) -> None:
    """Choose settings without labels: several adaptations, judged by held-out pairs and target answers."""
    from sourcefree.overrides import parse_assignments
    from sourcefree.selection.space import read_space
    from sourcefree.studies.tune import NOTE
    from sourcefree.studies.tune import tune as run

    inputs, settings = options.inputs(), options.settings()
    given = tuple(parse_assignments(options.set_ or []))
    searched = read_space(space or ["ready"], method=settings.method, fixed=given)
    with ConsoleProgress(out_console) as progress:
        result = run(
            **inputs,
            out=out,
            settings=settings,
            space=searched,
            trials=trials,
            jobs=jobs,
            score=score,
            progress=progress,
        )
    show_tuning(out_console, result)
    for warning in result.best.record.warnings:
        out_console.print(f"warning: {warning}", markup=False, soft_wrap=True)
    for number, reason in result.failures:
        error_console.print(f"failed: trial {number}: {reason}", markup=False, soft_wrap=True)
    out_console.print(f"best model and report: {result.run}", markup=False, soft_wrap=True)
    out_console.print(f"its settings: {result.out / 'best.yaml'}, for adapt --config", markup=False, soft_wrap=True)
    out_console.print(f"all trials: {result.out / 'trials.csv'}", markup=False, soft_wrap=True)
    out_console.print(f"note: {NOTE}", markup=False, soft_wrap=True)
    if result.failures:
        raise SourcefreeError(
            f"{len(result.failures)} of {trials} trials failed", hint="the same command tries them again"
        )
