"""Weights and label names in files of other libraries."""

from __future__ import annotations

import json
import pickle
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from sourcefree.errors import CheckpointError, ConfigError

_WRAPPERS = ("state_dict", "model", "model_state_dict", "state_dict_ema")
_LABELS = ("labels", "label_names", "classes", "class_names", "class_to_idx", "id2label")
_STORED = (*_LABELS, "mean", "std", "input_size")
_NOT_READ = (OSError, RuntimeError, EOFError, SafetensorError, ValueError, KeyError, pickle.UnpicklingError)
_PLAIN = "save plain weights: torch.save(model.state_dict(), 'weights.pth'), or a .safetensors file"


def read_state_dict(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a .safetensors file, or of a .pth file loaded with weights only.

    A state dict inside ``{"state_dict": ...}`` or ``{"model": ...}`` is unwrapped. Names stay as they are; see
    :func:`load_into` for a prefix that all of them share.

    Raises:
        CheckpointError: the file is missing, damaged, or holds anything but plain tensors.
    """
    if not path.is_file():
        raise CheckpointError(f"{path}: no such file")
    try:
        content = load_file(path) if path.suffix == ".safetensors" else _load_pickled(path)
    except _NOT_READ as error:
        raise _unreadable(path, error) from error
    state = _unwrap(content)
    tensors = {name: value for name, value in state.items() if isinstance(value, Tensor)}
    if not tensors or len(tensors) < len(state):
        raise CheckpointError(f"{path}: expected tensors by name, found {_kind(content)}", hint=_PLAIN)
    return tensors


def _load_pickled(path: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of archives that are refused in our own words
        try:
            return torch.load(path, map_location="cpu", weights_only=True)
        except (AssertionError, AttributeError, IndexError, TypeError) as error:  # bytes that are no pickle at all
            raise pickle.UnpicklingError(str(error)) from error


def _unreadable(path: Path, error: Exception) -> CheckpointError:
    """Return the error that says what a file is in place of weights that can be loaded."""
    try:
        with path.open("rb") as file:
            head = file.read(64)
    except OSError as unread:
        return CheckpointError(f"{path}: cannot be read ({unread.strerror or unread})")
    if not head:
        return CheckpointError(f"{path}: the file is empty", hint="was it copied to its end?")
    if head.startswith(b"version https://git-lfs"):
        return CheckpointError(f"{path}: a pointer of git LFS, not the weights", hint="fetch them: git lfs pull")
    if head[8:9] == b"{" and path.suffix != ".safetensors":
        return CheckpointError(f"{path}: looks like safetensors", hint="call the file .safetensors")
    if "TorchScript" in str(error):
        plain = "torch.save(torch.jit.load('FILE').state_dict(), 'weights.pth')"
        return CheckpointError(f"{path}: a TorchScript archive", hint=f"save its weights alone: {plain}")
    if isinstance(error, pickle.UnpicklingError) and head[:2] in (b"PK", b"\x80\x02"):
        return CheckpointError(f"{path}: holds more than plain weights and is not loaded", hint=_PLAIN)
    short = " ".join(str(error).split())[:160]
    reason = f" ({short})" if " " in short else ""  # a bare key says nothing
    return CheckpointError(f"{path}: damaged, or no weights file{reason}", hint=_PLAIN)


@dataclass(frozen=True)
class Stored:
    """What a checkpoint tells of itself; None where it does not.

    Attributes:
        labels: names in the order of the outputs.
        size: height and width of the input in pixels.
        mean: per channel, of values in 0..1.
        std: likewise.
    """

    labels: list[str] | None = None
    size: int | None = None
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None


def read_stored(path: Path) -> Stored:
    """Return what a checkpoint holds beside its weights: in a .pth file, or as JSON in the metadata of a .safetensors file.

    Label names are found under ``labels``, ``label_names``, ``classes``, ``class_names``, ``class_to_idx`` or ``id2label``;
    ``mean``, ``std`` and ``input_size`` (a number, or channels, height and width) are those of timm's configurations.

    Raises:
        CheckpointError: one of them has another form.
    """
    content: Mapping[str, Any] = {}
    try:
        if path.suffix == ".safetensors":
            with safe_open(path, framework="pt") as file:
                known = {name: text for name, text in (file.metadata() or {}).items() if name in _STORED}
            content = {name: json.loads(text) for name, text in known.items()}
        elif path.is_file():
            loaded = _load_pickled(path)
            content = loaded if isinstance(loaded, dict) else {}
    except _NOT_READ:
        return Stored()  # read_state_dict says what is wrong with the file
    return stored_in(content, where=str(path))


def stored_in(content: Mapping[str, Any], *, where: str) -> Stored:
    """Return what a mapping tells of a model; see :func:`read_stored`.

    Raises:
        CheckpointError: an entry has another form.
    """
    key = next((name for name in _LABELS if isinstance(content.get(name), (list, tuple, dict))), "")
    names = content.get(key)
    try:
        size = content.get("input_size")
        mean, std = (_numbers(content.get(name)) for name in ("mean", "std"))
        return Stored(
            labels=[str(name) for name in _in_order(names, by_key=False if key == "class_to_idx" else None)]
            if names
            else None,
            size=None if size is None else int(size[-1] if isinstance(size, (list, tuple)) else size),
            mean=mean,
            std=std,
        )
    except (TypeError, ValueError, IndexError, AttributeError) as error:
        raise CheckpointError(
            f"{where}: its label names, mean, std or input_size cannot be used ({error})",
            hint="expected names, one number a channel, and pixels; or remove them from the file",
        ) from error


def load_into(network: nn.Module, state: Mapping[str, Tensor], *, path: Path) -> None:
    """Load weights into a network, all of them.

    A first part that all names share, as wrappers leave it (data parallel's ``module.``, torch.compile's ``_orig_mod.``, the
    attribute of a Lightning module), is taken off, and the next, where more names fit the network without it: that may well
    have a part of that name.

    Raises:
        CheckpointError: names or shapes do not fit; says which.
    """
    own = network.state_dict()
    forms = [state]
    while prefix := _shared_prefix(forms[-1]):
        forms.append({name.removeprefix(prefix): value for name, value in forms[-1].items()})
    state = max(forms, key=lambda form: len(own.keys() & form.keys()))
    missing = sorted(own.keys() - state.keys())
    unexpected = sorted(state.keys() - own.keys())
    shapes = [
        f"{name}: file {tuple(state[name].shape)}, network {tuple(own[name].shape)}"
        for name in own
        if name in state and own[name].shape != state[name].shape
    ]
    if not (missing or unexpected or shapes):
        network.load_state_dict(dict(state))
        return
    parts = [
        f"{len(names)} {what} ({', '.join(names[:3])}{', ...' if len(names) > 3 else ''})"
        for names, what in ((missing, "missing"), (unexpected, "not known to the network"), (shapes, "of other shape"))
        if names
    ]
    only_shapes = shapes and not missing and not unexpected and len(shapes) <= 2
    hint = "is the number of labels right?" if only_shapes else "is it the right architecture?"
    raise CheckpointError(f"{path}: the weights do not fit {type(network).__name__}: {'; '.join(parts)}", hint=hint)


def read_labels(path: Path) -> list[str]:
    """Return label names in the order of the outputs.

    Reads a text file with one name a line, a JSON list, or a JSON object of index to name or name to index.

    Raises:
        ConfigError: the file cannot be read, is empty, or names a label twice.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")  # Windows' editors begin a file with a mark of its encoding
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as text ({error})") from error
    try:
        labels = _in_order(json.loads(text)) if path.suffix == ".json" else text.strip().splitlines()
    except (ValueError, TypeError, AttributeError) as error:
        raise ConfigError(f"{path}: expected a JSON list of names, or an object of index to name ({error})") from error
    names = [str(label).strip() for label in labels]
    if not names:
        raise ConfigError(f"{path}: no label name in the file", hint="write one name a line")
    if "" in names:  # passed over, it would shift the names of all outputs after it
        raise ConfigError(
            f"{path}: the name of output {names.index('')} is empty", hint="name every output of the network"
        )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError(f"{path}: label names must differ, found twice: {', '.join(twice[:5])}")
    return names


def _in_order(content: Any, *, by_key: bool | None = None) -> list[str]:
    """Return the names of a list, or of a mapping whose keys or values are their indices; None: whichever look so."""
    if isinstance(content, (list, tuple)):
        return list(content)
    if by_key is None:
        by_key = all(str(key).isdigit() for key in content) and not _are_indices(content.values())
    named = [(int(key), name) if by_key else (int(name), key) for key, name in content.items()]
    indices = sorted(index for index, _ in named)
    if indices != list(range(len(indices))):
        raise ValueError(f"the indices of {len(indices)} names run from 0 to {len(indices) - 1}, found {indices[:12]}")
    return [name for _, name in sorted(named, key=lambda one: one[0])]


def _are_indices(values: Iterable[Any]) -> bool:
    """Return whether these are the numbers 0..n-1: classes named by digits, as a data set of digits has them."""
    found = list(values)
    return all(type(value) is int for value in found) and sorted(found) == list(range(len(found)))


def _numbers(values: Any) -> tuple[float, ...] | None:
    """Return floats of a list or a tensor (of any shape: (C, 1, 1) is usual), or None where there are none."""
    if isinstance(values, Tensor):
        values = values.flatten().tolist()
    return tuple(float(value) for value in values) if values is not None and len(values) else None


def _unwrap(content: Any) -> dict[str, Any]:
    if not isinstance(content, dict):
        return {}
    for name in _WRAPPERS:
        if isinstance(content.get(name), dict):
            return dict(content[name])
    return dict(content)


def _shared_prefix(names: Iterable[str]) -> str:
    """Return the first part of dotted names, with its dot, where all have the same and none has no more; else ""."""
    first = {"".join(name.partition(".")[:2]) for name in names}
    return first.pop() if len(first) == 1 and all(name.count(".") for name in names) else ""


def _kind(content: Any) -> str:
    if isinstance(content, dict):
        return f"a mapping with {', '.join(str(key) for key in list(content)[:4])}"
    return type(content).__name__
