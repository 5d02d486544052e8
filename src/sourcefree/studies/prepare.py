"""From a task to what its cells need on disk: folders of images and trained source models, made once and kept."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from sourcefree.commands.train_source import train_source
from sourcefree.config import TrainSettings
from sourcefree.data.folders import find_labelled_images
from sourcefree.data.simulated import simulate
from sourcefree.fingerprint import fingerprint
from sourcefree.seeds import stream_seed
from sourcefree.studies.linking import link, link_folders
from sourcefree.studies.renderings import RENDERINGS, render_folder, replace_by_noise
from sourcefree.studies.task_folders import TaskFolders, placed
from sourcefree.studies.tasks import SimulatedData

# What a rendering makes of which images.
_FROM_RGB = {"target_rgb/train": "target/train", "target_rgb/test": "target/test", "pairs/rgb": "pairs/depth"}


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
        data = placed(task.folders, folders.data)
        _once(folders.target_data, lambda out: link_folders(data, seed=folders.seed, out=out))
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
        classes=data.classes,
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
        classes=data.classes,
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
        for rgb, part in _FROM_RGB.items():
            shutil.rmtree(out / part)
            render_folder(out / rgb, out / part, rendering=data.rendering, seed=seed)
        shutil.rmtree(out / "target_rgb")
    if data.rendering == "noise":
        for part in ("train", "test"):
            replace_by_noise(out / "target" / part, seed=seed)
    (out / "pairs" / "rgb").rename(out / "pairs" / "source")
    (out / "pairs" / "depth").rename(out / "pairs" / "target")


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
    name = fingerprint(f"{images} {seed}")
    folder = cache / f"part-{number}-of-{parts}-{name}"

    def make(out: Path) -> None:
        found = find_labelled_images(images)
        for label in range(len(found.labels)):
            files = [file for file, index in zip(found.files, found.class_index, strict=True) if index == label]
            order = np.random.default_rng(stream_seed(seed, "parts", label)).permutation(len(files))
            for position in order[number::parts]:
                link(files[position], out)

    _once(folder, make)
    return folder
