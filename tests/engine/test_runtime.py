"""Device, precision and what accelerate would take from the environment or keep."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, GradientState, PartialState
from torch import nn

from sourcefree.engine.runtime import Runtime, create_runtime
from sourcefree.errors import ConfigError


@pytest.fixture
def fresh_state() -> Iterator[None]:
    """A process in which accelerate was not used yet."""
    AcceleratorState._reset_state(reset_partial_state=True)
    GradientState._reset_state()
    yield
    AcceleratorState._reset_state(reset_partial_state=True)
    GradientState._reset_state()


@pytest.mark.usefixtures("fresh_state")
def test_the_environment_changes_neither_precision_nor_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "bf16")
    monkeypatch.setenv("ACCELERATE_GRADIENT_ACCUMULATION_STEPS", "4")
    runtime = create_runtime(device="cpu", precision="fp32", network=nn.Identity())
    network = nn.Linear(1, 1)
    module = runtime.prepare(network)
    with runtime.autocast():
        output = module(torch.ones(1, 1))
    output.sum().backward()
    assert runtime.precision == "fp32"
    assert output.dtype == torch.float32
    assert network.weight.grad is not None
    assert network.weight.grad.item() == 1.0


@pytest.mark.usefixtures("fresh_state")
def test_a_users_own_accelerator_and_ours_do_not_meet() -> None:
    before = Accelerator(cpu=True, mixed_precision="bf16", gradient_accumulation_steps=4)
    runtime = create_runtime(device="cpu", precision="fp32", network=nn.Identity())
    network = nn.Linear(1, 1)
    with runtime.autocast():
        assert runtime.prepare(network)(torch.ones(1, 1)).dtype == torch.float32
    steps = []
    for _ in range(4):
        with before.accumulate(network):
            steps.append(before.sync_gradients)
    assert steps == [False, False, False, True]
    assert Accelerator(cpu=True, mixed_precision="bf16").mixed_precision == "bf16"


@pytest.mark.usefixtures("fresh_state")
def test_an_accelerator_may_be_set_up_after_us() -> None:
    create_runtime(device="cpu", precision="fp32", network=nn.Identity())
    assert Accelerator(cpu=True, mixed_precision="bf16").mixed_precision == "bf16"


class Viewing(nn.Module):
    """Says ``view`` where it means ``reshape``, as tutorials do."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Conv2d(3, 4, 3)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.body(images)).view(len(images), -1)


def test_a_network_that_cannot_read_channels_last_gets_them_as_they_are() -> None:
    images, shape = torch.randn(2, 3, 6, 6), (3, 6, 6)
    for network, channels_last in ((Viewing(), False), (nn.Conv2d(3, 4, 3), True)):
        expected = network(images)
        runtime = create_runtime(device="cpu", precision="fp32", network=network, shape=shape)
        assert runtime.channels_last == channels_last
        sent = runtime.to_device(images)
        assert sent.is_contiguous(memory_format=torch.channels_last) == channels_last
        assert torch.allclose(runtime.place(network)(sent), expected, atol=1e-6)
    volume = nn.Sequential(nn.Unflatten(1, (1, 3)), nn.Conv3d(1, 2, 3), nn.Flatten())
    assert create_runtime(device="cpu", precision="fp32", network=volume, shape=shape).place(volume)(images).shape == (
        2,
        32,
    )


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


def test_a_parameter_without_a_gradient_is_no_error_where_processes_share_the_work(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    module = nn.ModuleList([nn.Linear(2, 1), nn.Linear(2, 1)])
    module.forward = module[0].forward  # type: ignore[method-assign]
    runtime = create_runtime(device="cpu", precision="fp32", network=module)
    monkeypatch.setattr(Runtime, "processes", property(lambda _: 2))
    torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    try:
        shared = runtime.prepare(module)
        for _ in range(2):  # what is missing in one step is missed in the next
            shared(torch.ones(1, 2)).sum().backward()
    finally:
        torch.distributed.destroy_process_group()
    assert module[0].weight.grad.tolist() == [[2, 2]]
    assert module[1].weight.grad is None
