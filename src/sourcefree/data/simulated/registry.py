"""Names of the object families: which exist, which belong to a task set, which are task-irrelevant."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TypeAlias

import numpy as np
import trimesh

from sourcefree.data.simulated.model import Model
from sourcefree.errors import ConfigError, did_you_mean

Draw: TypeAlias = Callable[[Model, np.random.Generator], None]

TASK_SETS = ("a", "b", "all")
_MODULES = (
    "task_a_home",
    "task_a_machines",
    "task_b_home",
    "task_b_vehicles",
    "irrelevant_animals",
    "irrelevant_buildings",
    "irrelevant_home",
    "irrelevant_kitchen",
    "irrelevant_music",
    "irrelevant_nature",
    "irrelevant_things",
    "irrelevant_tools",
    "assemblies",
)


@dataclass(frozen=True)
class Family:
    """One parametric object family: `task` is "a", "b" or None (task-irrelevant, used for the pairs only)."""

    name: str
    draw: Draw
    task: str | None
    can_lie: bool

    def build(self, rng: np.random.Generator) -> trimesh.Trimesh:
        """Return a new instance: own units, z up, any origin."""
        model = Model()
        self.draw(model, rng)
        return model.mesh()


_families: dict[str, Family] = {}


def family(*, task: str | None = None, can_lie: bool = True) -> Callable[[Draw], Draw]:
    """Return a decorator that registers `draw_function(model, rng)` under its own name ("robot_arm", ...)."""

    def register(draw: Draw) -> Draw:
        _families[draw.__name__] = Family(draw.__name__, draw, task, can_lie)
        return draw

    return register


def families() -> dict[str, Family]:
    """Return every family by name, sorted."""
    for module in _MODULES:
        import_module(f"sourcefree.data.simulated.families.{module}")
    return dict(sorted(_families.items()))


def task_families(task_set: str = "a") -> list[str]:
    """Return the sorted class names of a task set: "a", "b" (no class in common), or "all" of both.

    Raises:
        ConfigError: for an unknown task set.
    """
    if task_set not in TASK_SETS:
        raise ConfigError(f"unknown task set {task_set!r}", hint=did_you_mean(str(task_set), TASK_SETS))
    return [f.name for f in families().values() if f.task and task_set in (f.task, "all")]


def chosen_families(task_set: str, classes: Sequence[str] | None) -> list[str]:
    """Return the sorted classes of a task set that are named, or all where none is.

    Raises:
        ConfigError: for an unknown task set or class, or fewer than two.
    """
    known = task_families(task_set)
    if classes is None:
        return known
    for name in classes:
        if name not in known:
            raise ConfigError(f"classes: {name!r} is not in task set {task_set!r}", hint=did_you_mean(name, known))
    chosen = sorted(set(classes))
    if len(chosen) < 2:
        raise ConfigError(
            f"classes: expected two or more different ones, found {len(chosen)}", hint=f"known: {', '.join(known)}"
        )
    return chosen


def irrelevant_families() -> list[str]:
    """Return the sorted names of the families that belong to no task: what the pairs show."""
    return [f.name for f in families().values() if f.task is None]


PAIR_KINDS = ("irrelevant", "assemblies", "other-task", "task")


def pair_families(kind: str, task_set: str) -> list[str]:
    """Return the families that pairs of a kind show, sorted.

    Args:
        kind: "irrelevant": all families of no task, the usual pairs; "assemblies": random assemblies of primitives only;
            "other-task": the classes of the other task set; "task": the task's own classes, for studies of what pairs that
            are not irrelevant at all would bring.
        task_set: the task.

    Raises:
        ConfigError: for an unknown kind, or "other-task" where the task has every class.
    """
    if kind not in PAIR_KINDS:
        raise ConfigError(f"unknown kind of pairs {kind!r}", hint=did_you_mean(str(kind), PAIR_KINDS))
    if kind == "task":
        return task_families(task_set)
    if kind == "other-task":
        if task_set == "all":
            raise ConfigError("task set 'all' leaves no other task for the pairs", hint="choose task set a or b")
        return task_families("b" if task_set == "a" else "a")
    if kind == "assemblies":
        return [f.name for f in families().values() if f.draw.__module__.endswith(".assemblies")]
    return irrelevant_families()
