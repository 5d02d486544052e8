"""What a study compares: tasks, methods, seeds, and what is varied about them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError, field_validator

from sourcefree.config import RUN_SETTINGS, STAGES, AdaptSettings, Settings
from sourcefree.errors import ConfigError, did_you_mean, first_problem
from sourcefree.methods.presets import method_settings
from sourcefree.overrides import override, with_budget
from sourcefree.studies.cell import Cell
from sourcefree.studies.tasks import TaskSettings

Value = bool | int | float | str | None


class Variation(Settings):
    """A base (a task or a method) and what is changed about it.

    ``each`` changes one setting at a time, ``product`` all of them together; without either there is one variant.
    """

    base: str
    name: str = Field("", description="how it is called in tables; default: the base and what is changed")
    set: dict[str, Any] = Field({}, description="changes that all variants share; dotted names")
    each: dict[str, list[Value]] = Field({}, description="settings and the values each takes, one at a time")
    product: dict[str, list[Value]] = Field({}, description="settings and the values each takes, all combinations")


class StudySettings(Settings):
    """A study, as its YAML file says it."""

    title: str
    question: str = ""
    tasks: list[str | Variation] = Field(min_length=1)
    methods: list[str | Variation] = Field(min_length=1)
    seeds: list[int] = Field([0], min_length=1)
    budget: dict[str, Any] = Field(
        {},
        description="changes of every stage's optimisation, the same for all methods; under a stage's name, of that stage",
    )
    rows: Literal["methods", "tasks"] = Field("methods", description="what stands in the rows of the tables")
    definitions: dict[str, TaskSettings] = Field({}, description="tasks of the user's own, by name")

    @field_validator("seeds")
    @classmethod
    def _seeds_differ(cls, seeds: list[int]) -> list[int]:
        if len(set(seeds)) < len(seeds):
            raise ValueError("a seed stands there twice: both cells would be the same measurement")
        return seeds


def load_study(path_or_name: str) -> StudySettings:
    """Return a study from a YAML file, or a ready-made one by name.

    Raises:
        ConfigError: neither exists, or the content does not fit.
    """
    path = Path(path_or_name)
    if path.suffix not in (".yaml", ".yml") and path_or_name in ready_studies():
        text = _ready(f"{path_or_name}.yaml")
    else:
        try:
            text = path.read_text(encoding="utf-8")
        except OSError as error:
            raise ConfigError(
                f"{path_or_name}: no study file and no ready-made study",
                hint=did_you_mean(path_or_name, ready_studies()),
            ) from error
        except UnicodeDecodeError as error:
            raise ConfigError(f"{path_or_name}: not a text file ({error})", hint="save it as UTF-8") from error
    return _parse(text, origin=path_or_name)


def ready_studies() -> list[str]:
    """Return the names of the ready-made studies."""
    files = resources.files("sourcefree.studies.ready").iterdir()
    return sorted(
        file.name.removesuffix(".yaml") for file in files if file.name.endswith(".yaml") and file.name[0] != "_"
    )


def ready_tasks() -> dict[str, TaskSettings]:
    """Return the ready-made tasks by name."""
    content = yaml.safe_load(_ready("_tasks.yaml"))
    return {name: task_from(changes, origin=name) for name, changes in content.items()}


def task_from(content: Any, *, origin: str) -> TaskSettings:
    """Return a task from plain data; what is left out of ``source`` keeps the small network's defaults.

    Raises:
        ConfigError: the content does not fit.
    """
    _check_mapping(content, f"task {origin}")
    data = next((name for name in ("simulated", "folders", "given") if name in content), None)
    if data is None:
        raise ConfigError(f"task {origin}: expected 'simulated', 'folders' or 'given'")
    try:
        base = TaskSettings(**{data: content[data]})
    except ValidationError as error:
        raise ConfigError(f"task {origin}: {first_problem(error)}") from error
    return override(base, {name: value for name, value in content.items() if name != data}, origin=f"task {origin}")


def study_cells(study: StudySettings, *, origin: str = "study") -> list[Cell]:
    """Return all cells, those of one task and seed together.

    Args:
        study: what to compare.
        origin: named in errors.

    Raises:
        ConfigError: a task, method or setting is unknown, or two variants have one name.
    """
    tasks, methods = _tasks(study, origin), _methods(study, origin)
    cells = []
    for (task_name, task), seed in itertools.product(tasks.items(), study.seeds):
        for method_name, settings in methods.items():
            cells.append(Cell(task_name, method_name, task, seed, settings))
    return cells


def _tasks(study: StudySettings, origin: str) -> dict[str, TaskSettings]:
    known = {**ready_tasks(), **study.definitions}
    found = {}
    for name, base, changes in _variants(study.tasks, "task", origin):
        if base not in known:
            raise ConfigError(f"{origin}: no task {base!r}", hint=did_you_mean(base, known))
        found[name] = override(known[base], changes, origin=f"{origin}, task {name}")
    return found


def _methods(study: StudySettings, origin: str) -> dict[str, AdaptSettings]:
    found = {}
    for name, base, changes in _variants(study.methods, "method", origin):
        where, settings = f"{origin}, method {name}", method_settings(base)
        _refuse_run_settings(changes, where)
        # A variation may add stages: they have the budget too, unless it says otherwise.
        stages = override(settings, changes, origin=where).stages
        found[name] = override(_with_budget(settings, study.budget, stages), changes, origin=where)
    return found


def _refuse_run_settings(changes: Mapping[str, Any], where: str) -> None:
    """Refuse variants that would be one and the same cell under several names."""
    for name in changes:
        if name in RUN_SETTINGS:
            hint = "seeds are the study's: seeds: [0, 1, 2]" if name == "seed" else "leave it out"
            raise ConfigError(f"{where}: {name!r} cannot be varied: it is no part of what a study compares", hint=hint)


def _with_budget(settings: AdaptSettings, budget: Mapping[str, Any], stages: Sequence[str]) -> AdaptSettings:
    own = {name: value for name, value in budget.items() if isinstance(value, Mapping)}
    for stage in own:
        if stage not in STAGES:
            raise ConfigError(f"budget: no stage {stage!r}", hint=did_you_mean(stage, STAGES))
    every = {name: value for name, value in budget.items() if name not in own}
    for stage in stages:
        settings = with_budget(settings, {**every, **own.get(stage, {})}, stages=[stage], origin="budget")
    return settings


def _variants(entries: Sequence[str | Variation], what: str, origin: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield name, base and changes of everything that a list of a study asks for."""
    names: set[str] = set()
    for entry in entries:
        variation = Variation(base=entry) if isinstance(entry, str) else entry
        for name, changes in _changes(variation):
            if name in names:
                raise ConfigError(f"{origin}: two {what}s are called {name!r}", hint="give one of them another name")
            names.add(name)
            yield name, variation.base, changes


