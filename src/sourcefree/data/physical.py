"""From stored numbers to what a network sees, in numpy alone: a deployed model needs it without torch or pydantic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from sourcefree.data.encodings import ENCODINGS
from sourcefree.errors import DataError

Array = npt.NDArray[Any]
Physical = npt.NDArray[np.float32]

# Of the weight below a pixel: with less, it is missing. Ties must not hang on the order in which floats are added.
HALF = 0.5 - 1e-5
NO_VALUE = 1e30  # no sensor measures this much in any unit; the usual mark of a pixel without a value is -3.4e38
_NEARLY_GREY = 2.0  # levels that the channels of a grey 8-bit JPEG may differ by


class Sensor(Protocol):
    """What is needed of a :class:`sourcefree.Modality`."""

    @property
    def name(self) -> str: ...  # noqa: D102
    @property
    def channels(self) -> int: ...  # noqa: D102
    @property
    def unit(self) -> str: ...  # noqa: D102
    @property
    def scale(self) -> float | str | Mapping[str, float]: ...  # noqa: D102
    @property
    def offset(self) -> float: ...  # noqa: D102
    @property
    def valid_min(self) -> float | None: ...  # noqa: D102
    @property
    def valid_max(self) -> float | None: ...  # noqa: D102
    @property
    def outside(self) -> str: ...  # noqa: D102
    @property
    def missing(self) -> tuple[float, ...]: ...  # noqa: D102
    @property
    def rotated_bits(self) -> int: ...  # noqa: D102
    @property
    def encoding(self) -> str: ...  # noqa: D102


class Measured(NamedTuple):
    """An image that shows something.

    Attributes:
        bands: (B, H, W), see :func:`to_physical`.
        clipped: share of the measured values that lay outside the sensor's valid range and were moved to its ends.
    """

    bands: Physical
    clipped: float


def to_physical(sensor: Sensor, array: Array) -> Physical:
    """Return (B, H, W) float32 bands: values in the sensor's unit, encoded, NaN where there is no measurement.

    Numbers that are not finite, or beyond what can be measured (1e30, as the extremes of float32 that mark pixels without a
    value in GeoTIFF), are missing whatever the sensor says.

    A sensor of one channel also takes colour files whose channels are (nearly) equal; rgb also takes grey files.

    Args:
        sensor: the sensor.
        array: (H, W, C) stored numbers.

    Raises:
        DataError: the channels, the number type or the size of the image do not fit the sensor and its encoding.
    """
    return _bands(sensor, *_scaled(sensor, array))


def measured_image(sensor: Sensor, array: Array) -> Measured:
    """Return :func:`to_physical` of an image that shows anything: an answer to a blank one would count as any other.

    Raises:
        DataError: see :func:`to_physical`; or not one pixel was measured, or none within the valid range.
    """
    values, missing = _scaled(sensor, array)
    bands = _bands(sensor, values, missing)
    if not np.isfinite(bands).any():
        raise DataError(f"no valid value for the sensor {sensor.name}: every pixel is missing")
    clipped = _clipped(sensor, values, missing)
    if clipped == 1:
        raise DataError(
            f"no valid value for the sensor {sensor.name}: all lie outside {valid_range(sensor)}, so the scale may be wrong, "
            "as of depth in millimetres that is read as metres"
        )
    return Measured(bands, clipped)


def valid_range(sensor: Sensor) -> str:
    """Return the sensor's valid range in words, with its unit."""
    low, high = _limits(sensor)
    unit = f" {sensor.unit}" if sensor.unit not in ("", "1") else ""
    return f"{low:g} to {high:g}{unit}"


def _limits(sensor: Sensor) -> tuple[float, float]:
    low = -np.inf if sensor.valid_min is None else sensor.valid_min
    return low, np.inf if sensor.valid_max is None else sensor.valid_max


def _clipped(sensor: Sensor, values: Physical, missing: npt.NDArray[np.bool_]) -> float:
    if sensor.valid_min is None and sensor.valid_max is None:
        return 0.0
    low, high = _limits(sensor)
    measured = values[~missing]
    return float(((measured < low) | (measured > high)).mean()) if measured.size else 0.0


