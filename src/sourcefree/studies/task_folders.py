"""Where a task's images and source models lie: the same settings always give the same folders."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sourcefree.fingerprint import fingerprint
from sourcefree.studies.origin import check_origin, is_sensor_file, keep_origin, origin
from sourcefree.studies.tasks import FolderData, GivenData, TaskSettings

_VERSION = 1  # raised whenever the same task gives other images or source models than before


@dataclass(frozen=True)
class PreparedTask:
    """Folders of a task on disk.

    Attributes:
        target_train: class folders; the adaptation sees the images and not the folders' names.
        target_test: class folders.
        pairs_source: of the source sensor.
        pairs_target: the same names, of the target sensor.
        modality: the target sensor: a name, or a YAML file.
        source_models: run folders of ``train-source``.
    """

    target_train: Path
    target_test: Path
    pairs_source: Path
    pairs_target: Path
    modality: str
    source_models: tuple[Path, ...]


@dataclass(frozen=True)
class TaskFolders:
    """Where a task's parts lie in the cache; the same settings always give the same folders.

    Args:
        task: what to prepare.
        seed: fixes images, splits and source models.
        cache: folder of all prepared tasks.
        data: folder that relative paths of the task begin at.
    """

    task: TaskSettings
    seed: int
    cache: Path
    data: Path

    @property
    def given(self) -> GivenData | None:
        """Data that are there already, with paths that begin at the data folder."""
        return placed(self.task.given, self.data) if self.task.given else None

    @property
    def source_images(self) -> tuple[Path, Path | None]:
        """What the source models are trained and tested on; no test folder where a part is held out instead."""
        if self.given is not None:
            return self.given.source, self.given.source_test
        return self.source_data / "train", self.source_data / "test"

    @property
    def source_data(self) -> Path:
        """Class folders ``train`` and ``test`` of the source sensor."""
        simulated = self.task.simulated
        if simulated is not None:
            fields = {"task_set", "classes", "size", "source_train", "source_test"}
            return self._folder("source", simulated.model_dump(mode="json", include=fields, exclude_none=True))
        return self.target_data / "source"

    @property
    def target_data(self) -> Path:
        """``target/train``, ``target/test``, ``pairs/source`` and ``pairs/target``."""
        data = self.task.simulated or self.task.folders or self.task.given
        return self._folder("target", data.model_dump(mode="json", exclude_none=True) if data else {})

    def source_model(self, number: int) -> Path:
        """Run folder of a source model."""
        settings = self.task.source.model_dump(mode="json")
        given = self.task.given
        images = str(given.source) if given else str(self.source_data.relative_to(self.cache))
        key = [images, settings, number, self.task.sources]
        if given and given.source_test is not None:
            key.append(str(given.source_test))
        return self._folder("model", key)

    def prepared(self) -> PreparedTask:
        """Return where everything is, or will be."""
        models = tuple(self.source_model(number) for number in range(self.task.sources))
        if self.given is not None:
            return PreparedTask(
                target_train=self.given.target,
                target_test=self.given.target_test or self.given.target,
                pairs_source=self.given.pairs_source,
                pairs_target=self.given.pairs_target,
                modality=_placed_modality(self.given.modality, self.data),
                source_models=models,
            )
        data = self.target_data
        return PreparedTask(
            target_train=data / "target" / "train",
            target_test=data / "target" / "test",
            pairs_source=data / "pairs" / "source",
            pairs_target=data / "pairs" / "target",
            modality=_placed_modality(self.task.modality, self.data),
            source_models=models,
        )

    def origin(self) -> dict[str, str]:
        """Return the fingerprints of the task's images and of its sensor's YAML file; none where they are simulated."""
        data = self.task.folders or self.task.given
        if data is None:
            return {}
        sensor = [Path(data.modality)] if is_sensor_file(data.modality) else []
        return origin([*paths_of(data).values(), *sensor], self.data)

    def check_origin(self, now: Mapping[str, str]) -> None:
        """Refuse to go on with what was made from other images, or read by another description of the sensor.

        Raises:
            ConfigError: something in the cache was.
        """
        for record in self._records(now):
            check_origin(record, now, self.data)

    def keep_origin(self, now: Mapping[str, str]) -> None:
        """Note beside what is made of the images which ones they are."""
        for record, part in self._records(now).items():
            keep_origin(record, part)

    def _records(self, now: Mapping[str, str]) -> dict[Path, Mapping[str, str]]:
        """Return what is to be noted where; tasks whose data are given may share a source model and nothing else."""
        records = {self.target_data.with_suffix(".data"): now}
        given = self.task.given
        if given:
            own = {str(path) for path in (given.source, given.source_test)}
            part = {path: value for path, value in now.items() if path in own}
            models = (self.source_model(number) for number in range(self.task.sources))
            records.update({model.with_suffix(".data"): part for model in models})
        return records if now else {}

    def _folder(self, kind: str, content: object) -> Path:
        text = json.dumps([_VERSION, kind, content, self.seed], sort_keys=True, default=str)
        return self.cache / f"{kind}-{fingerprint(text)}"


def is_prepared(folders: TaskFolders) -> bool:
    """Return whether nothing is left to do."""
    wanted = [] if folders.given else [folders.source_data, folders.target_data]
    models = [folders.source_model(number) / "summary.json" for number in range(folders.task.sources)]
    return all(path.exists() for path in (*wanted, *models))


DataT = TypeVar("DataT", FolderData, GivenData)


def placed(data: DataT, start: Path) -> DataT:
    """Return the data with paths that begin at the data folder."""
    return data.model_copy(update={name: start / path for name, path in paths_of(data).items()})


def paths_of(data: FolderData | GivenData) -> dict[str, Path]:
    """Return what of a task's data are paths."""
    return {name: value for name in type(data).model_fields if isinstance(value := getattr(data, name), Path)}


def _placed_modality(modality: str, start: Path) -> str:
    return str(start / modality) if is_sensor_file(modality) else modality