def _changes(variation: Variation) -> list[tuple[str, dict[str, Any]]]:
    combinations: list[dict[str, Value]] = []
    combinations += [{name: value} for name, values in variation.each.items() for value in values]
    if variation.product:
        rows = itertools.product(*variation.product.values())
        combinations += [dict(zip(variation.product, row, strict=True)) for row in rows]
    title = variation.name or variation.base
    if not combinations:
        return [(title, dict(variation.set))]
    return [(f"{title} {_describe(chosen)}", {**variation.set, **chosen}) for chosen in combinations]


def _describe(changes: Mapping[str, Value]) -> str:
    return " ".join(f"{name.rpartition('.')[2]}={value}" for name, value in changes.items())


def _parse(text: str, *, origin: str) -> StudySettings:
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"{origin}: not valid YAML: {' '.join(str(error).split())}") from error
    _check_mapping(content, origin)
    _check_names(content, StudySettings, origin)
    tasks = content.get("definitions") or {}
    _check_mapping(tasks, f"{origin}: definitions")
    content["definitions"] = {name: task_from(task, origin=name) for name, task in tasks.items()}
    for part in ("tasks", "methods"):
        if isinstance(content.get(part), list):
            content[part] = [
                _variation(entry, origin=f"{origin}, {part}.{number}") if isinstance(entry, dict) else entry
                for number, entry in enumerate(content[part])
            ]
    try:
        return StudySettings.model_validate(content)
    except ValidationError as error:
        raise ConfigError(f"{origin}: {first_problem(error)}") from error


def _variation(entry: dict[str, Any], *, origin: str) -> Variation:
    """Return one entry of a list, built apart: as one of two kinds, its mistakes would be told of the other kind."""
    _check_names(entry, Variation, origin)
    try:
        return Variation.model_validate(entry)
    except ValidationError as error:
        raise ConfigError(f"{origin}: {first_problem(error)}") from error


def _check_mapping(content: Any, where: str) -> None:
    if not isinstance(content, Mapping):
        raise ConfigError(f"{where}: expected 'name: value', found {type(content).__name__}")


def _check_names(content: Mapping[str, Any], kind: type[Settings], origin: str) -> None:
    unknown = [name for name in content if name not in kind.model_fields]
    if unknown:
        raise ConfigError(
            f"{origin}: unknown entry {unknown[0]!r}", hint=did_you_mean(str(unknown[0]), kind.model_fields)
        )


def _ready(name: str) -> str:
    return resources.files("sourcefree.studies.ready").joinpath(name).read_text(encoding="utf-8")
