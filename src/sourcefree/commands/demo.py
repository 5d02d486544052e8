"""``demo``: the whole way on simulated data: simulate, train-source, adapt, evaluate, report."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sourcefree.commands.adapt import adapt
from sourcefree.commands.evaluate import EvaluateResult, evaluate
from sourcefree.commands.train_source import TrainResult, train_source
from sourcefree.config import SMALL_SOURCE, Optimisation, TgmbSettings, TrainSettings
from sourcefree.data.simulated import simulate
from sourcefree.engine.progress import Progress, Silent, counter
from sourcefree.files import check_output
from sourcefree.methods.presets import method_settings
from sourcefree.overrides import override

# Sizes that two cores without a GPU carry in a few minutes; the settings of the method are the shipped ones.
_RENDER = {
    "size": 80,
    "source_train": 2400,
    "source_test": 300,
    "target_train": 480,
    "target_test": 500,
    "pairs": 1200,
}
# Fewer passes than in studies: the source model takes most of the demo's time.
_SOURCE = override(SMALL_SOURCE, {"optimisation.epochs": 30})
# Trained beside the method, which does without: translations are something to look at.
_BRIDGE = TgmbSettings(
    translator="unet",  # better to look at than the paper's two layers
    perceptual=1.0,
    optimisation=Optimisation(optimizer="adamw", learning_rate=1e-3, backbone_scale=1.0, weight_decay=1e-4, epochs=6),
)


@dataclass(frozen=True)
class DemoResult:
    """What the demo gave.

    Attributes:
        source: the source training.
        evaluation: of all models on labelled depth images.
        report: the adaptation's HTML report.
    """

    source: TrainResult
    evaluation: EvaluateResult
    report: Path


def demo(*, out: Path | str, seed: int = 0, progress: Progress | None = None) -> DemoResult:
    """Turn an RGB classifier into a depth classifier on simulated data, a few minutes on two cores.

    Args:
        out: folder to write; must be empty.
        seed: fixes everything.
        progress: receives progress; silent by default.

    Raises:
        ConfigError: the folder is not empty, or cannot be made.
    """
    out, progress = Path(out), progress or Silent()
    check_output(out, resume=None)
    data = out / "data"
    simulate(out=data, task_set="a", seed=seed, progress=counter(progress, "simulating"), **_RENDER)  # type: ignore[arg-type]
    train = TrainSettings(source=_SOURCE, seed=seed)
    source = train_source(
        images=data / "source" / "train",
        test=data / "source" / "test",
        out=out / "source",
        settings=train,
        progress=progress,
    )
    settings = method_settings("multilevel").model_copy(update={"tgmb": _BRIDGE, "seed": seed})
    result = adapt(
        source_model=out / "source",
        target=data / "target" / "train",
        pairs_source=data / "pairs" / "rgb",
        pairs_target=data / "pairs" / "depth",
        modality="depth",
        out=out / "depth",
        settings=settings,
        progress=progress,
    )
    evaluation = evaluate(run=result.run, images=data / "target" / "test", progress=progress)
    return DemoResult(source, evaluation, result.report)
