"""A tiny simulated set and a source model on it, made once for all integration tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from support.command_line import BACKBONE, Run, run

TRAIN = ("--backbone", BACKBONE, "--no-pretrained", "--size", "32", "--epochs", "2", "--batch-size", "16")


@pytest.fixture(scope="session")
def sourcefree() -> Run:
    """Runs the command line."""
    os.environ.update(COLUMNS="300", NO_COLOR="1", TERM="dumb")
    return run


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory, sourcefree: Run) -> Path:
    folder = tmp_path_factory.mktemp("simulated") / "data"
    sizes = {"source-train": 60, "source-test": 20, "target-train": 40, "target-test": 20, "pairs": 40}
    options = [part for name, count in sizes.items() for part in (f"--{name}", count)]
    sourcefree("simulate", "--out", folder, "--size", 40, "--workers", 1, *options)
    return folder


@pytest.fixture(scope="session")
def source(data: Path, sourcefree: Run) -> Path:
    out = data.parent / "source"
    sourcefree("train-source", data / "source/train", "--test", data / "source/test", "--out", out, *TRAIN)
    return out


@pytest.fixture(scope="session")
def adapt_arguments(data: Path, source: Path) -> tuple[object, ...]:
    return (
        "adapt",
        *("--source-model", source),
        *("--target", data / "target/train"),
        *("--pairs-source", data / "pairs/rgb"),
        *("--pairs-target", data / "pairs/depth"),
        *("--modality", "depth"),
        *("--epochs", 2, "--batch-size", 16),
        # With a bridge, so that translations are there to be looked at.
        *("--set", "tgmb={}"),
    )


@pytest.fixture(scope="session")
def adapted(data: Path, adapt_arguments: tuple[object, ...], sourcefree: Run) -> Path:
    out = data.parent / "adapted"
    sourcefree(*adapt_arguments, "--out", out, "--allow-collapse")
    return out
