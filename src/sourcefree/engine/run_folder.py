"""One folder per run: what was asked, what happened, what came out."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import yaml

from sourcefree import __version__
from sourcefree.errors import CheckpointError, ConfigError
from sourcefree.files import write_text
from sourcefree.lock import locked

# Settings of how a run is done: errors advise to change them, and where numbers come out otherwise the user is told.
_FREE = ("allow_collapse", "device", "max_unreadable", "precision")
_DAMAGED = "the file is damaged: put a copy of it back if there is one, or start anew in another folder"


@dataclass(frozen=True)
class RunFolder:
    """A run folder. Made by :func:`open_run`.

    Attributes:
        path: the folder.
        active: False in processes that must not write.
    """

    path: Path
    active: bool = True

    def write_json(self, name: str, content: Mapping[str, Any] | list[Any]) -> None:
        """Write a JSON file whole or not at all."""
        self.write_text(name, json.dumps(content, indent=1))

    def write_text(self, name: str, text: str) -> None:
        """Write a text file whole or not at all."""
        if self.active:
            write_text(self.path / name, text)

    def write_yaml(self, name: str, content: Mapping[str, Any]) -> None:
        """Write a YAML file whole or not at all; what YAML does not know, such as a path, becomes text."""
        self.write_text(name, yaml.safe_dump(_plain(content), sort_keys=False))

    @contextmanager
    def recording(self, info: Mapping[str, Any]) -> Iterator[None]:
        """Keep ``run.json``: running inside the context, then complete, interrupted or failed.

        Raises:
            ConfigError: another process writes to the folder.
        """
        with locked(self.path) if self.active else nullcontext():
            yield from self._recorded(info)

    def _recorded(self, info: Mapping[str, Any]) -> Iterator[None]:
        now = datetime.now(timezone.utc).isoformat(timespec="seconds")
        before = recorded_run(self.path)
        base = {
            "sourcefree": __version__,
            "created": before.get("created", now),
            "command_line": " ".join(sys.argv),
            **info,
        }
        self.write_json("run.json", {**base, "status": "running"})
        try:
            yield
        except KeyboardInterrupt:
            self.write_json("run.json", {**base, "status": "interrupted"})
            raise
        except Exception as error:
            self.write_json("run.json", {**base, "status": "failed", "error": str(error)})
            raise
        self.write_json("run.json", {**base, "status": "complete"})


def open_run(out: Path, *, config: Mapping[str, Any], resume: bool, active: bool = True) -> RunFolder:
    """Return the run folder with its ``config.yaml``; call :func:`sourcefree.files.check_output` first.

    Raises:
        ConfigError: another process runs in the folder, or another run was begun there since it was looked at; or ``resume``
            is on and the run was started with another configuration.
        CheckpointError: ``resume`` is on and its configuration cannot be read.
    """
    if resume:
        with locked(out) if active else nullcontext():
            return _reopened(RunFolder(out, active), config)
    if active:
        with locked(out):
            if (out / "config.yaml").exists():
                raise ConfigError(f"{out}: another run was begun here in the meantime", hint="choose another --out")
            # First of all: a run that is stopped before has left nothing that would have to be resumed.
            RunFolder(out).write_yaml("config.yaml", config)
            (out / "checkpoints").mkdir(exist_ok=True)
    return RunFolder(out, active)


def read_json(path: Path) -> Any:
    """Return the content of a JSON file of a run.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    text = _read_text(path)
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        raise CheckpointError(f"{path}: not valid JSON ({error})", hint=_DAMAGED) from error


def read_summary(run: Path) -> dict[str, Any]:
    """Return the ``summary.json`` of a finished run: its models under ``candidates``, and the name of the delivered one.

    Raises:
        CheckpointError: the file is missing or damaged.
    """
    path = run / "summary.json"
    content = read_json(path)
    candidates = content.get("candidates") if isinstance(content, dict) else None
    named = isinstance(candidates, list) and all(isinstance(one, dict) and "name" in one for one in candidates)
    if not named or "delivered" not in content or not isinstance(content.get("counts"), dict):
        raise CheckpointError(f"{path}: not the summary of a run", hint=_DAMAGED)
    return dict(content)


