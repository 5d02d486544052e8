"""A classifier as an ONNX file."""

from __future__ import annotations

import copy
import io
import json
import logging
import warnings
from collections.abc import Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils import parametrize

from sourcefree.errors import ConfigError, SourcefreeError
from sourcefree.files import whole_file
from sourcefree.models.classifier import Classifier
from sourcefree.models.trained import TrainedClassifier

OPSET = 18


class _Probabilities(nn.Module):
    """Standardised images to calibrated probabilities, without the hooks that catch features."""

    temperature: Tensor

    def __init__(self, model: Classifier) -> None:
        super().__init__()
        self.adapter = model.adapter
        self.network = model.network
        self.register_buffer("temperature", model.temperature)

    def forward(self, images: Tensor) -> Tensor:
        logits = self.network(self.adapter(images)) / self.temperature
        probabilities: Tensor = logits.softmax(-1)
        return probabilities


def preprocessing(trained: TrainedClassifier) -> dict[str, Any]:
    """Return everything that must happen to an image before the network, and what its outputs mean, as plain data."""
    return {
        "labels": list(trained.labels),
        "size": trained.size,
        "sensor": trained.modality.to_dict(),
        "steps": [
            "read every level of the file: no conversion to 8 bits",
            "undo rotated_bits, mark missing values, multiply by scale, add offset, clip to the valid range",
            "apply the sensor's encoding",
            "resize to round(8/7 size) squared, bilinear with antialiasing, missing values left out of the means",
            "cut the centre of size x size",
            "subtract mean, divide by std, set missing values to 0",
        ],
        "input": f"images: float32 (N, {trained.modality.bands}, {trained.size}, {trained.size})",
        "output": f"probabilities: float32 (N, {len(trained.labels)})",
    }


def write_onnx(trained: TrainedClassifier, path: Path) -> None:
    """Write the classifier with a dynamic batch size; its preprocessing stands in the file's metadata.

    Raises:
        ConfigError: the packages for it are not installed.
        SourcefreeError: the network holds something that ONNX has no word for.
    """
    try:
        import onnx
        import onnxscript  # noqa: F401  torch's exporter needs it
    except ImportError as error:
        raise ConfigError("onnx and onnxscript are not installed", hint="pip install 'sourcefree[export]'") from error
    module = _plain(trained.model)
    shape = (2, trained.modality.bands, trained.size, trained.size)
    with _quiet():
        try:
            program = torch.onnx.export(
                module,
                (torch.zeros(shape),),
                dynamo=True,
                opset_version=OPSET,
                input_names=["images"],
                output_names=["probabilities"],
                dynamic_shapes={"images": {0: torch.export.Dim("batch")}},
            )
        except (RuntimeError, torch.onnx.errors.OnnxExporterError) as error:
            raise SourcefreeError(
                f"the network cannot be written as ONNX: {' '.join(str(error).split())[:300]}",
                hint="a network of your own may use operations that depend on values",
            ) from error
    assert program is not None
    proto = program.model_proto
    if not proto.graph.output[0].type.tensor_type.shape.dim[0].dim_param:
        raise SourcefreeError(
            f"the network cannot be written as ONNX: its forward fixes the number of images, {shape[0]} when it was recorded",
            hint="write x.shape[0], or x.flatten(1), in its forward where it says len(x)",
        )
    onnx.helper.set_model_props(proto, _metadata(preprocessing(trained)))
    with whole_file(path) as temporary:
        onnx.save(proto, str(temporary), format="protobuf")


def _plain(model: Classifier) -> nn.Module:
    """Return a copy whose weight-normalised head has the weight itself, not its direction and length."""
    module = _Probabilities(copy.deepcopy(model).cpu().float().eval())
    for name, part in list(module.named_modules()):
        if isinstance(part, nn.Linear) and parametrize.is_parametrized(part):
            # Not remove_parametrizations: it takes the weight away from the model that was copied, too.
            linear = nn.Linear(part.in_features, part.out_features, bias=part.bias is not None)
            linear.load_state_dict({key: getattr(part, key) for key in linear.state_dict()})
            parent, _, own = name.rpartition(".")
            setattr(module.get_submodule(parent), own, linear)
    return module.requires_grad_(False)


def _metadata(description: Mapping[str, Any]) -> dict[str, str]:
    return {f"sourcefree.{name}": json.dumps(value) for name, value in description.items()}


@contextmanager
def _quiet() -> Any:
    """Silence the exporter, which prints and warns of what its users cannot change."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
