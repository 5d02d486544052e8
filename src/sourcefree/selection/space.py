"""Which settings are searched, and among which values."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from sourcefree.config import RUN_SETTINGS, AdaptSettings, Settings
from sourcefree.errors import ConfigError, did_you_mean
from sourcefree.overrides import override, read_overrides, settings_type

Value: TypeAlias = bool | int | float | str | None

READY = "ready"
_RANGE = re.compile(r"(?P<low>.+?)\.\.(?P<high>[^:]+)(?P<log>:log)?")
# Trials that differ in these would not be measured alike, or would only try their luck.
_FIXED = RUN_SETTINGS | {"held_out_pairs", "held_out_target"}


@dataclass(frozen=True)
class Range:
    """All numbers between two, both included.

    Attributes:
        low: least.
        high: greatest.
        log: whether orders of magnitude are equally likely, in place of equal steps.
        whole: whether only whole numbers fit the setting.
    """

    low: float
    high: float
    log: bool = False
    whole: bool = False

    def __str__(self) -> str:
        return f"{self.low:g}..{self.high:g}{':log' if self.log else ''}"

    @property
    def examples(self) -> tuple[Value, ...]:
        """Values that must all fit the setting."""
        return (int(self.low), int(self.high)) if self.whole else (self.low, self.high)

    def holds(self, value: Any) -> bool:
        """Return whether a value lies inside."""
        return isinstance(value, (int, float)) and not isinstance(value, bool) and self.low <= value <= self.high


@dataclass(frozen=True)
class Choice:
    """A few values.

    Attributes:
        values: at least two.
    """

    values: tuple[Value, ...]

    def __str__(self) -> str:
        return ",".join(str(value) for value in self.values)

    @property
    def examples(self) -> tuple[Value, ...]:
        """Values that must all fit the setting."""
        return self.values

    def holds(self, value: Any) -> bool:
        """Return whether a value is one of them."""
        return value in self.values


Dimension: TypeAlias = Range | Choice
Space: TypeAlias = Mapping[str, Dimension]


def ready_space(method: str) -> dict[str, Dimension]:
    """Return the ready-made space of a named method.

    Raises:
        ConfigError: the method has none.
    """
    spaces = yaml.safe_load(resources.files("sourcefree.selection").joinpath("spaces.yaml").read_text("utf-8"))
    if method not in spaces:
        raise ConfigError(
            f"there is no ready-made space for the method {method!r}",
            hint="name what to search, for example --space shot.information=0.1..3:log",
        )
    return parse_space(spaces[method], origin="spaces.yaml")


def read_space(texts: Sequence[str], *, method: str, fixed: Sequence[str] = ()) -> dict[str, Dimension]:
    """Return the space that the words after ``--space`` describe; the later one of a setting wins.

    Args:
        texts: each ``NAME=LOW..HIGH``, ``NAME=LOW..HIGH:log``, ``NAME=a,b,c``, a YAML file of such entries, or ``ready`` for
            the ready-made space.
        method: whose ready-made space is meant.
        fixed: settings and sections that the user has set, which the ready-made space leaves alone.

    Raises:
        ConfigError: a text or file cannot be read.
    """
    space: dict[str, Dimension] = {}
    for text in texts:
        name, equals, values = text.partition("=")
        if equals:
            space |= parse_space({name.strip(): values}, origin="--space")
        elif text == READY:
            given = tuple(f"{name}." for name in fixed)
            space |= {name: one for name, one in ready_space(method).items() if not f"{name}.".startswith(given)}
        elif Path(text).suffix.lower() in (".yaml", ".yml"):
            space |= parse_space(read_overrides(Path(text)), origin=text)
        else:
            raise ConfigError(
                f"--space {text!r}: expected NAME=LOW..HIGH[:log], NAME=a,b,c, a YAML file or {READY!r}",
                hint="for example --space tgkt.optimisation.learning_rate=1e-4..1e-2:log",
            )
    return space


def parse_space(entries: Mapping[str, Any], *, origin: str) -> dict[str, Dimension]:
    """Return a space from plain data.

    Args:
        entries: ``"LOW..HIGH"``, ``"LOW..HIGH:log"``, ``"a,b,c"``, a list or a dimension by dotted name; names may be nested.
        origin: named in errors.

    Raises:
        ConfigError: an entry is none of these.
    """
    return {name: _dimension(entry, f"{origin} {name}") for name, entry in _flat(entries)}


def fit_space(space: Space, settings: AdaptSettings) -> dict[str, Dimension]:
    """Return the space with whole numbers where a setting needs them.

    Raises:
        ConfigError: it is empty, a setting is unknown, is of a stage that the method lacks or is not to be searched, or
            a value does not fit.
    """
    if not space:
        raise ConfigError("space: nothing is left to search", hint="give a setting with --space NAME=LOW..HIGH")
    known = dict(searchable(settings))
    fitted = {}
    for name, dimension in space.items():
        if name in _FIXED:
            raise ConfigError(
                f"space: {name!r} cannot be searched: trials that differ in it do not compare settings",
                hint=f"fix it with --set {name}=VALUE or its option",
            )
        if name not in known:
            raise ConfigError(
                f"space: the method {settings.method!r} has no setting {name!r}", hint=did_you_mean(name, known)
            )
        whole = isinstance(dimension, Range) and known[name] is int
        fitted[name] = replace(dimension, whole=True) if isinstance(dimension, Range) and whole else dimension
        for value in (*dimension.examples, *fitted[name].examples):
            override(settings, {name: value}, origin=f"space {name}={dimension}")
    return fitted


def searchable(settings: Settings, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield dotted name and type of every setting of the stages that a method has."""
    for name, field in type(settings).model_fields.items():
        value = getattr(settings, name)
        if isinstance(value, Settings):
            yield from searchable(value, f"{prefix}{name}.")
        elif settings_type(type(settings), name) is None and name not in _FIXED:
            yield prefix + name, field.annotation


