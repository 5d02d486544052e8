"""What a model is judged on: never what it was trained on, and of the pairs no fewer than there are."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from sourcefree.commands.adaptation import Adaptation
from sourcefree.commands.candidates import Candidate
from sourcefree.commands.delivery import decide
from sourcefree.errors import DivergenceError
from sourcefree.methods.presets import method_settings
from sourcefree.overrides import override
from sourcefree.selection.estimate import estimate_accuracy
from sourcefree.selection.scores import mean_confidence, mutual_information
from sourcefree.studies.cell import Cell
from sourcefree.studies.measure import load_cell
from sourcefree.studies.prepare import prepare
from sourcefree.studies.study import ready_tasks
from sourcefree.studies.task_folders import TaskFolders

BRIEF = {"epochs": 1, "min_steps": 0, "batch_size": 20}


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def load(cache: Path, folder: Path, method: str, sections: list[str], **pairs: Any) -> Adaptation:
    """Return a brief adaptation to the tiny task with some of its pairs."""
    task = ready_tasks()["depth-tiny"]
    task = task.model_copy(update={"pairs": task.pairs.model_copy(update=pairs)})
    folders = TaskFolders(task, 0, cache, cache)
    prepare(folders)
    brief = {f"{section}.optimisation.{name}": value for section in sections for name, value in BRIEF.items()}
    cell = Cell("t", method, task, 0, override(method_settings(method), brief))
    return load_cell(cell, folders.prepared(), folder, folder / "bridges")[0]


def witnesses(cache: Path, folder: Path, method: str, sections: list[str], **pairs: Any) -> dict[str, int]:
    """Return on how many pairs each candidate of a run was judged."""
    adaptation = load(cache, folder, method, sections, **pairs)
    found: dict[str, Candidate] = adaptation.candidates(adaptation.judge())
    assert all(len(c.source_logits) == len(c.pair_logits) for c in found.values())
    return {name: len(candidate.pair_logits) for name, candidate in found.items()}


def test_where_pairs_are_few_models_that_saw_none_are_judged_on_all(cache: Path, tmp_path: Path) -> None:
    counts = witnesses(cache, tmp_path, "auto", ["multilevel", "shot", "aad"], count=30)
    kept = counts["adapted"]
    assert kept <= 10
    assert counts == {"source-only": 30, "adabn": 30, "adapted": kept, "shot": 30, "aad": 30}


def test_a_rival_that_diverges_takes_no_part_and_spoils_nothing(cache: Path, tmp_path: Path) -> None:
    adaptation = load(cache, tmp_path, "auto", ["multilevel", "shot", "aad"])
    endless = override(adaptation.settings, {"shot.optimisation.learning_rate": 1e30})
    adaptation = replace(adaptation, settings=endless)
    assert set(adaptation.candidates(adaptation.judge())) == {"source-only", "adabn", "adapted", "aad"}
    (told,) = adaptation.diverged
    assert told.startswith("The rival shot diverged and takes no part")
    (tmp_path / "alone").mkdir()
    alone = load(cache, tmp_path / "alone", "shot", ["shot"])
    hopeless = override(alone.settings, {"shot.optimisation.learning_rate": 1e30})
    with pytest.raises(DivergenceError):  # here it is what the method is about
        replace(alone, settings=hopeless).candidates(alone.judge())


def test_a_translator_has_seen_the_pairs_too(cache: Path, tmp_path: Path) -> None:
    counts = witnesses(cache, tmp_path, "tgmb", ["tgmb"], count=30)
    assert counts["translated"] < counts["adabn"] == 30


def test_where_enough_are_held_out_every_model_is_judged_on_those(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sourcefree.commands.adaptation.ENOUGH", 5)
    counts = witnesses(cache, tmp_path, "multilevel", ["multilevel"], count=30)
    assert set(counts.values()) == {counts["adapted"]}
    assert 5 <= counts["adapted"] <= 10


def test_accuracy_is_estimated_on_target_images_that_no_model_was_trained_on(cache: Path, tmp_path: Path) -> None:
    adaptation = load(cache, tmp_path, "multilevel", ["multilevel"])
    target, judge = adaptation.target, adaptation.judge()
    kept = [target.whole.names[position] for position in target.held_out]
    assert kept
    assert sorted([*kept, *target.train.names]) == sorted(target.whole.names)
    assert target.train.augment and not target.whole.augment
    for candidate in adaptation.candidates(judge).values():
        logits = candidate.target.logits
        assert len(logits) == len(target.whole) == 40
        found = candidate.target_scores["estimated_accuracy"]
        assert found == pytest.approx(mean_confidence(logits[target.held_out] / candidate.temperature))
        assert found != pytest.approx(mean_confidence(logits / candidate.temperature), abs=1e-6)
    delivery = decide(
        {"source-only": replace(candidate, name="source-only", chance=0.0)}, judge, adaptation.settings, ("a", "b")
    )
    unseen = (logits[target.held_out] / candidate.temperature).softmax(-1).amax(-1)
    assert delivery.estimate == estimate_accuracy(unseen, torch.tensor(target.held_out_scenes))


def test_models_are_compared_at_the_temperature_that_is_trusted_and_leads_are_tested_by_pairs_alone(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    adaptation = load(cache, tmp_path, "source-only", [])
    judge, model = adaptation.judge(), adaptation.source_only()
    found = []
    for temperature in (0.01, 0.7):  # of mixtures: below what pairs allow, and within
        monkeypatch.setattr("sourcefree.commands.candidates.source_free_temperature", lambda *_, t=temperature: t)
        candidate = judge.candidate("source-only", model)
        information = mutual_information(candidate.target.logits / candidate.temperature)
        assert candidate.scores["target_information"] == pytest.approx(information)
        found.append(candidate)
    assert found[0].temperature < found[1].temperature
    assert found[0].scores["target_information"] > found[1].scores["target_information"]
    assert found[0].resampled.equal(found[1].resampled)
