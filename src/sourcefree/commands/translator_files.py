"""A trained translator on disk."""

from __future__ import annotations

import json
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from sourcefree.data.modality import Modality
from sourcefree.errors import CheckpointError
from sourcefree.files import write_text
from sourcefree.models.tensor_files import write_tensors
from sourcefree.models.translators import create_translator


def save_translator(folder: Path, translator: nn.Module, *, name: str, source_modality: Modality) -> None:
    """Write ``weights.safetensors`` and ``translator.json``."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {key: value.detach().cpu().contiguous() for key, value in translator.state_dict().items()}
    write_tensors(folder / "weights.safetensors", tensors)
    description = {"name": name, "source_modality": source_modality.to_dict()}
    write_text(folder / "translator.json", json.dumps(description, indent=1))


def load_translator(folder: Path, *, in_channels: int) -> tuple[nn.Module, Modality]:
    """Return the translator and the source sensor whose standardised images it makes.

    Raises:
        CheckpointError: there is no whole translator in the folder.
    """
    if not (folder / "translator.json").is_file():
        raise CheckpointError(
            f"{folder}: no translator found",
            hint="give the run folder of an adapt run whose method trains one (tgmb-tgkt)",
        )
    try:
        description = json.loads((folder / "translator.json").read_text(encoding="utf-8"))
        sensor = Modality(**description["source_modality"])
        translator = create_translator(description["name"], in_channels=in_channels, out_channels=sensor.bands)
        translator.load_state_dict(load_file(folder / "weights.safetensors"))
        return translator.eval(), sensor
    except (OSError, SafetensorError, RuntimeError, KeyError, TypeError, ValueError) as error:
        raise CheckpointError(f"{folder}: the translator cannot be loaded: {type(error).__name__}") from error