def setting(settings: AdaptSettings, name: str) -> Any:
    """Return the value of a dotted name."""
    value: Any = settings
    for part in name.split("."):
        value = getattr(value, part)
    return value


def _flat(entries: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, entry in entries.items():
        if isinstance(entry, Mapping):
            yield from _flat(entry, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", entry


def _dimension(entry: Any, where: str) -> Dimension:
    if isinstance(entry, (Range, Choice)):
        return entry
    if isinstance(entry, str):
        found = _RANGE.fullmatch(entry.strip())
        if found:
            return _range(found["low"], found["high"], log=found["log"] is not None, where=where)
        entry = [_value(text) for text in entry.split(",")]
    if not isinstance(entry, (list, tuple)) or not all(isinstance(value, Value) for value in entry):
        raise ConfigError(f"{where}: expected LOW..HIGH, LOW..HIGH:log or a list of values, found {entry!r}")
    values = tuple(entry)
    if len(set(map(repr, values))) < max(2, len(values)):
        raise ConfigError(
            f"{where}: expected at least two values, all different, found {_listed(values)}",
            hint="a range is LOW..HIGH or LOW..HIGH:log; a setting that stays as it is goes to --set",
        )
    return Choice(values)


def _range(low_text: str, high_text: str, *, log: bool, where: str) -> Range:
    low, high = _value(low_text), _value(high_text)
    numbers = [value for value in (low, high) if isinstance(value, (int, float)) and math.isfinite(value)]
    if len(numbers) < 2:
        raise ConfigError(f"{where}: expected two numbers as LOW..HIGH, found {low_text}..{high_text}")
    if not numbers[0] < numbers[1]:
        raise ConfigError(f"{where}: expected LOW below HIGH, found {low_text}..{high_text}")
    if log and numbers[0] <= 0:
        raise ConfigError(f"{where}: a :log range begins above 0, found {low_text}", hint="leave out :log")
    return Range(float(numbers[0]), float(numbers[1]), log=log)


def _value(text: str) -> Any:
    """Return what a text means: 1e-3 is a number here, which it is not in YAML."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError:
        return text


def _listed(values: Iterable[Value]) -> str:
    return ", ".join(map(str, values)) or "none"
