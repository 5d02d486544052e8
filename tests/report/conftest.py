from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

FakeRun = Callable[..., Path]

NAMES = ("chair", "table", "lamp", "mug", "bottle", "bicycle")


def evaluation(rng: np.random.Generator, classes: int, *, accuracy: float, count: int) -> dict[str, Any]:
    true = rng.integers(0, classes, count)
    right = rng.random(count) < accuracy
    predicted = np.where(right, true, rng.integers(0, classes, count))
    confusion = np.zeros((classes, classes), dtype=int)
    np.add.at(confusion, (true, predicted), 1)
    return {
        "accuracy": float((true == predicted).mean()),
        "class_mean_accuracy": 0.9876 * accuracy,
        "macro_f1": 0.95 * accuracy,
        "ece": 0.2 * (1 - accuracy),
        "confusion": confusion.tolist(),
        "data": "depth_test",
        "count": count,
    }


def candidate(
    rng: np.random.Generator, name: str, quality: float, classes: int, *, labelled: bool, count: int = 400
) -> dict[str, Any]:
    return {
        "name": name,
        "description": f"what {name} is",
        "scores": {
            "pair_agreement": quality - 0.05,
            "pair_divergence": 3 * (1 - quality),
            "target_information": quality * float(np.log(classes)),
            "mean_confidence": 0.4 + quality / 2,
        },
        "class_counts": rng.multinomial(count, rng.dirichlet(np.full(classes, 1 + 20 * quality))).tolist(),
        "evaluation": evaluation(rng, classes, accuracy=quality, count=count) if labelled else None,
    }


def metrics_lines(rng: np.random.Generator, *, epochs: int) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    for stage, terms in (("tgmb", ("loss", "rec", "d1", "im")), ("tgkt", ("loss", "kl", "features", "self"))):
        for epoch in range(epochs):
            values = {
                term: float(50 ** (index / 2) * np.exp(-4 * epoch / epochs) * rng.uniform(0.9, 1.1) + 0.02)
                for index, term in enumerate(terms)
            }
            lines.append({"stage": stage, "epoch": epoch, "step": 12 * (epoch + 1), "terms": values})
            if stage == "tgkt":
                progress = 1 - float(np.exp(-4 * epoch / epochs))
                scores = {"pair_agreement": 0.2 + 0.35 * progress, "target_information": 0.5 + progress}
                lines.append({"stage": stage, "epoch": epoch, "scores": scores})
    return lines


def write_gallery(
    run: Path, files: list[str], labels: tuple[str, ...], rng: np.random.Generator, *, labelled: bool
) -> None:
    (run / "gallery").mkdir()
    entries = []
    for index, file in enumerate(files):
        names = {}
        for kind, channels in (("target", 1), ("translated", 3)):
            pixels = rng.integers(0, 255, (24, 24, channels), dtype=np.uint8).squeeze()
            names[kind] = f"gallery/{index:04d}_{kind}.png"
            Image.fromarray(pixels).save(run / names[kind])
        entries.append(
            {
                "file": file,
                **names,
                "predicted": labels[index % len(labels)],
                "confidence": float(rng.uniform(0.3, 1)),
                "predicted_before": labels[(index * 2) % len(labels)],
                "label": labels[(index * 3) % len(labels)] if labelled else None,
            }
        )
    (run / "gallery.json").write_text(json.dumps(entries), encoding="utf-8")


def write_features(run: Path, classes: int, rng: np.random.Generator, *, count: int) -> None:
    true = rng.integers(0, classes, count)
    after = rng.normal(size=(classes, 24))[true] * 2 + rng.normal(size=(count, 24))
    before = rng.normal(size=(classes, 16))[true] * 0.7 + rng.normal(size=(count, 16))
    np.savez(
        run / "analysis.npz",
        files=np.array([f"{index}.png" for index in range(count)]),
        features_before=before.astype(np.float32),
        features_after=after.astype(np.float32),
        predicted=np.where(rng.random(count) < 0.8, true, 0),
        predicted_before=np.where(rng.random(count) < 0.3, true, 0),
        confidence=rng.uniform(0.3, 1, count),
    )


def write_fake_run(
    folder: Path,
    *,
    labels: tuple[str, ...] = NAMES,
    files: tuple[str, ...] = ("a/0.png", "a/1.png", "b/2.png"),
    warnings: tuple[str, ...] = ("3 images could not be read.",),
    labelled: bool = True,
    epochs: int = 3,
    images: int = 10,  # so few are mapped by PCA: fast
    qualities: tuple[float, float, float, float] = (0.25, 0.35, 0.5, 0.65),
) -> Path:
    """Write a complete run of `adapt` as the contract of the run folder describes it, with random content."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    info = {
        "command": "adapt",
        "sourcefree": "0.1.0",
        "created": "2026-03-04T05:06:07+00:00",
        "status": "complete",
        "method": "tgkt",
        "modality": "depth",
        "environment": {
            "python": "3.11.9",
            "torch": "2.6.0",
            "device": "cpu",
            "precision": "bf16",
            "threads": 2,
        },
        "command_line": "sourcefree adapt --source-model source --target depth --modality depth --out run",
    }
    names = ("source-only", "adabn", "translated", "adapted")
    summary = {
        "labels": list(labels),
        "candidates": [
            candidate(rng, name, quality, len(labels), labelled=labelled)
            for name, quality in zip(names, qualities, strict=True)
        ],
        "preferred": "adapted",
        "delivered": "adapted",
        "timings": {"tgmb": 61.4, "tgkt": 128.0, "evaluate": 4.25},
        "peak_memory_mb": 1834.5,
        "counts": {"target": 400, "pairs": 300, "unreadable": 3},
        "warnings": list(warnings),
    }
    (folder / "run.json").write_text(json.dumps(info), encoding="utf-8")
    (folder / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    (folder / "config.yaml").write_text("method: tgkt\nseed: 0\n", encoding="utf-8")
    lines = "".join(json.dumps(line) + "\n" for line in metrics_lines(rng, epochs=epochs))
    (folder / "metrics.jsonl").write_text(lines, encoding="utf-8")
    write_gallery(folder, list(files), labels, rng, labelled=labelled)
    write_features(folder, len(labels), rng, count=images)
    return folder


@pytest.fixture
def fake_run(tmp_path: Path) -> FakeRun:
    def build(name: str = "run", **options: Any) -> Path:
        return write_fake_run(tmp_path / name, **options)

    return build
