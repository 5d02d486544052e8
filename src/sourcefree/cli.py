"""The command line: parse, call the function of the same name, show the result. torch is imported by the commands only."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import App, CycloptsError, Parameter
from rich.console import Console

from sourcefree import __version__
from sourcefree.console import ConsoleProgress, show_error
from sourcefree.console_tables import show_confusion, show_metrics, show_scores, show_table
from sourcefree.engine.progress import counter
from sourcefree.errors import ConfigError, SourcefreeError

USAGE_ERROR = 2
INTERRUPTED = 130

# Under torchrun the first process speaks for all.
out_console = Console(quiet=os.environ.get("RANK", "0") != "0")
error_console = Console(stderr=True)

app = App(
    name="sourcefree",
    help="Adapt an image classifier to a new sensor without its training data and without a target label.",
    version=__version__,
    help_format="rich",
    console=out_console,
    error_console=error_console,
    suppress_keyboard_interrupt=False,
)

Out = Annotated[Path, Parameter(help="Run folder to write; must not hold another run.")]
Resume = Annotated[bool, Parameter(help="Go on with the unfinished run in --out.", negative="")]
Set = Annotated[
    list[str] | None, Parameter(name="--set", help="Change a setting: NAME=VALUE, dotted; repeatable.", negative="")
]
Preset = Annotated[
    str | None, Parameter(help="Settings like the papers': sunrgbd, diml or nirscene. Everything else wins over them.")
]
Config = Annotated[Path | None, Parameter(help="YAML file of settings; --set and options win over it.")]
Seed = Annotated[int | None, Parameter(help="Fixes everything that is random.")]
Precision = Annotated[Literal["auto", "fp32", "bf16"] | None, Parameter(help="Arithmetic of the layers.")]
Device = Annotated[Literal["auto", "cpu", "cuda", "mps"] | None, Parameter(help="Where to compute.")]
_UNREADABLE = Parameter(help="Share of unreadable files, 0 to 1, above which it is an error.")
Unreadable = Annotated[float | None, _UNREADABLE]
UnreadableShare = Annotated[float, _UNREADABLE]
ModalityName = Annotated[str, Parameter(help="Sensor: rgb, depth, nir, thermal, sar, or a YAML file.")]


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
    settings = _settings(base, config, set_, changes)
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
            help="Run folder of train-source, timm:NAME, torchvision:NAME, hf-hub:OWNER/NAME or file.py:function; repeat it "
            "for several sources.",
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
    settings = _settings(base, config, set_, changes)
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


@app.command
def evaluate(
    run: Annotated[Path, Parameter(help="Folder of an adapt or train-source run, or of a model.")],
    images: Annotated[Path, Parameter(help="Class folders of the sensor the model is made for.")],
    *,
    max_unreadable: UnreadableShare = 0.05,
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
    max_unreadable: UnreadableShare = 0.05,
    precision: Precision = None,
    device: Device = None,
) -> None:
    """Classify images: file, label, confidence and probabilities as CSV or JSON."""
    if out is not None and out.suffix.lower() not in (".csv", ".json"):
        raise ConfigError(f"--out {out}: expected a file that ends in .csv or .json")
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
    out.parent.mkdir(parents=True, exist_ok=True)
    temporary = out.with_name(f".{out.name}.part")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(out)
    out_console.print(f"{len(result.files)} predictions: {out}", markup=False, soft_wrap=True)


@app.command
def translate(
    run: Annotated[Path, Parameter(help="Folder of an adapt run.")],
    images: Annotated[list[Path], Parameter(help="Files and folders of target images.")],
    *,
    out: Annotated[Path, Parameter(help="Folder to write; must be empty.")],
    max_unreadable: UnreadableShare = 0.05,
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
def report(run: Annotated[Path, Parameter(help="Folder of a run.")]) -> None:
    """Write a run's HTML report again."""
    from sourcefree.report import write_report

    out_console.print(f"report: {write_report(run)}", markup=False, soft_wrap=True)


