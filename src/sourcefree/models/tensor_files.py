"""Weights as a safetensors file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from sourcefree.files import unwritable, whole_file


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Write tensors by name; the file appears complete or not at all.

    Raises:
        DataError: it cannot be written, as on a full disk.
    """
    with whole_file(path) as temporary:
        try:
            save_file(dict(tensors), temporary, metadata={"format": "pt"})
        except SafetensorError as error:
            raise unwritable(path, error) from error