def recorded_run(path: Path) -> dict[str, Any]:
    """Return the ``run.json`` of a run that was begun in a folder; nothing where it was stopped before that was written."""
    try:
        content = read_json(path / "run.json")
    except CheckpointError:
        return {}
    return content if isinstance(content, dict) else {}


def _reopened(folder: RunFolder, config: Mapping[str, Any]) -> RunFolder:
    """Return the folder of a run that is gone on with, its free settings as they are now."""
    stored = check_same(
        folder.path / "config.yaml",
        config,
        what="--resume",
        hint="give the same settings, or start a new run in another folder",
        free=[f"settings.{name}" for name in _FREE],
    )
    before, now = stored.get("settings", {}), config.get("settings", {})
    settings = {**before, **{name: now[name] for name in _FREE if name in now}}
    if settings != before:
        folder.write_yaml("config.yaml", {**stored, "settings": settings})
    return folder


def check_same(
    file: Path, config: Mapping[str, Any], *, what: str, hint: str, free: Sequence[str] = ()
) -> dict[str, Any]:
    """Return the configuration that a folder was begun with, if the one given now is the same.

    What was recorded of the data (``data``) is compared where both have it: earlier versions recorded less.
    Numbers count as the same up to a millionth: what was measured on images differs in its last digits on another CPU.

    Args:
        file: the stored configuration, YAML.
        config: the one given now.
        what: the user is doing, for the message.
        hint: what to do where they differ.
        free: dotted names that may differ.

    Raises:
        ConfigError: they differ; names the first differences.
        CheckpointError: the stored one cannot be read.
    """
    stored = read_config(file)
    before, now = dict(_flat(stored)), dict(_flat(_plain(config)))
    one_sided = {name for name in before.keys() ^ now.keys() if name.startswith("data.")}
    compared = sorted({*before, *now} - {*free} - one_sided)
    changed = [name for name in compared if not _alike(before.get(name), now.get(name))]
    # Where another folder is named, that its images are others goes without saying.
    given = [name for name in changed if not name.startswith("data.")] or changed
    if given:
        shown = "; ".join(_difference(name, before.get(name), now.get(name)) for name in given[:5])
        raise ConfigError(f"{file}: {what} with other settings than the run was started with: {shown}", hint=hint)
    return stored


def _difference(name: str, before: Any, now: Any) -> str:
    fingerprints = name.startswith("data.") and isinstance(before, str) and isinstance(now, str)
    if fingerprints:  # of no use to a reader
        return f"{name} are not those of then"
    return f"{name}: was {before!r}, is {now!r}"


def read_config(file: Path) -> dict[str, Any]:
    """Return the configuration in a YAML file.

    Raises:
        CheckpointError: there is none that can be read.
    """
    text = _read_text(file)
    try:
        stored = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError) as error:  # ValueError: of a date that is none
        raise CheckpointError(f"{file}: not valid YAML ({' '.join(str(error).split())})", hint=_DAMAGED) from error
    if not isinstance(stored, dict):
        raise CheckpointError(
            f"{file}: expected names and values, found {type(stored).__name__}: not the configuration of a run",
            hint=_DAMAGED,
        )
    return stored


def _alike(one: Any, other: Any) -> bool:
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_alike, one, other))
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-6, abs_tol=1e-9)  # a mean may be next to 0
    return bool(one == other)


def _read_text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read ({error.strerror or error})") from error
    except UnicodeDecodeError as error:
        raise CheckpointError(f"{path}: expected text in UTF-8, found other bytes ({error})", hint=_DAMAGED) from error


def _plain(config: Mapping[str, Any]) -> Any:
    return json.loads(json.dumps(config, default=str))


def _flat(content: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    if isinstance(content, Mapping) and content:
        for name, value in content.items():
            yield from _flat(value, f"{prefix}{name}.")
    else:
        yield prefix.rstrip("."), content
