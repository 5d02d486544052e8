"""Device, precision and processes: the only file that knows of them."""

from __future__ import annotations

import copy
import platform
import sys
import warnings
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args

import torch
from accelerate.state import PartialState
from accelerate.utils import broadcast, gather, pad_across_processes, reduce, send_to_device
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from sourcefree.config import Device, Precision
from sourcefree.errors import ConfigError, did_you_mean

ModuleT = TypeVar("ModuleT", bound=nn.Module)


@dataclass(frozen=True)
class Runtime:
    """Where and how numbers are computed. Made by :func:`create_runtime`.

    Attributes:
        state: accelerate's handle on device and processes. An ``Accelerator`` would be more: its settings are one for the
            whole process, so ours would be those of the user's own training.
        precision: "fp32" or "bf16"; weights are float32 in both, bf16 is for the arithmetic of the layers.
        channels_last: whether images lie channels last in memory, which convolutions are fastest in.
    """

    state: PartialState
    precision: str
    channels_last: bool = True

    @property
    def device(self) -> torch.device:
        """The device of this process."""
        device: torch.device = self.state.device
        return device

    @property
    def rank(self) -> int:
        """Number of this process, from 0."""
        return int(self.state.process_index)

    @property
    def processes(self) -> int:
        """How many processes take part."""
        return int(self.state.num_processes)

    @property
    def is_main(self) -> bool:
        """Whether this process writes files and shows progress."""
        return bool(self.state.is_main_process)

    def autocast(self) -> AbstractContextManager[Any]:
        """Return the context in which layers compute in the chosen precision."""
        # No cache of cast weights: a pass without gradients would leave copies there that let none through in the next pass.
        enabled = self.precision == "bf16"
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=enabled, cache_enabled=False)

    def place(self, module: ModuleT) -> ModuleT:
        """Return the module on the device, in the memory format of the images."""
        module.to(self.device)
        return weights_channels_last(module) if self.channels_last else module

    def to_device(self, batch: Any) -> Any:
        """Return a batch (tensor or named tuple of tensors) on the device."""
        sent = send_to_device(batch, self.device, non_blocking=True)
        return _images_channels_last(sent) if self.channels_last else sent

    def prepare(self, module: nn.Module) -> nn.Module:
        """Return the module ready for training: in all processes its gradients are the mean over them.

        A parameter may go without a gradient, as in a user's network with a layer that its forward pass does not call.
        """
        placed = self.place(module)
        if self.processes == 1:
            return placed
        warnings.filterwarnings("ignore", message="find_unused_parameters=True was specified")  # where all are used
        devices = [self.device.index] if self.device.type == "cuda" else None
        return DistributedDataParallel(placed, device_ids=devices, find_unused_parameters=True)

    def mean_over_processes(self, values: Tensor) -> Tensor:
        """Return the mean of a tensor over all processes."""
        reduced: Tensor = reduce(values, reduction="mean")
        return reduced

    def gather(self, values: Tensor) -> Tensor:
        """Return the rows of all processes, in the order of processes; counts may differ."""
        if self.processes == 1:
            return values
        counts = gather(torch.tensor([len(values)], device=self.device)).tolist()
        gathered = gather(pad_across_processes(values, dim=0))
        parts = gathered.split(int(max(counts)))
        return torch.cat([part[:count] for part, count in zip(parts, counts, strict=True)])

    def share_state(self, module: nn.Module) -> None:
        """Copy parameters and buffers of the first process to all: batch-norm statistics drift apart while training."""
        if self.processes > 1:
            for value in (*module.parameters(), *module.buffers()):
                value.data.copy_(broadcast(value.data.to(self.device), from_process=0))

    def wait(self) -> None:
        """Wait until every process has come here."""
        self.state.wait_for_everyone()

    def peak_memory_mb(self) -> float | None:
        """Return the largest memory use so far in MB: of the GPU where one is used, else of the process; None if unknown."""
        if self.device.type == "cuda":
            return torch.cuda.max_memory_allocated(self.device) / 2**20
        try:
            import resource
        except ImportError:  # not POSIX
            return None
        unit = 2**20 if sys.platform == "darwin" else 2**10
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit

    def describe(self) -> dict[str, str | int]:
        """Return what a reader needs to judge timings: versions, device, precision, threads, processes."""
        name = torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else platform.processor()
        return {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "device": f"{self.device.type} {name}".strip(),
            "precision": self.precision,
            "threads": torch.get_num_threads(),
            "processes": self.processes,
        }


