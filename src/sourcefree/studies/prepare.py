"""From a task to what its cells need on disk: folders of images and trained source models, made once and kept."""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from sourcefree.commands.train_source import train_source
from sourcefree.config import TrainSettings
from sourcefree.data.folders import ImageFile, find_images, find_labelled_images
from sourcefree.data.simulated import simulate
from sourcefree.engine.sampling import stream_seed
from sourcefree.errors import ConfigError, did_you_mean
from sourcefree.studies.origin import check_origin, keep_origin, origin
from sourcefree.studies.renderings import RENDERINGS, render_folder, replace_by_noise
from sourcefree.studies.splits import scene_of, split_by_scene
from sourcefree.studies.tasks import FolderData, GivenData, SimulatedData, TaskSettings

_VERSION = 1  # raised whenever the same task gives other images or source models than before
_FROM_RGB = {"target_rgb/train": "target/train", "target_rgb/test": "target/test", "pairs/rgb": "pairs/depth"}


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
        return _placed(self.task.given, self.data) if self.task.given else None

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
            fields = ("task_set", "size", "source_train", "source_test")
            return self._folder("source", {name: getattr(simulated, name) for name in fields})
        return self.target_data / "source"

    @property
    def target_data(self) -> Path:
        """``target/train``, ``target/test``, ``pairs/source`` and ``pairs/target``."""
        data = self.task.simulated or self.task.folders or self.task.given
        return self._folder("target", data.model_dump(mode="json") if data else {})

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
        """Return the fingerprints of the task's images; none where they are simulated."""
        data = self.task.folders or self.task.given
        return origin(_paths(data).values(), self.data) if data else {}

    def check_origin(self, now: Mapping[str, str]) -> None:
        """Refuse to go on with what was made from other images.

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
        return self.cache / f"{kind}-{hashlib.blake2b(text.encode(), digest_size=8).hexdigest()}"


def is_prepared(folders: TaskFolders) -> bool:
    """Return whether nothing is left to do."""
    wanted = [] if folders.given else [folders.source_data, folders.target_data]
    models = [folders.source_model(number) / "summary.json" for number in range(folders.task.sources)]
    return all(path.exists() for path in (*wanted, *models))


def prepare(folders: TaskFolders) -> None:
    """Make the images of a task and train its source models, where they are not there yet.

    A folder appears whole or not at all; the training of a source model goes on where it was stopped.

    Raises:
        ConfigError: classes or scenes do not fit, or what is there was made from other images.
        DataError: images cannot be used.
    """
    task, images = folders.task, folders.origin()
    folders.check_origin(images)
    if task.simulated is not None:
        simulated = task.simulated
        _once(folders.source_data, lambda out: _simulate_source(simulated, folders.seed, out))
        _once(folders.target_data, lambda out: _simulate_target(simulated, folders.seed, out))
    elif task.folders is not None:
        placed = _placed(task.folders, folders.data)
        _once(folders.target_data, lambda out: _link_folders(placed, folders.seed, out))
    folders.keep_origin(images)
    for number in range(task.sources):
        _train(folders, number)


def _once(folder: Path, make: Callable[[Path], None]) -> None:
    if folder.exists():
        return
    temporary = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}.part")
    try:
        make(temporary)
        try:
            temporary.rename(folder)
        except OSError:
            if not folder.exists():  # else another process was faster with the same content
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _simulate_source(data: SimulatedData, seed: int, out: Path) -> None:
    simulate(
        out=out,
        task_set=data.task_set,
        size=data.size,
        source_train=data.source_train,
        source_test=data.source_test,
        target_train=0,
        target_test=0,
        pairs=0,
        workers=1,
        seed=seed,
    )
    for part in ("train", "test"):
        (out / "source" / part).rename(out / part)


def _simulate_target(data: SimulatedData, seed: int, out: Path) -> None:
    from_rgb = data.rendering in RENDERINGS
    clean = data.rendering == "depth-clean"
    simulate(
        out=out,
        task_set=data.task_set,
        size=data.size,
        source_train=0,
        source_test=0,
        target_train=data.target_train,
        target_test=data.target_test,
        pairs=data.pairs,
        pairs_of=data.pairs_of,
        depth_noise=0.0 if clean else data.depth_noise,
        holes=0.0 if clean else data.holes,
        both_sensors=from_rgb,
        labelled_target=True,
        workers=1,
        seed=seed,
    )
    if from_rgb:
        for rgb, part in (
            ("target_rgb/train", "target/train"),
            ("target_rgb/test", "target/test"),
            ("pairs/rgb", "pairs/depth"),
        ):
            shutil.rmtree(out / part)
            render_folder(out / rgb, out / part, rendering=data.rendering, seed=seed)
        shutil.rmtree(out / "target_rgb")
    if data.rendering == "noise":
        for part in ("train", "test"):
            replace_by_noise(out / "target" / part, seed=seed)
    (out / "pairs" / "rgb").rename(out / "pairs" / "source")
    (out / "pairs" / "depth").rename(out / "pairs" / "target")


DataT = TypeVar("DataT", FolderData, GivenData)


def _placed(data: DataT, start: Path) -> DataT:
    """Return the data with paths that begin at the data folder."""
    return data.model_copy(update={name: start / path for name, path in _paths(data).items()})


def _paths(data: FolderData | GivenData) -> dict[str, Path]:
    return {name: value for name in type(data).model_fields if isinstance(value := getattr(data, name), Path)}


def _placed_modality(modality: str, start: Path) -> str:
    return str(start / modality) if modality.endswith((".yaml", ".yml")) else modality


def _link_folders(data: FolderData, seed: int, out: Path) -> None:
    """Write the split as links: the images themselves are not copied."""
    names = _class_names(data.source)
    _check_classes(data, names)
    labels = data.classes or tuple(name for name in names if name not in data.irrelevant)
    found = find_labelled_images(data.source, labels=names)
    task = [(file, labels.index(name)) for file, name in _named(found) if name in labels]
    missing = set(labels) - {labels[index] for _, index in task}
    if missing:
        raise ConfigError(f"{data.source}: no images of the classes {', '.join(sorted(missing))}")
    scenes = [scene_of(file.name, data.group) for file, _ in task]
    shares = [data.source_share * 0.9, data.source_share * 0.1, data.target_share]
    shares.append(1 - sum(shares))
    parts = _split(scenes, [index for _, index in task], shares, seed)
    # Pairs may show scenes of the source images, never those of the target images.
    pairs = _pair_files(data, found, {scenes[position] for part in parts[2:] for position in part})
    if not pairs:
        raise ConfigError(
            f"{data.pool_source or data.source}: no pair is left", hint="pairs may not show scenes of the target images"
        )
    targets = {file.stem: file for file in find_images(data.target)}
    places = (("source/train", False), ("source/test", False), ("target/train", True), ("target/test", True))
    for (place, is_target), positions in zip(places, parts, strict=True):
        for position in positions:
            file = task[position][0]
            _link(_partner(targets, file, data.target) if is_target else file, out / place)
    pool = targets if data.pool_target is None else {file.stem: file for file in find_images(data.pool_target)}
    for file in pairs:
        _link(file, out / "pairs" / "source")
        _link(_partner(pool, file, data.pool_target or data.target), out / "pairs" / "target")


def _check_classes(data: FolderData, names: Sequence[str]) -> None:
    """Refuse classes that are no folder or have two parts to play: a wrong name would silently make another task."""
    for what, wanted in (("classes", data.classes), ("irrelevant", data.irrelevant)):
        for name in wanted:
            if name not in names:
                raise ConfigError(f"{data.source}: {what}: no class folder {name!r}", hint=did_you_mean(name, names))
    both = sorted(set(data.classes) & set(data.irrelevant))
    if both:
        raise ConfigError(f"{data.source}: {both[0]!r} is in classes and in irrelevant", hint="leave it in one of them")


def _split(scenes: list[str], class_index: list[int], shares: list[float], seed: int) -> list[Any]:
    """Split off the source test images only where there are enough scenes of every class for it."""
    try:
        return split_by_scene(scenes, class_index, shares=shares, seed=seed)
    except ConfigError:
        joined = [shares[0] + shares[1], *shares[2:]]
        source, target, test = split_by_scene(scenes, class_index, shares=joined, seed=seed)
        order = np.random.default_rng(stream_seed(seed, "source test")).permutation(source)
        kept = len(source) // 10
        return [np.sort(order[kept:]), np.sort(order[:kept]), target, test]


def _named(found: Any) -> list[tuple[ImageFile, str]]:
    return [(file, found.labels[index]) for file, index in zip(found.files, found.class_index, strict=True)]


def _class_names(folder: Path) -> list[str]:
    return sorted({file.name.partition("/")[0] for file in find_images(folder)})


def _pair_files(data: FolderData, found: Any, used: set[str]) -> list[ImageFile]:
    if data.pool_source is not None:
        return [file for file in find_images(data.pool_source) if scene_of(file.name, data.group) not in used]
    return [file for file, name in _named(found) if name in data.irrelevant]


def _partner(targets: Mapping[str, ImageFile], file: ImageFile, folder: Path) -> ImageFile:
    if file.stem not in targets:
        raise ConfigError(
            f"{folder}: no image {file.stem} of the other sensor",
            hint="both folders must hold the same relative names",
        )
    return targets[file.stem]


def _link(file: ImageFile, folder: Path) -> None:
    place = folder / file.name
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(file.path.resolve())


def _train(folders: TaskFolders, number: int) -> None:
    out = folders.source_model(number)
    if (out / "summary.json").is_file():
        return
    task = folders.task
    images, test = folders.source_images
    if task.sources > 1:
        images = _part_of(images, number, task.sources, folders.seed, folders.cache)
    resume = (out / "config.yaml").is_file()
    if not resume:
        shutil.rmtree(out, ignore_errors=True)  # stopped before it began
    train_source(
        images=images,
        test=test,
        out=out,
        settings=TrainSettings(source=task.source, seed=stream_seed(folders.seed, "source", number)),
        resume=resume,
    )


def _part_of(images: Path, number: int, parts: int, seed: int, cache: Path) -> Path:
    """Return a folder of links to one of several disjoint parts, every class spread over all."""
    digest = hashlib.blake2b(f"{images} {seed}".encode(), digest_size=8).hexdigest()
    folder = cache / f"part-{number}-of-{parts}-{digest}"

    def make(out: Path) -> None:
        found = find_labelled_images(images)
        for label in range(len(found.labels)):
            files = [file for file, index in zip(found.files, found.class_index, strict=True) if index == label]
            order = np.random.default_rng(stream_seed(seed, "parts", label)).permutation(len(files))
            for position in order[number::parts]:
                _link(files[position], out)

    _once(folder, make)
    return folder
