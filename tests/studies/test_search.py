"""Proposals: the defaults first, the same after a stop, none lost."""

from __future__ import annotations

import sys
from pathlib import Path

import optuna
import pytest
from optuna.storages.journal import JournalFileBackend

from sourcefree.errors import CheckpointError, ConfigError
from sourcefree.selection.space import Choice, Range
from sourcefree.studies.search import Point, Search

SPACE = {
    "rate": Range(1e-4, 1e-1, log=True),
    "weight": Range(0, 1),
    "k": Range(1, 9, whole=True),
    "o": Choice(("a", None)),
}
DEFAULTS = {"rate": 1e-2, "weight": 7.0, "k": 3, "o": "a"}  # the weight lies outside


def search(folder: Path, seed: int = 0) -> Search:
    return Search(folder / "journal.log", SPACE, DEFAULTS, seed=seed)


def score(point: Point) -> float | None:
    return None if point.values["k"] == 1 else -abs(float(str(point.values["rate"])) - 0.01)


def go_on(one: Search, count: int) -> list[Point]:
    points = []
    for _ in range(count):
        points.append(one.ask())
        one.tell(points[-1].number, score(points[-1]))
    return points


def test_the_defaults_come_first_wherever_they_lie_and_the_rest_stays_inside(tmp_path: Path) -> None:
    points = go_on(search(tmp_path), 14)
    assert points[0] == Point(0, DEFAULTS)
    assert [point.number for point in points] == list(range(14))
    for point in points[1:]:
        assert all(SPACE[name].holds(value) for name, value in point.values.items())
        assert isinstance(point.values["k"], int)
        rate, short = point.values["rate"], float(f"{point.values['rate']:.4g}")
        assert rate == short
    assert len({tuple(point.values.items()) for point in points}) == 14


def test_the_search_learns_of_the_defaults_that_the_space_holds(tmp_path: Path) -> None:
    go_on(search(tmp_path), 1)
    storage = optuna.storages.JournalStorage(JournalFileBackend(str(tmp_path / "journal.log")))
    (trial,) = optuna.load_study(study_name=None, storage=storage).trials
    assert trial.params == {name: value for name, value in DEFAULTS.items() if name != "weight"}


def test_a_search_that_was_stopped_proposes_what_the_unbroken_one_does(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    (tmp_path / "c").mkdir()
    unbroken = go_on(search(tmp_path / "a"), 14)
    stopped = [point for count in (3, 9, 2) for point in go_on(search(tmp_path / "b"), count)]
    assert stopped == unbroken
    assert search(tmp_path / "b").finished() == unbroken
    assert go_on(search(tmp_path / "c", seed=1), 3) != unbroken[:3]


def test_what_was_asked_for_and_never_told_comes_again(tmp_path: Path) -> None:
    first, second = (one := search(tmp_path)).ask(), one.ask()
    again = search(tmp_path)
    assert again.unfinished() == [first, second]
    again.tell(first.number, 0.0)
    assert search(tmp_path).unfinished() == [second]
    assert search(tmp_path).finished() == [first]


def test_a_damaged_journal_is_told(tmp_path: Path) -> None:
    (tmp_path / "journal.log").write_text("{}\nno json\n{}\n")
    with pytest.raises(CheckpointError, match=r"journal\.log"):
        search(tmp_path)


def test_without_optuna_the_error_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(ConfigError, match="optuna") as caught:
        search(tmp_path)
    assert "sourcefree[tune]" in str(caught.value)
