"""What a tuning keeps, gives back, refuses and goes on with; the adaptations are made up."""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from sourcefree.config import AdaptSettings
from sourcefree.data.image_io import write_image
from sourcefree.engine.progress import Silent
from sourcefree.engine.run_folder import RunFolder
from sourcefree.errors import ConfigError, DivergenceError, SourcefreeError
from sourcefree.methods.presets import method_settings
from sourcefree.models.trained import TrainedClassifier
from sourcefree.overrides import override, read_overrides
from sourcefree.selection.objective import DECISIVE, find_objective
from sourcefree.selection.space import Range, setting
from sourcefree.studies import trial as trial_module
from sourcefree.studies import tune as tune_module
from sourcefree.studies.executors import Outcome
from sourcefree.studies.search import Search
from sourcefree.studies.trial import RECORD, TrialRecord, read_record, run_trial
from sourcefree.studies.tuning import TuneResult, Tuning
from support.classifiers import SIZE, small_classifier

NAME = "shot.information"
SPACE = {NAME: Range(0, 2)}
Came = Callable[[int, AdaptSettings], TrialRecord | str]


def gave(loss: float, status: str = "done", note: str = "") -> TrialRecord:
    """Return the record of a trial whose score is 1 - loss."""
    scores = {"pair_information": 0.5, "target_information": 1 - loss}
    return TrialRecord(status, scores, "adapted", 2.0, note)  # type: ignore[arg-type]


class Here:
    """Runs made-up trials in this process and leaves folders like those of real ones."""

    def __init__(self, came: Came) -> None:
        self.came, self.ran = came, list[int]()

    def run(self, _work: object, pieces: Iterator[dict[str, Any]]) -> Iterator[Outcome]:
        for position, piece in enumerate(pieces):
            folder: Path = piece["folder"]
            self.ran.append(int(folder.name))
            came = self.came(int(folder.name), piece["settings"])
            if isinstance(came, str):
                yield Outcome(position, error=came, hint="try again")
                continue
            for name in ("model/w", "candidates/w", "checkpoints/w", "gallery/w", "analysis.npz", "report.html"):
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_text(folder.name)
            RunFolder(folder).write_json(RECORD, vars(came))
            yield Outcome(position, came)


def tuning(out: Path, executor: Here) -> Tuning:
    out.mkdir(exist_ok=True)
    settings = method_settings("shot")
    search = Search(out / "journal.log", SPACE, {NAME: setting(settings, NAME)}, seed=0)
    return Tuning(RunFolder(out), settings, {}, SPACE, find_objective(DECISIVE), search, executor, Silent())  # type: ignore[arg-type]


def run(out: Path, count: int, came: Came) -> tuple[TuneResult, list[int]]:
    executor = Here(came)
    one = tuning(out, executor)
    one.run(count)
    return one.result(), executor.ran


def third_is_best(number: int, _settings: AdaptSettings) -> TrialRecord:
    return gave(0.1 if number == 2 else 0.5 + number / 10)


def test_the_best_run_is_kept_whole_and_of_the_others_the_records_only(tmp_path: Path) -> None:
    result, ran = run(tmp_path, 4, third_is_best)
    assert ran == [0, 1, 2, 3]
    assert (result.best.number, result.default.number) == (2, 0)
    assert result.best.score == pytest.approx(0.9)
    assert (result.run / "model/w").read_text() == "0002"
    assert (result.run / "candidates/w").is_file()
    assert not (result.run / "checkpoints").exists()
    for place in sorted((tmp_path / "trials").iterdir()):
        assert {entry.name for entry in place.iterdir()} == {RECORD, "report.html"}


def test_the_table_and_the_settings_of_the_best_can_be_read(tmp_path: Path) -> None:
    result, _ = run(tmp_path, 4, third_is_best)
    rows = list(csv.DictReader((tmp_path / "trials.csv").open()))
    assert [row["trial"] for row in rows] == ["0", "1", "2", "3"]
    assert rows[0][NAME] == str(int(setting(method_settings("shot"), NAME)))
    assert [float(row[NAME]) for row in rows[1:]] == [trial.values[NAME] for trial in result.trials[1:]]
    assert float(rows[2]["score"]) == pytest.approx(0.9)
    assert {"status", "delivered", "pair_information", "seconds", "note"} <= rows[0].keys()
    again = override(method_settings("shot"), read_overrides(tmp_path / "best.yaml"))
    assert again == result.settings
    assert setting(again, NAME) == result.best.values[NAME] != setting(method_settings("shot"), NAME)


def test_the_defaults_win_where_nothing_is_better(tmp_path: Path) -> None:
    result, _ = run(tmp_path, 3, lambda _number, _settings: gave(0.5))
    assert result.best is result.default
    assert result.settings == method_settings("shot")
    assert (result.run / "model/w").read_text() == "0000"


