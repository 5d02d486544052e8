"""Device, precision and processes: the only file that knows of them."""

from __future__ import annotations

import platform
import sys
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, PartialState
from accelerate.utils import (
    DistributedDataParallelKwargs,
    GradientAccumulationPlugin,
    broadcast,
    send_to_device,
)
from torch import Tensor, nn

from sourcefree.config import Device, Precision
from sourcefree.errors import ConfigError, did_you_mean

ModuleT = TypeVar("ModuleT", bound=nn.Module)


@dataclass(frozen=True)
class Runtime:
    """Where and how numbers are computed. Made by :func:`create_runtime`.

    Attributes:
        accelerator: accelerate's handle on device and processes.
        precision: "fp32" or "bf16"; weights are float32 in both, bf16 is for the arithmetic of the layers.
    """

    accelerator: Accelerator
    precision: str

    @property
    def device(self) -> torch.device:
        """The device of this process."""
        device: torch.device = self.accelerator.device
        return device

    @property
    def rank(self) -> int:
        """Number of this process, from 0."""
        return int(self.accelerator.process_index)

    @property
    def processes(self) -> int:
        """How many processes take part."""
        return int(self.accelerator.num_processes)

    @property
    def is_main(self) -> bool:
        """Whether this process writes files and shows progress."""
        return bool(self.accelerator.is_main_process)

    def autocast(self) -> AbstractContextManager[Any]:
        """Return the context in which layers compute in the chosen precision."""
        # No cache of cast weights: a pass without gradients would leave copies there that let none through in the next pass.
        enabled = self.precision == "bf16"
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=enabled, cache_enabled=False)

    def place(self, module: ModuleT) -> ModuleT:
        """Return the module on the device, in the memory format that its convolutions are fastest in."""
        return module.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload, no-any-return]

    def to_device(self, batch: Any) -> Any:
        """Return a batch (tensor or named tuple of tensors) on the device, images channels last."""
        return _channels_last(send_to_device(batch, self.device, non_blocking=True))

    def prepare(self, module: nn.Module, optimizer: torch.optim.Optimizer) -> tuple[nn.Module, torch.optim.Optimizer]:
        """Return module and optimiser ready for training in all processes."""
        return self.accelerator.prepare(self.place(module), optimizer)  # type: ignore[no-any-return]

    def release(self) -> None:
        """Forget what was prepared: accelerate would keep the modules and optimisers of all stages in memory."""
        self.accelerator.free_memory()

    def backward(self, loss: Tensor) -> None:
        """Compute gradients, averaged over processes."""
        self.accelerator.backward(loss)

    def mean_over_processes(self, values: Tensor) -> Tensor:
        """Return the mean of a tensor over all processes."""
        reduced: Tensor = self.accelerator.reduce(values, reduction="mean")
        return reduced

    def gather(self, values: Tensor) -> Tensor:
        """Return the rows of all processes, in the order of processes; counts may differ."""
        if self.processes == 1:
            return values
        counts = self.accelerator.gather(torch.tensor([len(values)], device=self.device)).tolist()
        gathered = self.accelerator.gather(self.accelerator.pad_across_processes(values, dim=0))
        parts = gathered.split(int(max(counts)))
        return torch.cat([part[:count] for part, count in zip(parts, counts, strict=True)])

    def share_state(self, module: nn.Module) -> None:
        """Copy parameters and buffers of the first process to all: batch-norm statistics drift apart while training."""
        if self.processes > 1:
            for value in (*module.parameters(), *module.buffers()):
                value.data.copy_(broadcast(value.data.to(self.device), from_process=0))

    def wait(self) -> None:
        """Wait until every process has come here."""
        self.accelerator.wait_for_everyone()

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


def create_runtime(*, device: Device, precision: Precision, network: nn.Module) -> Runtime:
    """Return the runtime for a network; "auto" takes a GPU where there is one, and bf16 where it is faster.

    Raises:
        ConfigError: the device is not there, device or precision is none, or accelerate was set up for another precision.
    """
    for what, value, known in (("device", device, get_args(Device)), ("precision", precision, get_args(Precision))):
        if value not in known:
            raise ConfigError(f"{what}: no {what} {value!r}", hint=did_you_mean(str(value), known))
    if (device == "cuda" and not torch.cuda.is_available()) or (
        device == "mps" and not torch.backends.mps.is_available()
    ):
        raise ConfigError(f"device {device!r} is not available on this machine", hint="use --device auto or cpu")
    _forget_other_device(device)
    _check_unmixed()
    # What is left out here is taken from the environment: "no", since bf16 is our own autocast, and one step of gradients.
    accelerator = Accelerator(
        cpu=device == "cpu",
        mixed_precision="no",
        gradient_accumulation_plugin=GradientAccumulationPlugin(num_steps=1),
        kwargs_handlers=[DistributedDataParallelKwargs(broadcast_buffers=True)],
    )
    chosen = _precision(accelerator.device, network) if precision == "auto" else precision
    return Runtime(accelerator, chosen)


def _forget_other_device(device: Device) -> None:
    """Let accelerate choose again where an earlier call in this process chose another device, as export does."""
    if not PartialState._shared_state:
        return
    state = PartialState()
    wanted = state.default_device.type if device == "auto" else device
    if state.device.type != wanted:
        AcceleratorState._reset_state(reset_partial_state=True)


def _check_unmixed() -> None:
    """Refuse a process in which somebody else's Accelerator casts: the state is one for all, and theirs.

    Raises:
        ConfigError: it does.
    """
    mixed = AcceleratorState._shared_state.get("_mixed_precision", "no")
    if mixed != "no":
        raise ConfigError(
            f"accelerate was set up with mixed_precision={mixed!r} earlier in this process",
            hint="set it up with mixed_precision='no', or call sourcefree in a process of its own; for bf16 use "
            "settings.precision",
        )


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


def _channels_last(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.contiguous(memory_format=torch.channels_last) if value.ndim == 4 else value
    if isinstance(value, tuple):
        return type(value)(*(_channels_last(part) for part in value))
    return value
