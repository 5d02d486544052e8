"""Which images and sensor files results were made from: kept beside them, since a key knows a path and not what lies there."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

from sourcefree.data.folders import find_images
from sourcefree.data.modality import YAML_SUFFIXES
from sourcefree.engine.run_folder import read_json
from sourcefree.errors import ConfigError, DataError
from sourcefree.files import write_text
from sourcefree.fingerprint import fingerprint


def origin(paths: Iterable[Path], start: Path) -> dict[str, str]:
    """Return the fingerprint of each folder, manifest or sensor file, by its path as the task says it.

    What cannot be read is left out: preparing it says why.

    Args:
        paths: of a task.
        start: folder that they begin at.
    """
    found = {}
    for path in paths:
        try:
            found[str(path)] = _fingerprint(start / path)
        except (DataError, OSError):
            continue
    return found


def check_origin(record: Path, now: Mapping[str, str], start: Path) -> None:
    """Refuse what was made from other files than those that are there now; without a record, there is nothing to say.

    Raises:
        ConfigError: it was.
    """
    if not record.is_file():
        return
    for path, before in read_json(record).items():
        if now.get(path, before) != before:
            other = "with another sensor than that" if is_sensor_file(path) else "from other images than those"
            raise ConfigError(
                f"{record.with_suffix('')}: was made {other} in {start / path}",
                hint="give the --data that it was made from, or choose another --out and --cache",
            )


def keep_origin(record: Path, now: Mapping[str, str]) -> None:
    """Add fingerprints to a record; those that it has stay."""
    before = read_json(record) if record.is_file() else {}
    if not set(now) <= set(before):
        write_text(record, json.dumps({**now, **before}, indent=1))


def is_sensor_file(modality: str) -> bool:
    """Return whether a task's modality is a YAML file of its own, and no name."""
    return Path(modality).suffix.lower() in YAML_SUFFIXES


def _fingerprint(path: Path) -> str:
    """Return a hash of a file's content, or of the names and sizes of a folder's images: reading all would take long."""
    if path.is_file():
        return fingerprint(path.read_bytes())
    return fingerprint(json.dumps([(file.name, file.path.stat().st_size) for file in find_images(path)]))
