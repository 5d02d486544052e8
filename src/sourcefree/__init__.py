"""Adapt an image classifier to a new sensor without its training data and without a target label."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from sourcefree.commands.adapt import AdaptResult, adapt
    from sourcefree.commands.demo import demo
    from sourcefree.commands.evaluate import EvaluateResult, evaluate
    from sourcefree.commands.export import ExportResult
    from sourcefree.commands.predict import Predictions, predict, translate
    from sourcefree.commands.prepare import prepare
    from sourcefree.commands.train_source import TrainResult, train_source
    from sourcefree.config import AdaptSettings, TrainSettings
    from sourcefree.data.inspection import inspect_folder, inspect_pairs
    from sourcefree.data.modality import Modality, load_modality
    from sourcefree.data.simulated import simulate
    from sourcefree.errors import SourcefreeError
    from sourcefree.methods.presets import method_settings
    from sourcefree.models.trained import TrainedClassifier, load_trained
    from sourcefree.studies.compare import CompareResult, compare
    from sourcefree.studies.tune import tune
    from sourcefree.studies.tuning import TuneResult

# torch takes seconds to import: a name is loaded when it is first used.
_WHERE = {
    "AdaptResult": "commands.adapt",
    "AdaptSettings": "config",
    "CompareResult": "studies.compare",
    "EvaluateResult": "commands.evaluate",
    "ExportResult": "commands.export",
    "Modality": "data.modality",
    "Predictions": "commands.predict",
    "SourcefreeError": "errors",
    "TrainResult": "commands.train_source",
    "TrainSettings": "config",
    "TrainedClassifier": "models.trained",
    "TuneResult": "studies.tuning",
    "adapt": "commands.adapt",
    "compare": "studies.compare",
    "demo": "commands.demo",
    "evaluate": "commands.evaluate",
    "inspect_folder": "data.inspection",
    "inspect_pairs": "data.inspection",
    "load_modality": "data.modality",
    "load_trained": "models.trained",
    "method_settings": "methods.presets",
    "predict": "commands.predict",
    "prepare": "commands.prepare",
    "simulate": "data.simulated",
    "train_source": "commands.train_source",
    "translate": "commands.predict",
    "tune": "studies.tune",
}

__all__ = [
    "AdaptResult",
    "AdaptSettings",
    "CompareResult",
    "EvaluateResult",
    "ExportResult",
    "Modality",
    "Predictions",
    "SourcefreeError",
    "TrainResult",
    "TrainSettings",
    "TrainedClassifier",
    "TuneResult",
    "adapt",
    "compare",
    "demo",
    "evaluate",
    "inspect_folder",
    "inspect_pairs",
    "load_modality",
    "load_trained",
    "method_settings",
    "predict",
    "prepare",
    "simulate",
    "train_source",
    "translate",
    "tune",
]


def __getattr__(name: str) -> Any:
    if name not in _WHERE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_WHERE[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_WHERE})
