"""Training steps on a CPU with glibc's own ways and with freed memory kept: images a second, page faults, peak memory.

python benchmarks/allocator.py [--size 96] [--backbones test_resnet tf_efficientnet_lite0] [--threads 1]
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import time

import timm
import torch

from sourcefree.allocator import keep_freed_memory


def measure(name: str, size: int, threads: int, keep: bool, batch: int = 64, steps: int = 20) -> tuple[float, int, int]:
    """Return images a second, page faults a step and peak memory in MB; in a process of its own."""
    if keep and not keep_freed_memory():
        raise SystemExit("this C library has no mallopt: there is nothing to compare")
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    network = timm.create_model(name, num_classes=10).to(memory_format=torch.channels_last)
    optimiser = torch.optim.SGD(network.parameters(), 1e-3)
    for step in range(steps + 2):
        if step == 2:
            started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF).ru_minflt
        images = torch.randn(batch, 3, size, size).contiguous(memory_format=torch.channels_last)
        loss = network(images).square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    usage = resource.getrusage(resource.RUSAGE_SELF)
    rate = steps * batch / (time.perf_counter() - started)
    return rate, (usage.ru_minflt - before) // steps, usage.ru_maxrss // 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=96)
    parser.add_argument("--backbones", nargs="+", default=["test_resnet", "tf_efficientnet_lite0"])
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    print(f"{'backbone':<24}{'freed memory':<16}{'images/s':>10}{'faults/step':>14}{'peak MB':>10}")
    context = multiprocessing.get_context("spawn")
    for name in options.backbones:
        for keep in (False, True):
            with context.Pool(1) as pool:
                rate, faults, peak = pool.apply(measure, (name, options.size, options.threads, keep))
            print(f"{name:<24}{'kept' if keep else 'returned':<16}{rate:>10.0f}{faults:>14,}{peak:>10,}")


if __name__ == "__main__":
    main()
