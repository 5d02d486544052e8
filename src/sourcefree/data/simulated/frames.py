"""Renders the frames of a plan into a folder, in this process or in several."""

from __future__ import annotations

import multiprocessing
import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sourcefree.data.progress import CountProgress
from sourcefree.data.simulated.plan import Job, split_key
from sourcefree.data.simulated.registry import families
from sourcefree.data.simulated.render import render
from sourcefree.data.simulated.scene import random_scene
from sourcefree.data.simulated.sensor import sense_depth
from sourcefree.errors import DataError, SourcefreeError

_CHUNK = 16


@dataclass(frozen=True)
class FrameSettings:
    """What a frame depends on besides its place in the plan.

    Attributes:
        size: width and height, pixels.
        seed: fixes everything.
        depth_noise: multiple of a structured-light sensor's range noise.
        holes: multiple of its missing pixels.
    """

    size: int
    seed: int
    depth_noise: float
    holes: float


def render_frames(
    jobs: list[Job],
    folder: Path,
    settings: FrameSettings,
    workers: int,
    progress: CountProgress | None,
) -> None:
    """Render all jobs; `progress` is told the frames done and the frames in all.

    Raises:
        DataError: a file cannot be written.
        SourcefreeError: a process was ended from outside.
    """
    done, total = 0, len(jobs)
    for finished in _work(jobs, folder, settings, workers):
        done += finished
        if progress is not None:
            progress(done, total)


def _work(jobs: list[Job], folder: Path, settings: FrameSettings, workers: int) -> Iterator[int]:
    """Render in this process or in several; yield how many more frames are done."""
    chunks = [jobs[i : i + _CHUNK] for i in range(0, len(jobs), _CHUNK)]
    if min(workers, len(chunks)) <= 1:
        for chunk in chunks:
            yield _render_jobs(chunk, folder, settings)
        return
    # Forking a process that runs torch's threads can hang: start fresh interpreters.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        min(workers, len(chunks)), mp_context=context, initializer=_leave_interrupts_to_the_parent
    ) as pool:
        futures = [pool.submit(_render_jobs, chunk, folder, settings) for chunk in chunks]
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


def _render_jobs(jobs: list[Job], folder: Path, settings: FrameSettings) -> int:
    """Return the number of frames after rendering `jobs` into `folder` (what one worker process runs)."""
    known = families()
    for job in jobs:
        rng = np.random.default_rng([settings.seed, split_key(job.split), job.index])
        scene = random_scene(known[job.family], rng)
        frame = render(scene, settings.size, colour=job.rgb is not None)
        if job.rgb is not None and frame.rgb is not None:
            _save(frame.rgb, folder / f"{job.rgb}.png")
        if job.depth is not None:
            depth = sense_depth(frame, rng, noise=settings.depth_noise, holes=settings.holes)
            _save(depth, folder / f"{job.depth}.png")
    return len(jobs)


def _save(pixels: NDArray[np.uint8] | NDArray[np.uint16], path: Path) -> None:
    try:
        Image.fromarray(pixels).save(path, compress_level=3)
    except OSError as error:
        raise DataError(f"{path}: cannot be written: {error}", hint="is the disk full?") from error