def test_a_model_that_its_guard_refuses_is_no_better_for_a_higher_score(tmp_path: Path) -> None:
    def better_but_refused(number: int, _settings: AdaptSettings) -> TrialRecord:
        return replace(gave(0.1), delivered="source-only", refused=True) if number else gave(0.5)

    result, _ = run(tmp_path / "one", 3, better_but_refused)
    assert result.best is result.default
    none, _ = run(tmp_path / "none", 3, lambda number, _: replace(gave(0.5 - 0.1 * number), refused=True))
    assert none.best.number == 2


def test_a_finished_tuning_runs_nothing_and_more_trials_are_added(tmp_path: Path) -> None:
    first, _ = run(tmp_path, 2, third_is_best)
    table = (tmp_path / "trials.csv").read_text()
    second, ran = run(tmp_path, 2, third_is_best)
    assert ran == []
    assert (second.best, second.trials) == (first.best, first.trials)
    assert (tmp_path / "trials.csv").read_text() == table
    third, ran = run(tmp_path, 4, third_is_best)
    assert ran == [2, 3]
    assert (third.run / "model/w").read_text() == "0002"
    unbroken, _ = run(tmp_path / "unbroken", 4, third_is_best)
    assert unbroken.trials == third.trials


def test_a_trial_that_was_stopped_is_run_again_and_told_ones_are_not(tmp_path: Path) -> None:
    def stopped(number: int, _settings: AdaptSettings) -> TrialRecord:
        if number == 1:
            raise KeyboardInterrupt
        return gave(0.5)

    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, 3, stopped)
    assert (tmp_path / "best/model/w").read_text() == "0000"
    _, ran = run(tmp_path, 3, third_is_best)
    assert ran == [1, 2]


def test_the_defaults_are_run_even_where_enough_others_are_done(tmp_path: Path) -> None:
    search = tuning(tmp_path, Here(third_is_best)).search
    search.ask(), search.ask()
    (tmp_path / "trials/0001").mkdir(parents=True)
    RunFolder(tmp_path / "trials/0001").write_json(RECORD, vars(gave(0.3)))
    search.tell(1, 0.7)
    result, ran = run(tmp_path, 1, third_is_best)
    assert ran == [0]
    assert (result.default.number, result.best.number) == (0, 1)


def test_divergence_is_a_result(tmp_path: Path) -> None:
    def came(number: int, _settings: AdaptSettings) -> TrialRecord:
        return gave(0.01, "diverged", "the loss is not finite") if number == 1 else gave(0.5)

    result, _ = run(tmp_path, 3, came)
    assert result.best.number == 0
    assert result.trials[1].score == -math.inf
    row = list(csv.DictReader((tmp_path / "trials.csv").open()))[1]
    assert (row["status"], row["score"], row["note"]) == ("diverged", "-inf", "the loss is not finite")
    assert run(tmp_path, 3, came)[1] == []
    with pytest.raises(DivergenceError, match=r"all 2 trials diverged.*not finite"):
        run(tmp_path / "all", 2, lambda _number, _settings: gave(0.1, "diverged", "the loss is not finite"))


def test_a_failure_is_reported_and_tried_again_but_that_of_the_defaults_ends_it(tmp_path: Path) -> None:
    def came(number: int, _settings: AdaptSettings) -> TrialRecord | str:
        return "memory ran out" if number == 1 else gave(0.5)

    result, ran = run(tmp_path, 3, came)
    assert ran == [0, 1, 2]
    assert result.failures == [(1, "memory ran out (try again)")]
    assert run(tmp_path, 3, third_is_best)[1] == [1]
    with pytest.raises(SourcefreeError, match="defaults: memory ran out"):
        run(tmp_path / "first", 3, lambda _number, _settings: "memory ran out")


def adapting(monkeypatch: pytest.MonkeyPatch, error: Exception | None = None, *, leaves: bool = True) -> list[bool]:
    """Put a made-up adapt in place of the real one; returns whether each call resumed."""
    calls: list[bool] = []

    def adapt(*, out: Path, settings: AdaptSettings, resume: bool) -> None:
        calls.append(resume)
        assert settings.method == "shot"
        out.mkdir(parents=True, exist_ok=True)
        (out / "config.yaml").write_text("x")
        names = ("source-only", "adapted")
        entries = [
            {"name": name, "scores": {"pair_divergence": len(name)}, "target_scores": {"snd": 1}} for name in names
        ]
        summary = {"candidates": entries, "preferred": "adapted", "delivered": "source-only", "warnings": ["mind"]}
        if leaves:
            (out / "summary.json").write_text(json.dumps(summary))
        if error is not None:
            raise error

    monkeypatch.setattr(trial_module, "adapt", adapt)
    return calls


