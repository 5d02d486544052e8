"""A sensor as a description: channels, unit, range, missing values, statistics. A new sensor needs no code."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

import numpy as np
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sourcefree.data.encodings import ENCODINGS
from sourcefree.data.physical import Physical
from sourcefree.errors import ConfigError, DataError, did_you_mean, first_problem

YAML_SUFFIXES = (".yaml", ".yml")
_STD_FLOOR = 1e-6


class Modality(BaseModel):
    """How stored numbers become physical values, and how those are standardised."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    name: str
    channels: int = Field(ge=1, description="channels of an image")
    unit: str = Field("", description="unit of the values after scaling")
    scale: float | Literal["full-range"] | dict[str, float] = Field(
        "full-range",
        description="factor on stored numbers; 'full-range' divides integers by their largest value and leaves floats; "
        "or a factor for each number type, such as {uint16: 0.001, float32: 1}",
    )
    offset: float = Field(0.0, description="added after scaling")
    valid_min: float | None = Field(None, description="smallest valid value in the unit")
    valid_max: float | None = Field(None, description="largest valid value in the unit")
    outside: Literal["clip", "missing", "missing-below"] = Field(
        "clip",
        description="what becomes of values outside the valid range; 'missing-below' takes those below it as missing and "
        "clips those above it",
    )
    missing: tuple[float, ...] = Field((), description="stored numbers that mean 'no measurement'")
    rotated_bits: int = Field(
        0, ge=0, le=15, description="stored 16-bit numbers are rotated left by this many bits, as in SUN RGB-D (3)"
    )
    encoding: Literal["plain", "inverted", "disparity", "jet", "normals", "hha"] = Field(
        "plain", description="what the values of one channel are turned into; jet, normals and hha make three bands"
    )
    mean: tuple[float, ...] | None = Field(None, description="per band, after the encoding; measured where absent")
    std: tuple[float, ...] | None = Field(None, description="per band, after the encoding; measured where absent")
    description: str = ""

    @model_validator(mode="after")
    def _consistent(self) -> Modality:
        for name in ("mean", "std"):
            values = getattr(self, name)
            if values is not None and len(values) != self.bands:
                raise ValueError(f"{name} has {len(values)} values for {self.bands} bands")
        if self.encoding != "plain" and self.channels != 1:
            raise ValueError(f"encoding {self.encoding} is for one channel, found {self.channels}")
        if (self.mean is None) != (self.std is None):
            raise ValueError("mean and std go together")
        if self.std is not None and min(self.std) <= 0:
            raise ValueError("std must be above 0")
        if 0 in (self.scale.values() if isinstance(self.scale, dict) else (self.scale,)):
            raise ValueError("scale must not be 0: every value would be the same")
        low, high = self.valid_min, self.valid_max
        if low is not None and high is not None and low >= high:
            raise ValueError(f"valid_min {low} must lie below valid_max {high}")
        return self

    def encoded(self, encoding: str) -> Modality:
        """Return the modality with another encoding; its statistics are forgotten, since they are those of the bands.

        Raises:
            ConfigError: the encoding does not fit the sensor.
        """
        try:
            return Modality(**{**self.to_dict(), "encoding": encoding, "mean": None, "std": None})
        except ValidationError as error:
            raise ConfigError(f"{self.name}: {first_problem(error)}") from error

    @property
    def bands(self) -> int:
        """Channels that a network sees: those of a file, or those that the encoding makes of one."""
        return self.channels if self.encoding == "plain" else ENCODINGS[self.encoding][1]

    @property
    def measured(self) -> bool:
        """Whether the statistics are known."""
        return self.mean is not None

    def to_dict(self) -> dict[str, Any]:
        """Return plain data; ``Modality(**data)`` takes it back."""
        return self.model_dump(mode="json")


MODALITIES = {
    modality.name: modality
    for modality in (
        Modality(name="rgb", channels=3, unit="1", description="colour camera; full range is 0..1"),
        Modality(
            name="depth",
            channels=1,
            unit="m",
            scale={"uint16": 0.001, "int32": 0.001, "uint8": 10.0 / 255.0, "float32": 1.0, "float64": 1.0},
            valid_min=0.0,
            valid_max=20.0,
            outside="missing-below",  # no distance is negative: such a number is a mark, and far below any distance
            missing=(0.0,),
            description="distance; 16-bit files in millimetres, float files in metres, 8-bit files as 0..10 m; 0 and less "
            "is missing",
        ),
        Modality(name="nir", channels=1, unit="1", description="near infrared; full range is 0..1"),
        Modality(name="thermal", channels=1, unit="1", description="thermal infrared; full range is 0..1"),
        Modality(name="sar", channels=1, unit="1", description="radar amplitude; full range is 0..1"),
    )
}


def load_modality(name: str | Path) -> Modality:
    """Return a ready modality by name, or one's own from a YAML file.

    Raises:
        ConfigError: the name is unknown, or the file cannot be read or has a wrong field.
    """
    path = Path(name)
    if path.suffix.lower() in YAML_SUFFIXES:
        return _from_yaml(path)
    if str(name) not in MODALITIES:
        raise ConfigError(
            f"no modality {str(name)!r}",
            hint=f"{did_you_mean(str(name), MODALITIES)}; or describe your sensor in a file of its own: sensor.yaml",
        )
    return MODALITIES[str(name)]


def _from_yaml(path: Path) -> Modality:
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read ({error.strerror or error})") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(content, dict):
        raise ConfigError(f"{path}: expected fields as 'name: value', found {type(content).__name__}")
    unknown = [str(key) for key in content if key not in Modality.model_fields]
    if unknown:
        raise ConfigError(f"{path}: unknown field {unknown[0]!r}", hint=did_you_mean(unknown[0], Modality.model_fields))
    try:
        return Modality(**content)
    except ValidationError as error:
        raise ConfigError(f"{path}: {first_problem(error)}") from error


def measure_statistics(modality: Modality, arrays: Iterable[Physical]) -> Modality:
    """Return the modality with mean and std per channel over all valid values.

    Args:
        modality: the sensor.
        arrays: (..., B, H, W) bands, NaN where missing.

    Raises:
        DataError: a channel has no valid value at all.
    """
    count, total, squares = (np.zeros(modality.bands) for _ in range(3))
    for array in arrays:
        channels = np.moveaxis(array, -3, 0).reshape(modality.bands, -1).astype(np.float64)
        valid = np.isfinite(channels)
        count += valid.sum(1)
        total += np.where(valid, channels, 0).sum(1)
        squares += np.where(valid, channels**2, 0).sum(1)
    if (count == 0).any():
        raise DataError(
            f"{modality.name}: no valid value in channel {int(np.argmin(count))}: every value is missing",
            hint="check 'missing', 'scale' and the valid range of the modality with sourcefree inspect",
        )
    mean = total / count
    std = np.sqrt(np.maximum(squares / count - mean**2, _STD_FLOOR**2))
    return Modality(**{**modality.to_dict(), "mean": tuple(mean.tolist()), "std": tuple(std.tolist())})
