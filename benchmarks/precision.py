"""Training steps a second in fp32 and bf16, per backbone: why the engine picks bf16 for some networks only.

python benchmarks/precision.py [--size 64] [--backbones resnet10t tf_efficientnet_lite0]
"""

from __future__ import annotations

import argparse
import time

import timm
import torch


def images_per_second(name: str, size: int, *, bf16: bool, batch: int = 64, steps: int = 5) -> float:
    torch.manual_seed(0)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    network = timm.create_model(name, num_classes=10).to(device, memory_format=torch.channels_last)
    images = torch.randn(batch, 3, size, size, device=device).contiguous(memory_format=torch.channels_last)
    optimiser = torch.optim.SGD(network.parameters(), 1e-3)
    for step in range(steps + 1):
        if step == 1:
            started = time.perf_counter()
        with torch.autocast(device, torch.bfloat16, enabled=bf16):
            loss = network(images).float().square().mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    if device == "cuda":
        torch.cuda.synchronize()
    return steps * batch / (time.perf_counter() - started)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=int, default=64)
    parser.add_argument("--backbones", nargs="+", default=["resnet10t", "tf_efficientnet_lite0"])
    options = parser.parse_args()
    print(f"{'backbone':<24}{'fp32 images/s':>16}{'bf16 images/s':>16}")
    for name in options.backbones:
        fp32, bf16 = (images_per_second(name, options.size, bf16=flag) for flag in (False, True))
        print(f"{name:<24}{fp32:>16.0f}{bf16:>16.0f}")


if __name__ == "__main__":
    main()
