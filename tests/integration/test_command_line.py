"""The whole command line on a tiny simulated set, as a user runs it."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from sourcefree.data.image_io import read_image
from support.command_line import BACKBONE, ENVIRONMENT, Run, command


def test_training_leaves_a_model_a_measurement_and_a_report(source: Path) -> None:
    description = json.loads((source / "model/model.json").read_text())
    assert len(description["labels"]) == 10
    assert description["preprocessing"]["modality"]["name"] == "rgb"
    summary = json.loads((source / "summary.json").read_text())
    assert 0 <= summary["candidates"][0]["evaluation"]["accuracy"] <= 1
    assert json.loads((source / "run.json").read_text())["status"] == "complete"
    assert "<html" in (source / "report.html").read_text()


def test_adapting_compares_delivers_and_reports(adapted: Path) -> None:
    summary = json.loads((adapted / "summary.json").read_text())
    assert [c["name"] for c in summary["candidates"]] == ["source-only", "adabn", "translated", "adapted"]
    assert summary["delivered"] in ("source-only", "adabn", "adapted")
    counts = summary["counts"]
    assert (counts["target"], counts["pairs"] + counts["held_out_pairs"]) == (40, 40)
    assert 10 <= counts["held_out_pairs"] <= 13
    assert (summary["estimate"] is None) == any("cannot be estimated" in warning for warning in summary["warnings"])
    delivered = load_file(adapted / "model/weights.safetensors")
    chosen = load_file(adapted / "candidates" / summary["delivered"] / "weights.safetensors")
    different = {name for name in chosen if not torch.equal(delivered[name], chosen[name])}
    assert different <= {"temperature"}
    told = next(c for c in summary["candidates"] if c["name"] == summary["delivered"])
    assert delivered["temperature"].item() == pytest.approx(told["temperature"])
    stages = [json.loads(line)["stage"] for line in (adapted / "metrics.jsonl").read_text().splitlines()]
    assert stages == ["tgmb"] * 4 + ["multilevel"] * 4
    report = (adapted / "report.html").read_text()
    for c in summary["candidates"]:
        agreement = c["scores"]["pair_agreement"]
        assert f'data-candidate="{c["name"]}" data-name="pair_agreement" data-value="{agreement}"' in report
    assert "Status <b>complete</b>" in report
    assert "not complete" not in report
    assert len(list((adapted / "gallery").glob("*_translated.png"))) == 24


def test_adaptation_does_not_read_labels(
    adapted: Path, adapt_arguments: tuple[object, ...], data: Path, sourcefree: Run, tmp_path: Path
) -> None:
    """The same images in the same order, in folders of the source model's classes, give the same weights."""
    labels = sorted(folder.name for folder in (data / "target/test").iterdir())
    images = sorted((data / "target/train").glob("*.png"))
    for position, image in enumerate(images):
        folder = tmp_path / "labelled" / labels[position * len(labels) // len(images)]
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(image, folder)
    arguments = [tmp_path / "labelled" if word == data / "target/train" else word for word in adapt_arguments]
    sourcefree(*arguments, "--out", tmp_path / "run", "--allow-collapse")
    assert_same_weights(adapted, tmp_path / "run")
    assert all(c["evaluation"] is None for c in json.loads((tmp_path / "run/summary.json").read_text())["candidates"])


def test_evaluating_measures_every_candidate(
    adapted: Path, adapt_arguments: tuple[object, ...], data: Path, sourcefree: Run, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(adapted, run)
    shutil.copytree(data / "target/test", tmp_path / "test")
    (tmp_path / "test/photo.gif").write_bytes(b"GIF89a")
    result = sourcefree("evaluate", run, tmp_path / "test")
    assert ".gif" in result.stdout
    for name in ("source-only", "adabn", "translated", "adapted", "calibrated"):
        assert name in result.stdout
    candidates = json.loads((run / "summary.json").read_text())["candidates"]
    assert all(np.sum(c["evaluation"]["confusion"]) == 20 for c in candidates)
    measured = (run / "summary.json").read_bytes()
    assert "Accuracy on test." in (run / "model/README.md").read_text()
    # A run that is complete is not written anew: what was measured would be lost.
    sourcefree(*adapt_arguments, "--out", run, "--allow-collapse", "--resume")
    assert (run / "summary.json").read_bytes() == measured


def test_evaluating_without_candidates_measures_what_is_delivered(
    adapted: Path, data: Path, sourcefree: Run, tmp_path: Path
) -> None:
    for name in ("whole", "bare"):
        shutil.copytree(adapted, tmp_path / name)
    shutil.rmtree(tmp_path / "bare/candidates")
    whole, bare = (sourcefree("evaluate", tmp_path / name, data / "target/test") for name in ("whole", "bare"))
    summary, expected = (json.loads((tmp_path / name / "summary.json").read_text()) for name in ("bare", "whole"))
    assert summary["calibrated"] == expected["calibrated"]
    for found, wanted in zip(summary["candidates"], expected["candidates"], strict=True):
        assert (found["evaluation"] is None) == (found["name"] != summary["delivered"])
        if found["evaluation"]:
            assert found["evaluation"]["accuracy"] == wanted["evaluation"]["accuracy"]
            assert found["evaluation"]["ece"] == pytest.approx(wanted["evaluation"]["ece"], abs=1e-5)
    table = f"confusion of {summary['delivered']}"
    assert (
        bare.stdout.partition(table)[2].partition("report")[0]
        == whole.stdout.partition(table)[2].partition("report")[0]
    )
    assert table in bare.stdout


def test_models_that_are_gone_keep_no_numbers_of_other_images(
    adapted: Path, data: Path, sourcefree: Run, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(adapted, run)
    shutil.copytree(data / "target/test", tmp_path / "other")
    sourcefree("evaluate", run, data / "target/test")
    shutil.rmtree(run / "candidates")

    def measured_on() -> dict[str, str | None]:
        summary = json.loads((run / "summary.json").read_text())
        found = {one["name"]: (one["evaluation"] or {}).get("data") for one in summary["candidates"]}
        return {"here" if name == summary["delivered"] else name: on for name, on in found.items()}

    sourcefree("evaluate", run, data / "target/test")
    assert set(measured_on().values()) == {"test"}
    sourcefree("evaluate", run, tmp_path / "other")
    assert {name: on for name, on in measured_on().items() if on} == {"here": "other"}


def test_a_damaged_summary_is_named(adapted: Path, data: Path, sourcefree: Run, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(adapted, run)
    (run / "config.yaml").write_text("inputs: [")
    for text in ("[]", "{}", '{"candidates": [1], "delivered": "adapted", "counts": {}}'):
        (run / "summary.json").write_text(text)
        error = sourcefree("evaluate", run, data / "target/test", expect=2).stderr
        assert f"{run}/summary.json: not the summary of a run" in error
    assert f"{run}/config.yaml: not valid YAML" in sourcefree("export", run, "--out", tmp_path / "out", expect=2).stderr


def test_the_test_of_a_source_model_is_told_as_of_its_own_images(
    source: Path, data: Path, sourcefree: Run, tmp_path: Path
) -> None:
    shutil.copytree(source, tmp_path / "run")
    sourcefree("evaluate", tmp_path / "run", data / "source/train")
    entry = json.loads((tmp_path / "run/summary.json").read_text())["candidates"][0]
    assert entry["description"] == "The source model on labelled images: train."
    assert entry["class_counts"] == np.sum(entry["evaluation"]["confusion"], axis=0).tolist()
    assert sum(entry["class_counts"]) == 60
    assert "held-out images of its own sensor" not in (tmp_path / "run/report.html").read_text()


def test_predictions_are_probabilities_of_the_runs_labels(
    adapted: Path, data: Path, sourcefree: Run, tmp_path: Path
) -> None:
    folder = data / "target/test"
    one = next(folder.rglob("*.png"))
    sourcefree("predict", adapted, folder, one, "--out", tmp_path / "p.csv")
    rows = list(csv.DictReader((tmp_path / "p.csv").open()))
    assert len(rows) == 21
    for row in rows:
        values = {name[2:-1]: float(value) for name, value in row.items() if name.startswith("p(")}
        assert sum(values.values()) == pytest.approx(1, abs=1e-4)
        assert max(values, key=lambda name: values[name]) == row["label"]
    same = [row for row in rows if row["file"] == str(one)]
    assert same[0] == same[1]
    sourcefree("predict", adapted, one, "--out", tmp_path / "p.json")
    entry = json.loads((tmp_path / "p.json").read_text())[0]
    assert entry["label"] == same[0]["label"]
    assert sourcefree("predict", adapted, one).stdout.startswith("file,label,confidence,")


def test_translating_writes_colour_images(adapted: Path, data: Path, sourcefree: Run, tmp_path: Path) -> None:
    sourcefree("translate", adapted, data / "target/test", "--out", tmp_path / "t")
    files = list((tmp_path / "t").rglob("*.png"))
    assert len(files) == 20
    assert read_image(files[0]).shape == (32, 32, 3)


def test_inspecting_prints_what_is_there(data: Path, sourcefree: Run) -> None:
    text = sourcefree("inspect", data / "target/train", "--modality", "depth").stdout
    assert "40 x uint16, 1 channel" in text
    assert "% missing" in text
    pairs = ("inspect", data / "pairs/rgb", "--pairs-with", data / "pairs/depth")
    assert "pairs        40" in sourcefree(*pairs).stdout
    assert json.loads(sourcefree(*pairs, "--json").stdout)["pairs"] == 40


def test_the_same_seed_gives_the_same_weights(
    adapted: Path, adapt_arguments: tuple[object, ...], sourcefree: Run, tmp_path: Path
) -> None:
    sourcefree(*adapt_arguments, "--out", tmp_path / "again", "--allow-collapse")
    assert_same_weights(adapted, tmp_path / "again")


def test_a_killed_run_resumes_to_the_same_weights(
    adapted: Path, adapt_arguments: tuple[object, ...], sourcefree: Run, tmp_path: Path
) -> None:
    out = tmp_path / "killed"
    arguments = (*adapt_arguments, "--out", out, "--allow-collapse")
    process = subprocess.Popen(command(*arguments), env=ENVIRONMENT, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not (out / "checkpoints/multilevel.pt").exists():
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (out / "model").exists()
    assert "not finished" in sourcefree("evaluate", out, out, expect=2).stderr
    assert "not finished" in sourcefree("predict", out, out, expect=2).stderr
    assert json.loads((out / "run.json").read_text())["status"] == "running"
    sourcefree(*arguments, "--resume")
    assert_same_weights(adapted, out)
    assert (out / "metrics.jsonl").read_text() == (adapted / "metrics.jsonl").read_text()


def test_an_interrupt_ends_cleanly_and_can_be_resumed(data: Path, sourcefree: Run, tmp_path: Path) -> None:
    out = tmp_path / "run"
    arguments = (
        "train-source",
        data / "source/train",
        *("--out", out, "--backbone", BACKBONE, "--no-pretrained", "--size", 32, "--batch-size", 16, "--epochs", 300),
    )
    process = subprocess.Popen(command(*arguments), env=ENVIRONMENT, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 120
    while not (out / "checkpoints/source.pt").exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"--resume" in error
    assert b"Traceback" not in error
    assert json.loads((out / "run.json").read_text())["status"] == "interrupted"


def test_two_processes_share_the_work(adapt_arguments: tuple[object, ...], tmp_path: Path) -> None:
    out = tmp_path / "two"
    launcher = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc-per-node=2",
        "-m",
        "sourcefree.cli",
    ]
    arguments = [*map(str, adapt_arguments), "--out", str(out), "--allow-collapse", "--device", "cpu"]
    result = subprocess.run([*launcher, *arguments], capture_output=True, text=True, env=ENVIRONMENT, timeout=300)
    assert result.returncode == 0, result.stderr[-3000:]
    assert json.loads((out / "run.json").read_text())["environment"]["processes"] == 2
    assert (out / "model/model.json").is_file()
    assert len((out / "metrics.jsonl").read_text().splitlines()) == 8


def test_several_source_models_are_adapted_as_one(
    adapt_arguments: tuple[object, ...], source: Path, data: Path, tmp_path: Path, sourcefree: Run
) -> None:
    out = tmp_path / "several"
    words = (*adapt_arguments, "--source-model", source, "--method", "socket", "--out", out, "--allow-collapse")
    sourcefree(*words)
    description = json.loads((out / "candidates/adapted/model.json").read_text())
    assert description["architecture"]["kind"] == "ensemble"
    assert len(description["architecture"]["members"]) == 2
    sourcefree("evaluate", out, data / "target/test")
    summary = json.loads((out / "summary.json").read_text())
    found = {candidate["name"]: candidate["evaluation"] for candidate in summary["candidates"]}
    assert set(found) == {"source-only", "adabn", "translated", "adapted"}
    assert all(evaluation["count"] == 20 for evaluation in found.values())


def assert_same_weights(first: Path, second: Path) -> None:
    for part in ("candidates/adapted", "translator"):
        one, two = (load_file(run / part / "weights.safetensors") for run in (first, second))
        assert one.keys() == two.keys()
        assert all(torch.equal(one[name], two[name]) for name in one)
