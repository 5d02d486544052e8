"""Writes a simulated RGB-D set as plain folders: labelled source, unlabelled target, other objects' pairs."""

from __future__ import annotations

import math
import multiprocessing
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray
from PIL import Image

from sourcefree import __version__
from sourcefree.data.simulated.plan import Job, plan, split_key
from sourcefree.data.simulated.registry import families, pair_families, task_families
from sourcefree.data.simulated.render import render
from sourcefree.data.simulated.scene import random_scene
from sourcefree.data.simulated.sensor import sense_depth
from sourcefree.errors import ConfigError, DataError, SourcefreeError

_CHUNK = 16
_FORMAT = 1
"""Raised whenever the same seed gives other images than before."""


@dataclass(frozen=True)
class SimulationSummary:
    """What `simulate` wrote.

    counts: frames of each split. classes: the task's labels. families: the task-irrelevant families of the
    pairs.
    """

    out: Path
    counts: dict[str, int]
    classes: list[str]
    families: list[str]
    seconds: float


@dataclass(frozen=True)
class _Options:
    """What a worker needs besides the job itself."""

    size: int
    seed: int
    depth_noise: float
    holes: float


def simulate(
    *,
    out: Path,
    task_set: str = "a",
    size: int = 96,
    source_train: int = 1000,
    source_test: int = 200,
    target_train: int = 1000,
    target_test: int = 500,
    pairs: int = 2000,
    seed: int = 0,
    depth_noise: float = 1.0,
    holes: float = 1.0,
    both_sensors: bool = False,
    pairs_of: str = "irrelevant",
    labelled_target: bool = False,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> SimulationSummary:
    """Return a summary after writing a simulated RGB-D set to the new folder `out`.

    Layout: `source/train/<class>`, `source/test/<class>` (RGB), `target/train` (16-bit depth, flat),
    `target/test/<class>` (depth, for evaluation), `pairs/rgb/<family>` and `pairs/depth/<family>`
    (pixel-aligned views
    of task-irrelevant objects), `simulation.yaml`. Every frame shows another object instance in another
    scene.
    Depth is in millimetres, 0 = missing. The images depend on the seed and sizes alone, not on the number
    of workers.

    Args:
        out: folder to create; it must not exist or be empty.
        task_set: which classes: "a", "b" (no class in common) or "all".
        size: image width and height, pixels.
        source_train: labelled RGB images to train the source model on; `source_test` likewise to test it.
        source_test: see `source_train`.
        target_train: unlabelled depth images to adapt to.
        target_test: labelled depth images to evaluate on.
        pairs: RGB and depth pairs of the other families.
        seed: fixes everything.
        depth_noise: multiple of a structured-light sensor's range noise; 0 = exact depth.
        holes: multiple of such a sensor's missing pixels; 0 = none.
        both_sensors: also write the target frames in colour, under `target_rgb/`, for studies.
        pairs_of: what the pairs show: "irrelevant", "assemblies", "other-task" or "task" (for studies).
        labelled_target: put `target/train` into class folders too, for a study's oracle.
        workers: processes; None = one a core. More than one starts fresh interpreters, so a script that
        calls this
            needs the usual `if __name__ == "__main__":`.
        progress: called as `progress(frames done, frames in all)`.

    Raises:
        ConfigError: an argument is out of range.
        DataError: `out` exists and is not empty.
    """
    started = time.perf_counter()
    options = _Options(size, seed, depth_noise, holes)
    sizes = {
        "source_train": source_train,
        "source_test": source_test,
        "target_train": target_train,
        "target_test": target_test,
        "pairs": pairs,
    }
    _check(options, sizes, workers)
    jobs = plan(
        sizes,
        task_set=task_set,
        seed=seed,
        both_sensors=both_sensors,
        pairs_of=pairs_of,
        labelled_target=labelled_target,
    )
    shown = pair_families(pairs_of, task_set)
    out = Path(out)
    with _fresh_folder(out) as folder:
        for place in sorted({str(Path(p).parent) for j in jobs for p in (j.rgb, j.depth) if p}):
            (folder / place).mkdir(parents=True, exist_ok=True)
        _render_all(jobs, folder, options, workers or os.cpu_count() or 1, progress)
        record = {"format": _FORMAT, "sourcefree": __version__, "task_set": task_set, **asdict(options)}
        record |= {"both_sensors": both_sensors, "pairs_of": pairs_of, "counts": sizes}
        record |= {"depth_unit": "millimetres, 0 = missing", "classes": task_families(task_set), "families": shown}
        (folder / "simulation.yaml").write_text(yaml.safe_dump(record, sort_keys=False), encoding="utf-8")
    seconds = time.perf_counter() - started
    return SimulationSummary(out, sizes, task_families(task_set), shown, seconds)


def _check(options: _Options, sizes: dict[str, int], workers: int | None) -> None:
    if not 16 <= options.size <= 1024:
        raise ConfigError(f"size: expected 16 to 1024 pixels, found {options.size}")
    if options.seed < 0:
        raise ConfigError(f"seed: expected a number of at least 0, found {options.seed}")
    for name, value in (("depth_noise", options.depth_noise), ("holes", options.holes)):
        if not (math.isfinite(value) and 0 <= value <= 10):
            raise ConfigError(f"{name}: expected 0 (off) to 10, found {value}", hint="1 is a usual sensor")
    for name, count in sizes.items():
        if not 0 <= count <= 99_999:
            raise ConfigError(f"{name}: expected 0 to 99999 frames, found {count}")
    if not any(sizes.values()):
        raise ConfigError("every split has 0 frames: nothing to simulate", hint="give at least one split a size")
    if workers is not None and workers < 1:
        raise ConfigError(f"workers: expected at least 1, found {workers}", hint="leave it out for one a core")


class _fresh_folder:  # noqa: N801 - used like the functions of contextlib
    """A temporary sibling of `out` that takes its place when the block ends well and is removed otherwise."""

    def __init__(self, out: Path) -> None:
        if out.exists() and (not out.is_dir() or any(out.iterdir())):
            raise DataError(
                f"{out}: expected a new or empty folder, found one that holds files",
                hint="choose another --out, or remove that one first; nothing was changed",
            )
        self.out = out

    def __enter__(self) -> Path:
        try:
            self.out.parent.mkdir(parents=True, exist_ok=True)
            name = tempfile.mkdtemp(prefix=f".{self.out.name}.partial-", dir=self.out.parent)
        except OSError as error:
            raise DataError(f"{self.out}: cannot be created: {error}") from error
        self.temporary = Path(name)
        self.temporary.chmod(0o755)
        return self.temporary

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            if self.out.exists():
                self.out.rmdir()
            self.temporary.replace(self.out)
        else:
            shutil.rmtree(self.temporary, ignore_errors=True)


def _render_all(
    jobs: list[Job],
    folder: Path,
    options: _Options,
    workers: int,
    progress: Callable[[int, int], None] | None,
) -> None:
    done, total = 0, len(jobs)
    for finished in _work(jobs, folder, options, workers):
        done += finished
        if progress is not None:
            progress(done, total)


def _work(jobs: list[Job], folder: Path, options: _Options, workers: int) -> Iterator[int]:
    """Render in this process or in several; yield how many more frames are done."""
    chunks = [jobs[i : i + _CHUNK] for i in range(0, len(jobs), _CHUNK)]
    if min(workers, len(chunks)) <= 1:
        for chunk in chunks:
            yield render_jobs(chunk, folder, options)
        return
    # Forking a process that runs torch's threads can hang: start fresh interpreters.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        min(workers, len(chunks)), mp_context=context, initializer=_leave_interrupts_to_the_parent
    ) as pool:
        futures = [pool.submit(render_jobs, chunk, folder, options) for chunk in chunks]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool as error:
            hint = "most likely memory ran out: use fewer workers"
            raise SourcefreeError("a rendering process was ended from outside", hint=hint) from error
        except BaseException:
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _leave_interrupts_to_the_parent() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def render_jobs(jobs: list[Job], folder: Path, options: _Options) -> int:
    """Return the number of frames after rendering `jobs` into `folder` (what one worker process runs)."""
    known = families()
    for job in jobs:
        rng = np.random.default_rng([options.seed, split_key(job.split), job.index])
        scene = random_scene(known[job.family], rng)
        frame = render(scene, options.size, colour=job.rgb is not None)
        if job.rgb is not None and frame.rgb is not None:
            _save(frame.rgb, folder / f"{job.rgb}.png")
        if job.depth is not None:
            depth = sense_depth(frame, rng, noise=options.depth_noise, holes=options.holes)
            _save(depth, folder / f"{job.depth}.png")
    return len(jobs)


def _save(pixels: NDArray[np.uint8] | NDArray[np.uint16], path: Path) -> None:
    try:
        Image.fromarray(pixels).save(path, compress_level=3)
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error}", hint="is the disk full?") from error