def create_runtime(
    *, device: Device, precision: Precision, network: nn.Module, shape: Sequence[int] | None = None
) -> Runtime:
    """Return the runtime for a network; "auto" takes a GPU where there is one, and bf16 where it is faster.

    Args:
        device: where to compute.
        precision: of the layers' arithmetic.
        network: what is to run.
        shape: of its images, (C, H, W); with it, the network is tried with channels last, on a copy. One whose forward says
            ``view`` where it means ``reshape`` does not run so.

    Raises:
        ConfigError: the device is not there, or device or precision is none.
    """
    for what, value, known in (("device", device, get_args(Device)), ("precision", precision, get_args(Precision))):
        if value not in known:
            raise ConfigError(f"{what}: no {what} {value!r}", hint=did_you_mean(str(value), known))
    if (device == "cuda" and not torch.cuda.is_available()) or (
        device == "mps" and not torch.backends.mps.is_available()
    ):
        raise ConfigError(f"device {device!r} is not available on this machine", hint="use --device auto or cpu")
    _forget_other_device(device)
    state = PartialState(cpu=device == "cpu")
    chosen = _precision(state.device, network) if precision == "auto" else precision
    return Runtime(state, chosen, shape is None or _runs_channels_last(network, shape))


def weights_channels_last(module: ModuleT) -> ModuleT:
    """Return the module with the weights of its two-dimensional convolutions channels last; those of others stay."""
    for tensor in (*module.parameters(), *module.buffers()):
        if tensor.ndim == 4:  # not contiguous(): to it, weights of one pixel are channels last either way
            tensor.data = tensor.data.to(memory_format=torch.channels_last)
    return module


@torch.no_grad()
def _runs_channels_last(network: nn.Module, shape: Sequence[int]) -> bool:
    copied = weights_channels_last(copy.deepcopy(network).cpu().float().eval())
    try:
        copied(torch.zeros(2, *shape).contiguous(memory_format=torch.channels_last))
    except RuntimeError:
        return False
    return True


def _forget_other_device(device: Device) -> None:
    """Let accelerate choose again where an earlier call in this process chose another device, as export does."""
    if not PartialState._shared_state:
        return
    state = PartialState()
    wanted = state.default_device.type if device == "auto" else device
    if state.device.type != wanted:
        PartialState._reset_state()


def _precision(device: torch.device, network: nn.Module) -> str:
    if device.type == "cuda":
        return "bf16" if torch.cuda.get_device_capability(device) >= (8, 0) else "fp32"
    # Measured in benchmarks/precision.py: depthwise convolutions are slower in bf16 on a CPU, all others about twice as fast.
    return "bf16" if device.type == "cpu" and _cpu_has_bf16() and not _has_depthwise(network) else "fp32"


def _cpu_has_bf16() -> bool:
    info = Path("/proc/cpuinfo")
    return info.is_file() and "avx512_bf16" in info.read_text(encoding="utf-8", errors="replace")


def _has_depthwise(network: nn.Module) -> bool:
    return any(isinstance(m, nn.Conv2d) and 1 < m.groups == m.in_channels for m in network.modules())


def _images_channels_last(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.contiguous(memory_format=torch.channels_last) if value.ndim == 4 else value
    if isinstance(value, tuple):
        return type(value)(*(_images_channels_last(part) for part in value))
    return value
