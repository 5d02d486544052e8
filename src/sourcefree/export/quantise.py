"""An ONNX file with 8-bit weights and activations."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from sourcefree.errors import ConfigError
from sourcefree.files import whole_file


class _Batches:
    """Calibration images, one batch at a time, as onnxruntime asks for them."""

    def __init__(self, batches: Sequence[npt.NDArray[np.float32]]) -> None:
        self._left = list(batches)

    def get_next(self) -> dict[str, Any] | None:
        """Return the next batch, or None at the end."""
        return {"images": self._left.pop(0)} if self._left else None


def write_int8(model: Path, path: Path, *, calibration: Sequence[npt.NDArray[np.float32]]) -> None:
    """Write the model with 8-bit weights (a scale for each channel) and activations (ranges of the calibration images).

    Args:
        model: ONNX file in float32.
        path: file to write.
        calibration: batches of preprocessed images (N, B, size, size), of the sensor's own.

    Raises:
        ConfigError: onnxruntime's tools are not installed.
    """
    try:
        from onnxruntime.quantization import CalibrationMethod, QuantFormat, QuantType, quantize_static
        from onnxruntime.quantization.shape_inference import quant_pre_process
    except ImportError as error:
        raise ConfigError("onnxruntime and onnx are not installed", hint="pip install 'sourcefree[export]'") from error
    level = logging.getLogger().level
    logging.getLogger().setLevel(logging.ERROR)  # it advises pre-processing even where that was done
    try:
        with tempfile.TemporaryDirectory() as folder, whole_file(path) as temporary:
            ready = Path(folder) / "ready.onnx"
            quant_pre_process(str(model), str(ready), skip_symbolic_shape=True)
            quantize_static(
                str(ready),
                str(temporary),
                _Batches(calibration),
                quant_format=QuantFormat.QDQ,
                per_channel=True,
                activation_type=QuantType.QUInt8,
                # Not signed: CPUs without VNNI add signed weights in 16 bits, which overflow. Measured on one without it
                # (EfficientNet-Lite0, NIR, 165 images; 61.8 % in float32): signed 51.5 %, unsigned 61.2 %.
                weight_type=QuantType.QUInt8,
                calibrate_method=CalibrationMethod.MinMax,
            )
    finally:
        logging.getLogger().setLevel(level)
