"""One cell of a study: a method on a task with a seed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, TypeAlias

from sourcefree.config import RUN_SETTINGS, AdaptSettings
from sourcefree.fingerprint import fingerprint
from sourcefree.methods.presets import student_sections
from sourcefree.studies.tasks import TaskSettings

Row: TypeAlias = dict[str, Any]
_VERSION = 5  # raised whenever the same cell gives other numbers than before
_LATER = {"members": 1, "multilevel.diversity": 1.0}  # settings that rows are older than, and what they were for these


@dataclass(frozen=True)
class Cell:
    """One measurement.

    Attributes:
        task_name: name in the study.
        method_name: name in the study.
        task: what to adapt to.
        seed: of the images, the source model and the method.
        settings: the method.
    """

    task_name: str
    method_name: str
    task: TaskSettings
    seed: int
    settings: AdaptSettings

    @property
    def key(self) -> str:
        """Hash of everything that decides the numbers; names of task and method do not."""
        # Sections and switches that are off are left out: one that is added later changes no old key.
        sections = self.settings.model_dump(mode="json", exclude=set(RUN_SETTINGS))
        settings = _as_before({name: value for name, value in sections.items() if value not in (None, False)})
        # Methods that train nothing differ by their name alone.
        name = "" if self.settings.stages else self.settings.method
        # Of several target models the method is about the first, and the row is of that one.
        first = student_sections(self.settings)[:1] if len(self.settings.students) > 1 else ()
        return self._hash([settings, name, *first])

    @property
    def bridge_key(self) -> str:
        """Hash of what decides the translator: cells that share it share the training of TGMB."""
        settings = self.settings
        tgmb = settings.tgmb.model_dump(mode="json") if settings.tgmb else None
        return self._hash([tgmb, settings.held_out_pairs, settings.unseen_target])

    def _hash(self, settings: list[Any]) -> str:
        content = [_VERSION, self.task.model_dump(mode="json", exclude_none=True), self.seed, *settings]
        return fingerprint(json.dumps(content, sort_keys=True))


def _as_before(settings: dict[str, Any]) -> dict[str, Any]:
    """Return the settings without those that came later, where they are as they were."""
    for path, value in _LATER.items():
        section, _, name = path.rpartition(".")
        holder = settings.get(section, {}) if section else settings
        if holder.get(name) == value:
            del holder[name]
    return settings