def _bands(sensor: Sensor, values: Physical, missing: npt.NDArray[np.bool_]) -> Physical:
    values = np.where(missing, np.float32(np.nan), values.clip(*_limits(sensor)))
    bands = np.ascontiguousarray(values.transpose(2, 0, 1))
    return bands if sensor.encoding == "plain" else ENCODINGS[sensor.encoding][0](bands)


def _scaled(sensor: Sensor, array: Array) -> tuple[Physical, npt.NDArray[np.bool_]]:
    """Return (H, W, C) values in the sensor's unit, not yet clipped, and where there is no measurement."""
    stored = _fit_channels(sensor, array)
    if sensor.rotated_bits:
        stored = _rotate_right(stored, sensor)
    with np.errstate(over="ignore"):
        values = stored.astype(np.float32) * np.float32(_factor(sensor, array.dtype)) + np.float32(sensor.offset)
    missing = ~(np.abs(values) < NO_VALUE)
    for value in sensor.missing:
        missing |= stored == value
    low, high = _limits(sensor)
    if sensor.outside in ("missing", "missing-below"):
        missing |= values < low
    if sensor.outside == "missing":
        missing |= values > high
    return values, missing


def _rotate_right(stored: Array, sensor: Sensor) -> Array:
    if stored.dtype != np.uint16:
        raise DataError(f"{sensor.name}: rotated bits are for uint16 files, found {stored.dtype}")
    bits = sensor.rotated_bits
    return (stored >> bits) | (stored << (16 - bits))


def _fit_channels(sensor: Sensor, array: Array) -> Array:
    found = array.shape[2]
    if found == sensor.channels:
        return array
    if sensor.channels == 1 and found == 3:
        # Only lossy 8-bit files blur equal channels; two levels of a float image in 0..1 would be any colour at all.
        tolerance = _NEARLY_GREY if array.dtype == np.uint8 else 0.0
        with np.errstate(invalid="ignore"):
            spread = np.ptp(array.astype(np.float64), axis=2)
        if not (spread > tolerance).any():
            return array[..., :1]
    if sensor.channels == 3 and found == 1 and sensor.name == "rgb":
        return np.repeat(array, 3, axis=2)
    plural = "" if sensor.channels == 1 else "s"
    raise DataError(f"expected {sensor.channels} channel{plural} of {sensor.name}, found {found}")


def _factor(sensor: Sensor, dtype: np.dtype[Any]) -> float:
    if sensor.scale == "full-range":
        return 1.0 / float(np.iinfo(dtype).max) if dtype.kind in "iu" else 1.0
    if isinstance(sensor.scale, Mapping):
        if dtype.name not in sensor.scale:
            known = ", ".join(sorted(sensor.scale))
            raise DataError(f"{sensor.name} has no scale for {dtype.name} (known: {known})")
        return sensor.scale[dtype.name]
    return float(sensor.scale)


def resize_antialiased(bands: Physical, side: int) -> Physical:
    """Return (B, side, side) of (B, H, W), antialiased; missing values (NaN) are never mixed into valid ones.

    A pixel is the weighted mean of the valid values below it, and missing where they carry less than half of the weight. The
    same numbers as :func:`sourcefree.data.store.resize_physical`, which uses torch.
    """
    rows, columns = _weights(bands.shape[1], side), _weights(bands.shape[2], side)
    valid = np.isfinite(bands)
    if valid.all():
        return np.asarray(rows @ bands @ columns.T, np.float32)
    weight = rows @ valid.astype(np.float32) @ columns.T
    total = rows @ np.where(valid, bands, 0) @ columns.T
    mean = total / np.maximum(weight, 1e-6)
    return np.where(weight >= HALF, mean, np.nan).astype(np.float32)


def _weights(size: int, side: int) -> npt.NDArray[np.float32]:
    """Return (side, size) weights of a triangle filter as wide as the shrinking asks, the rows summing to 1."""
    scale = size / side
    support = max(scale, 1.0)
    centres = (np.arange(side) + 0.5) * scale
    first = np.maximum((centres - support + 0.5).astype(np.int64), 0)
    last = np.minimum((centres + support + 0.5).astype(np.int64), size)
    places = np.arange(size)
    weights = np.maximum(0.0, 1.0 - np.abs((places[None] - centres[:, None] + 0.5) / support))
    weights *= (places[None] >= first[:, None]) & (places[None] < last[:, None])
    return np.asarray(weights / weights.sum(1, keepdims=True), np.float32)
