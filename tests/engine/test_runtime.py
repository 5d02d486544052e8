"""Device, precision and what accelerate would take from the environment or keep."""

from __future__ import annotations

import gc
import subprocess
import sys
import weakref
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, PartialState
from torch import nn

from sourcefree.engine.runtime import create_runtime
from sourcefree.errors import ConfigError


@pytest.fixture
def fresh_state() -> Iterator[None]:
    """A process in which accelerate was not used yet."""
    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)


@pytest.mark.usefixtures("fresh_state")
def test_the_environment_changes_neither_precision_nor_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "bf16")
    monkeypatch.setenv("ACCELERATE_GRADIENT_ACCUMULATION_STEPS", "4")
    runtime = create_runtime(device="cpu", precision="fp32", network=nn.Identity())
    kinds: list[torch.dtype] = []

    class Watched(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Linear(1, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            kinds.append(self.layer(x).dtype)
            return self.layer(x)  # type: ignore[no-any-return]

    network = Watched()
    module, _ = runtime.prepare(network, torch.optim.SGD(network.parameters(), lr=0.1))
    with runtime.autocast():
        loss = module(torch.ones(1, 1)).sum()
    runtime.backward(loss)
    assert runtime.precision == "fp32"
    assert kinds == [torch.float32]
    assert network.layer.weight.grad is not None
    assert network.layer.weight.grad.item() == 1.0


@pytest.mark.usefixtures("fresh_state")
def test_an_accelerator_of_ones_own_that_casts_is_refused() -> None:
    Accelerator(cpu=True, mixed_precision="bf16")
    with pytest.raises(ConfigError, match="mixed_precision='bf16' earlier"):
        create_runtime(device="cpu", precision="fp32", network=nn.Identity())


def test_what_was_prepared_is_forgotten() -> None:
    runtime = create_runtime(device="cpu", precision="fp32", network=nn.Identity())
    network = nn.Linear(1, 1)
    module, optimiser = runtime.prepare(network, torch.optim.SGD(network.parameters(), lr=0.1))
    kept = weakref.ref(network), weakref.ref(optimiser)
    del network, module, optimiser
    gc.collect()
    assert all(reference() is not None for reference in kept)
    runtime.release()
    gc.collect()
    assert all(reference() is None for reference in kept)


def test_it_is_imported_and_used_where_there_is_no_resource_module() -> None:
    code = """
import sys
sys.modules["resource"] = None
from torch import nn
from sourcefree.engine.runtime import create_runtime
print(create_runtime(device="cpu", precision="fp32", network=nn.Identity()).peak_memory_mb())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "None\n", done.stderr


def test_auto_takes_the_gpu_after_a_call_that_used_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    create_runtime(device="cpu", precision="fp32", network=nn.Identity())
    gpu = torch.device("meta")  # stands for a GPU, which the test's machine need not have
    monkeypatch.setattr(PartialState, "default_device", gpu)
    try:
        assert create_runtime(device="auto", precision="fp32", network=nn.Identity()).device == gpu
    finally:
        AcceleratorState._reset_state(reset_partial_state=True)


@pytest.mark.parametrize(("device", "precision", "part"), [("gpu", "fp32", "cuda"), ("cpu", "fp16", "bf16")])
def test_a_device_or_precision_that_is_none_is_refused(device: Any, precision: Any, part: str) -> None:
    with pytest.raises(ConfigError, match=r"no (device 'gpu'|precision 'fp16')") as caught:
        create_runtime(device=device, precision=precision, network=nn.Identity())
    assert part in str(caught.value.hint)


def test_no_cast_weight_outlives_its_layer() -> None:
    """A pass without gradients would leave a copy in the cache that lets none through in the next pass, in older torch."""
    runtime = create_runtime(device="cpu", precision="bf16", network=nn.Identity())
    with runtime.autocast():
        assert not torch.is_autocast_cache_enabled()
