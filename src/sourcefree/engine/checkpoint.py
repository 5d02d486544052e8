"""Training state on disk: written whole or not at all, read as plain tensors only."""

from __future__ import annotations

import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from sourcefree.errors import CheckpointError
from sourcefree.files import unwritable, whole_file


@dataclass(frozen=True)
class TrainingState:
    """What is needed to go on after an epoch. Random numbers are drawn from (seed, stage, epoch) and need no state.

    Attributes:
        epoch: number of epochs done.
        weights: trained tensors of the method.
        optimiser: the optimiser's state_dict.
        seconds: time spent on the stage so far.
    """

    epoch: int
    weights: dict[str, Tensor]
    optimiser: dict[str, Any]
    seconds: float


class CheckpointFile:
    """The latest training state of one stage.

    Args:
        path: file to write; its folder is made.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def save(self, state: TrainingState) -> None:
        """Write the state in place of the one before; a kill at any moment leaves one of the two whole.

        Raises:
            DataError: it cannot be written, as on a full disk.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(self.path) as temporary:
            try:
                torch.save(vars(state), temporary)
            except RuntimeError as error:
                raise unwritable(self.path, error) from error

    def load(self) -> TrainingState | None:
        """Return the state, or None if nothing was written yet.

        Raises:
            CheckpointError: the file cannot be read, or is damaged.
        """
        if not self.path.is_file():
            return None
        try:
            _check_sums(self.path)
            content = torch.load(self.path, map_location="cpu", weights_only=True)
            return TrainingState(**content)
        # Bytes that are no checkpoint make torch's reader raise about anything: ten kinds of error were seen.
        except Exception as error:
            raise CheckpointError(
                f"{self.path}: damaged, or no checkpoint of this version ({type(error).__name__})",
                hint="delete it to train this stage again, then use --resume",
            ) from error


def _check_sums(path: Path) -> None:
    """Refuse a file with damaged content: torch does not look at the checksums it writes, and would give other weights."""
    with zipfile.ZipFile(path) as archive:
        damaged = archive.testzip()
    if damaged is not None:
        raise ValueError(f"{damaged} does not fit its checksum")
