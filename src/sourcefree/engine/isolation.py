"""What training must not change for those who call it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def training_of_our_own() -> Iterator[None]:
    """Seed and train inside; the caller's random numbers go on as if nothing had been, and its ``no_grad`` waits."""
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())), torch.enable_grad():
        yield
