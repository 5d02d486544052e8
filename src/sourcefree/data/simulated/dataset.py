"""Writes a simulated RGB-D set as plain folders: labelled source, unlabelled target, other objects' pairs."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import yaml

from sourcefree import __version__
from sourcefree.data.progress import CountProgress
from sourcefree.data.simulated.frames import FrameSettings, render_frames
from sourcefree.data.simulated.plan import plan
from sourcefree.data.simulated.registry import chosen_families, pair_families
from sourcefree.errors import ConfigError
from sourcefree.files import check_output, whole_folder

_FORMAT = 1
"""Raised whenever the same seed gives other images than before."""


@dataclass(frozen=True)
class SimulationSummary:
    """What `simulate` wrote.

    Attributes:
        out: its folder.
        counts: frames of each split.
        classes: the task's labels.
        families: the families that the pairs show.
        seconds: it took.
    """

    out: Path
    counts: dict[str, int]
    classes: list[str]
    families: list[str]
    seconds: float


def simulate(
    *,
    out: Path,
    task_set: str = "a",
    classes: Sequence[str] | None = None,
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
    progress: CountProgress | None = None,
) -> SimulationSummary:
    """Return a summary after writing a simulated RGB-D set to the new folder `out`.

    Layout: `source/train/<class>`, `source/test/<class>` (RGB), `target/train` (16-bit depth, flat),
    `target/test/<class>` (depth, for evaluation), `pairs/rgb/<family>` and `pairs/depth/<family>` (pixel-aligned views of
    task-irrelevant objects), `simulation.yaml`. Every frame shows another object instance in another scene. Depth is in
    millimetres, 0 = missing. The images depend on the seed and sizes alone, not on the number of workers.

    Args:
        out: folder to create; it must not exist or be empty.
        task_set: which classes: "a", "b" (no class in common) or "all".
        classes: those of the task set that are rendered; default: all.
        size: image width and height, pixels.
        source_train: labelled RGB images to train the source model on.
        source_test: labelled RGB images to test it on.
        target_train: unlabelled depth images to adapt to.
        target_test: labelled depth images to evaluate on.
        pairs: RGB and depth pairs of the other families.
        seed: fixes everything.
        depth_noise: multiple of a structured-light sensor's range noise; 0 = exact depth.
        holes: multiple of such a sensor's missing pixels; 0 = none.
        both_sensors: also write the target frames in colour, under `target_rgb/`, for studies.
        pairs_of: what the pairs show: "irrelevant", "assemblies", "other-task" or "task" (for studies).
        labelled_target: put `target/train` into class folders too, for a study's oracle.
        workers: processes; None = one a core. More than one starts fresh interpreters, so a script that calls this needs
            the usual `if __name__ == "__main__":`.
        progress: called as `progress(frames done, frames in all)`.

    Raises:
        ConfigError: an argument is out of range, or `out` is not empty or cannot be written to.
        DataError: an image cannot be written.
    """
    started = time.perf_counter()
    settings = FrameSettings(size, seed, depth_noise, holes)
    sizes = {
        "source_train": source_train,
        "source_test": source_test,
        "target_train": target_train,
        "target_test": target_test,
        "pairs": pairs,
    }
    _check(settings, sizes, workers)
    jobs = plan(
        sizes,
        task_set=task_set,
        seed=seed,
        both_sensors=both_sensors,
        pairs_of=pairs_of,
        labelled_target=labelled_target,
        task_classes=classes,
    )
    labels = chosen_families(task_set, classes)
    shown = pair_families(pairs_of, task_set)
    out = Path(out)
    check_output(out, resume=None)
    with whole_folder(out) as folder:
        for place in sorted({str(Path(p).parent) for j in jobs for p in (j.rgb, j.depth) if p}):
            (folder / place).mkdir(parents=True, exist_ok=True)
        render_frames(jobs, folder, settings, workers or os.cpu_count() or 1, progress)
        record = {"format": _FORMAT, "sourcefree": __version__, "task_set": task_set, **asdict(settings)}
        record |= {"both_sensors": both_sensors, "pairs_of": pairs_of, "counts": sizes}
        record |= {"depth_unit": "millimetres, 0 = missing", "classes": labels, "families": shown}
        (folder / "simulation.yaml").write_text(yaml.safe_dump(record, sort_keys=False), encoding="utf-8")
    seconds = time.perf_counter() - started
    return SimulationSummary(out, sizes, labels, shown, seconds)


def _check(settings: FrameSettings, sizes: dict[str, int], workers: int | None) -> None:
    if not 16 <= settings.size <= 1024:
        raise ConfigError(f"size: expected 16 to 1024 pixels, found {settings.size}")
    if settings.seed < 0:
        raise ConfigError(f"seed: expected a number of at least 0, found {settings.seed}")
    for name, value in (("depth_noise", settings.depth_noise), ("holes", settings.holes)):
        if not (math.isfinite(value) and 0 <= value <= 10):
            raise ConfigError(f"{name}: expected 0 (off) to 10, found {value}", hint="1 is a usual sensor")
    for name, count in sizes.items():
        if not 0 <= count <= 99_999:
            raise ConfigError(f"{name}: expected 0 to 99999 frames, found {count}")
    if not any(sizes.values()):
        raise ConfigError("every split has 0 frames: nothing to simulate", hint="give at least one split a size")
    if workers is not None and workers < 1:
        raise ConfigError(f"workers: expected at least 1, found {workers}", hint="leave it out for one a core")
