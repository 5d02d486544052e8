"""What a run must have in common with the one it goes on with, to end at the same weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sourcefree.data.modality import Modality
from sourcefree.engine.run_folder import read_json
from sourcefree.errors import CheckpointError
from sourcefree.fingerprint import fingerprint

_ARITHMETIC = ("device", "precision", "processes", "torch")


def place(path: Path | str | None) -> str | None:
    """Return where a file or folder is, for a configuration that must hold in whatever folder the command is given."""
    return None if path is None else str(Path(path).resolve())


def image_facts(names: Sequence[str], modality: Modality) -> dict[str, Any]:
    """Return what tells images from others, for the configuration that a resumed run must repeat.

    Args:
        names: of the readable images.
        modality: their sensor, with statistics.
    """
    return {
        "images": len(names),
        "names": fingerprint("\n".join(names)),
        "mean": modality.mean,
        "std": modality.std,
    }


def is_complete(out: Path) -> bool:
    """Return whether the run in a folder came to its end."""
    try:
        return bool(read_json(out / "run.json").get("status") == "complete")
    except CheckpointError:
        return False  # stopped before it was written


def other_arithmetic(out: Path, environment: Mapping[str, Any]) -> str | None:
    """Return a sentence for the user where a run was begun with another device, precision, number of processes or torch.

    That is allowed, since a run may have to move; but numbers are rounded otherwise there.

    Args:
        out: the run folder.
        environment: :meth:`sourcefree.engine.runtime.Runtime.describe` of this process.
    """
    try:
        before = read_json(out / "run.json").get("environment", {})
    except CheckpointError:
        return None  # stopped before it was written, so nothing was trained
    changed = [name for name in _ARITHMETIC if name in before and before[name] != environment[name]]
    if not changed:
        return None
    shown = ", ".join(f"{name} {before[name]} then and {environment[name]} now" for name in changed)
    return f"{out}: the run goes on with other arithmetic ({shown}): it will not end at the weights of an unbroken run."
