"""Networks from a function in the user's own Python file: ``file.py:function``."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from torch import nn

from sourcefree.errors import CheckpointError, did_you_mean


def is_factory(text: str) -> bool:
    """Return whether the text has the form ``file.py:function``."""
    file, colon, function = text.rpartition(":")
    return bool(colon) and file.endswith(".py") and function.isidentifier()


def call_factory(text: str) -> nn.Module:
    """Return the network that ``file.py:function`` returns. The file is run: name only files that you trust.

    Raises:
        CheckpointError: the file or the function is missing, fails, or returns something else.
    """
    file, _, name = text.rpartition(":")
    path = Path(file).resolve()
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file", hint="write file.py:function")
    spec = importlib.util.spec_from_file_location(f"sourcefree_factory_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise CheckpointError(f"{path}: cannot be read as Python")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise CheckpointError(f"{path}: fails when it is run: {type(error).__name__}: {error}") from error
    function = getattr(module, name, None)
    if not callable(function):
        known = [key for key, value in vars(module).items() if callable(value) and not key.startswith("_")]
        raise CheckpointError(f"{path}: no function {name!r}", hint=did_you_mean(name, known) if known else None)
    try:
        network = function()
    except Exception as error:
        raise CheckpointError(f"{path}: {name}() fails: {type(error).__name__}: {error}") from error
    if not isinstance(network, nn.Module):
        raise CheckpointError(f"{path}: {name}() returns {type(network).__name__}, expected an nn.Module")
    return network
