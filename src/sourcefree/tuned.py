"""The folder of a tuning is no run, though it holds one."""

from __future__ import annotations

import json
from pathlib import Path

from sourcefree.errors import CheckpointError


def refuse_tuning(folder: Path) -> None:
    """Refuse the folder of a tuning where a run or a model is expected; any other folder is left to who reads it.

    Raises:
        CheckpointError: it is one; says where its run is.
    """
    try:
        info = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return
    if not isinstance(info, dict) or info.get("command") != "tune":
        return
    best = folder / "best"
    hint = f"give {best}, the run of its best trial"
    if not best.is_dir():
        hint = "it has no best trial yet: go on with the same sourcefree tune command"
    raise CheckpointError(f"{folder}: expected a run, found a tuning of several", hint=hint)