def test_a_trial_goes_on_from_its_folder_and_is_never_run_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, place, settings = adapting(monkeypatch), tmp_path / "0001", method_settings("shot")
    (place / "checkpoints").mkdir(parents=True)  # stopped before the run had a configuration: begun anew
    record = run_trial(folder=place, settings=settings, inputs={})
    assert not (place / "checkpoints").exists()
    assert record.scores == {"pair_divergence": len("adapted"), "snd": 1}
    assert (record.status, record.delivered, record.warnings) == ("done", "source-only", ["mind"])
    assert record.refused
    assert run_trial(folder=place, settings=settings, inputs={}) == record == read_record(place)
    assert calls == [False]
    (place / RECORD).unlink()  # stopped before the end: gone on with
    run_trial(folder=place, settings=settings, inputs={})
    assert calls == [False, True]


@pytest.mark.parametrize("leaves", [True, False], ids=["collapsed", "not finite"])
def test_a_diverged_trial_is_recorded_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, leaves: bool
) -> None:
    adapting(monkeypatch, DivergenceError("it diverged"), leaves=leaves)
    record = run_trial(folder=tmp_path / "0000", settings=method_settings("shot"), inputs={})
    assert (record.status, record.note) == ("diverged", "it diverged")
    assert bool(record.scores) is leaves


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"trials": 0}, "trials: expected at least 1"),
        ({"jobs": 0}, "jobs: expected at least 1"),
        ({"score": "dev"}, "source-free"),
        ({"settings": method_settings("oracle")}, "target labels"),
        ({"settings": method_settings("adabn")}, "trains nothing"),
        ({"space": {"shot.informatoin": "0..1"}, "settings": method_settings("shot")}, "did you mean"),
        ({"space": {}}, "nothing is left to search"),
    ],
)
def test_what_cannot_be_tuned_is_refused_before_a_folder_is_made(
    tmp_path: Path, changes: dict[str, Any], part: str
) -> None:
    nowhere = dict.fromkeys(("source_model", "target", "pairs_source", "pairs_target"), tmp_path / "nowhere")
    with pytest.raises(ConfigError, match=part):
        tune_module.tune(**nowhere, modality="depth", out=tmp_path / "out", **changes)
    assert not (tmp_path / "out").exists()


def test_a_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    config = {"score": "target_information", "space": {NAME: "0..2"}}
    folder = tune_module._open(tmp_path / "out", config)
    assert yaml.safe_load((folder.path / "tune.yaml").read_text()) == config
    assert tune_module._open(tmp_path / "out", config) == folder
    with pytest.raises(ConfigError, match=r"space\.shot\.information: was '0\.\.2', is '0\.\.1'"):
        tune_module._open(tmp_path / "out", {"score": "target_information", "space": {NAME: "0..1"}})
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes.txt").write_text("mine")
    with pytest.raises(ConfigError, match="holds no tuning"):
        tune_module._open(tmp_path / "mine", config)


def test_a_tuning_goes_on_as_the_errors_of_its_trials_advise(tmp_path: Path) -> None:
    config = {"settings": {"seed": 0, "device": "auto", "max_unreadable": 0.05, "precision": "auto"}}
    tune_module._open(tmp_path / "out", config)
    tune_module._open(tmp_path / "out", {"settings": {**config["settings"], "device": "cpu", "max_unreadable": 0.5}})
    with pytest.raises(ConfigError, match=r"settings\.precision: was 'auto', is 'fp32'"):
        tune_module._open(tmp_path / "out", {"settings": {**config["settings"], "precision": "fp32"}})


def test_trials_of_one_tuning_start_from_one_source_model_and_see_the_same_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class BegunError(Exception):
        """Everything was accepted."""

    def begin(*_: object) -> None:
        raise BegunError

    monkeypatch.setattr(Tuning, "run", begin)
    picture = np.zeros((8, 8), np.uint16)
    for name in ("target/0.png", "pairs/depth/0.png", "pairs/rgb/0.png"):
        write_image(tmp_path / name, picture)

    def tune(model: TrainedClassifier) -> None:
        tune_module.tune(
            source_model=model,
            target=tmp_path / "target",
            pairs_source=tmp_path / "pairs/rgb",
            pairs_target=tmp_path / "pairs/depth",
            modality="depth",
            out=tmp_path / "out",
            settings=method_settings("shot"),
        )

    model, other = (
        TrainedClassifier.from_module(small_classifier(seed).network, labels=["a", "b", "c"], size=SIZE)
        for seed in (0, 1)
    )
    for _ in range(2):
        with pytest.raises(BegunError):
            tune(model)
    with pytest.raises(ConfigError, match=r"data\.source_model\.weights are not those of then"):
        tune(other)
    write_image(tmp_path / "target/1.png", picture)
    with pytest.raises(ConfigError, match=r"data\.target\.files: was 1, is 2"):
        tune(model)