@app.command
def compare(
    study: Annotated[str, Parameter(help="YAML file, or a ready-made study; see `sourcefree studies`.")],
    *,
    out: Annotated[Path, Parameter(help="Folder of the results; an unfinished study in it goes on.")],
    data: Annotated[Path, Parameter(help="Folder that the paths of real data begin at.")] = Path(),
    cache: Annotated[Path | None, Parameter(help="Rendered images and source models; default: OUT/cache.")] = None,
    tasks: Annotated[list[str] | None, Parameter(help="Only these tasks.", negative="")] = None,
    methods: Annotated[list[str] | None, Parameter(help="Only these methods.", negative="")] = None,
    seeds: Annotated[list[int] | None, Parameter(help="Only these seeds.", negative="")] = None,
    jobs: Annotated[int, Parameter(help="Cells computed at a time; cores are shared among them.")] = 1,
    ray: Annotated[bool, Parameter(help="Compute on Ray (RAY_ADDRESS, else this machine).", negative="")] = False,
) -> None:
    """Compare methods over tasks and seeds: one table, one report. Finished cells are never computed again."""
    from sourcefree.studies.compare import compare as run

    with ConsoleProgress(out_console) as progress:
        result = run(
            study=study,
            out=out,
            data=data,
            cache=cache,
            tasks=tasks or (),
            methods=methods or (),
            seeds=seeds or (),
            jobs=jobs,
            ray=ray,
            progress=progress,
        )
    for table in result.tables:
        show_table(out_console, table)
    for cell, reason in result.failures:
        error_console.print(f"failed: {cell}: {reason}", markup=False, soft_wrap=True)
    out_console.print(f"tables and report: {result.out}", markup=False, soft_wrap=True)
    if result.failures:
        raise SourcefreeError(
            f"{len(result.failures)} cells or tasks of the study failed", hint="the same command tries them again"
        )


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
        out_console.print(f"{count:>7} {name}", markup=False, highlight=False)
    for note in result.notes:
        out_console.print(f"note: {note}", markup=False, soft_wrap=True)
    out_console.print(f"task: {', '.join(result.classes)}", markup=False, soft_wrap=True)
    out_console.print(
        f"next: sourcefree compare {out / 'study.yaml'} --data {out} --out RUNS", markup=False, soft_wrap=True
    )


@app.command
def studies() -> None:
    """List the ready-made studies of compare."""
    from sourcefree.studies.study import load_study, ready_studies

    for name in ready_studies():
        study = load_study(name)
        text = f"{name}\n  {study.title}. {study.question}"
        out_console.print(text, markup=False, highlight=False, soft_wrap=True)


@app.command
def methods() -> None:
    """List the methods of adapt and compare: what they do, where they come from, what data they use."""
    from sourcefree.methods.presets import METHODS

    for name, preset in METHODS.items():
        text = f"{name}\n  {preset.summary}\n  {preset.reference}; uses {preset.uses}"
        out_console.print(text, markup=False, highlight=False, soft_wrap=True)


@app.command
def demo(
    *,
    out: Annotated[Path, Parameter(help="Folder to write; must be empty.")] = Path("demo"),
    seed: Annotated[int, Parameter(help="Fixes everything that is random.")] = 0,
) -> None:
    """Show the whole way on simulated depth: simulate, train-source, adapt, evaluate, report."""
    from sourcefree.commands.demo import demo as run

    with ConsoleProgress(out_console) as progress:
        result = run(out=out, seed=seed, progress=progress)
    show_metrics(out_console, "source model on RGB", {"source": result.source.metrics})
    show_metrics(out_console, f"on depth (delivered: {result.evaluation.delivered})", result.evaluation.metrics)
    out_console.print(f"report: {result.report}", markup=False, soft_wrap=True)


def main(arguments: list[str] | None = None) -> None:
    """Run the command line; errors end with exit code 2, an interrupt with 130."""
    try:
        app(arguments, exit_on_error=False, print_error=False)
    except CycloptsError as error:
        show_error(error_console, str(error), "sourcefree COMMAND --help lists the options")
        sys.exit(USAGE_ERROR)
    except SourcefreeError as error:
        show_error(error_console, error.message, error.hint)
        sys.exit(USAGE_ERROR)
    except OSError as error:  # a full disk, a place that cannot be written to: nothing that a traceback would explain
        what = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        show_error(error_console, what, "is the disk full, or the place not to be written to?")
        sys.exit(USAGE_ERROR)
    except KeyboardInterrupt:
        show_error(
            error_console,
            "interrupted",
            "once training has begun, train-source and adapt go on after their last finished epoch with --resume; compare "
            "goes on with the same command",
        )
        sys.exit(INTERRUPTED)


def _settings(base: Any, config: Path | None, assignments: list[str] | None, changes: Mapping[str, Any]) -> Any:
    """Return the settings with a file's, then --set's, then the options' values."""
    from sourcefree.overrides import override, parse_assignments, read_overrides

    settings = override(base, read_overrides(config), origin=str(config)) if config else base
    settings = override(settings, parse_assignments(assignments or []), origin="--set")
    given = {name: value for name, value in changes.items() if value is not None}
    return override(settings, given, origin="options")


if __name__ == "__main__":
    main()
