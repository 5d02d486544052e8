"""A tuning under way: trials one after the other or side by side, and a folder that is always in order."""

from __future__ import annotations

import csv
import io
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sourcefree.config import AdaptSettings
from sourcefree.engine.progress import Progress
from sourcefree.engine.run_folder import RunFolder
from sourcefree.errors import DivergenceError, SourcefreeError
from sourcefree.overrides import override
from sourcefree.selection.objective import Objective
from sourcefree.selection.space import Space, Value
from sourcefree.studies.executors import LocalExecutor
from sourcefree.studies.search import Point, Search
from sourcefree.studies.trial import TrialRecord, is_whole, publish, read_record, run_trial, strip


@dataclass(frozen=True)
class Trial:
    """Settings that were tried, and what came of them.

    Attributes:
        number: 0 has the defaults.
        values: of the searched settings, by dotted name.
        score: higher is better; minus infinity where the trial diverged.
        record: what the run gave.
    """

    number: int
    values: Mapping[str, Value]
    score: float
    record: TrialRecord


@dataclass(frozen=True)
class TuneResult:
    """What a tuning gave.

    Attributes:
        out: its folder: trials.csv, best.yaml, best.
        run: run folder of the best trial, with its model and report.
        settings: of the best trial, for :func:`sourcefree.adapt`.
        best: the best trial; the defaults' where nothing is better.
        default: the trial of the defaults.
        trials: all finished ones, by number.
        failures: (trial, reason) of those that could not be run; the next call tries them again.
    """

    out: Path
    run: Path
    settings: AdaptSettings
    best: Trial
    default: Trial
    trials: Sequence[Trial]
    failures: Sequence[tuple[int, str]]


@dataclass
class Tuning:
    """A tuning under way: asks the search, runs trials, keeps the folder as the trials so far deserve."""

    folder: RunFolder
    settings: AdaptSettings
    inputs: Mapping[str, Any]
    space: Space
    objective: Objective
    search: Search
    executor: LocalExecutor
    progress: Progress
    trials: dict[int, Trial] = field(default_factory=dict)
    failures: list[tuple[int, str]] = field(default_factory=list)

    def run(self, count: int) -> None:
        """Run trials until there are ``count``."""
        for point in self.search.finished():
            self.trials[point.number] = self._trial(point, read_record(self._place(point.number)))
        self._keep()
        before, started = len(self.trials), time.monotonic()
        self.progress.say(f"{count} trials, {min(before, count)} of them done")
        if before >= count and 0 in self.trials:
            return
        self.progress.start("trials", count)
        self.progress.advance(before)
        asked: list[Point] = []
        with closing(self.executor.run(run_trial, self._pieces(count, asked))) as outcomes:
            for outcome in outcomes:
                point = asked[outcome.number]
                if outcome.error is not None:
                    self._fail(point, outcome.error, outcome.hint)
                    continue
                self._take(point, outcome.value)
                done = len(self.trials)
                self.progress.advance(done)
                left = (time.monotonic() - started) / (done - before) * (count - done)
                self.progress.say(self._told(self.trials[point.number], count - done, left))

    def result(self) -> TuneResult:
        """Return the best trial and all others."""
        best = self._best()
        if best is None:
            raise DivergenceError(
                f"{self.folder.path}: all {len(self.trials)} trials diverged, the defaults too: "
                f"{self.trials[0].record.note}",
                hint="tune with lower learning rates (--space) or --precision fp32, in another folder",
            )
        return TuneResult(
            out=self.folder.path,
            run=self.folder.path / "best",
            settings=self._settings(best),
            best=best,
            default=self.trials[0],
            trials=[self.trials[number] for number in sorted(self.trials)],
            failures=self.failures,
        )

    def _pieces(self, count: int, asked: list[Point]) -> Iterator[dict[str, Any]]:
        """Yield a trial whenever a process is free: first those that were stopped, then new ones."""
        for point in self.search.unfinished():
            asked.append(point)
            yield self._piece(point)
        while len(self.trials) + self._pending(asked) < count:
            point = self.search.ask()
            asked.append(point)
            yield self._piece(point)

    def _pending(self, asked: Sequence[Point]) -> int:
        """Return how many of the trials asked for have not ended well, or not yet."""
        return sum(point.number not in self.trials for point in asked)

    def _piece(self, point: Point) -> dict[str, Any]:
        return {"folder": self._place(point.number), "settings": self._settings(point), "inputs": self.inputs}

    def _take(self, point: Point, record: TrialRecord) -> None:
        trial = self._trial(point, record)
        self.search.tell(point.number, None if math.isinf(trial.score) else trial.score)
        self.trials[point.number] = trial
        self._keep()

    def _trial(self, point: Point, record: TrialRecord) -> Trial:
        score = -math.inf if record.status == "diverged" else self.objective(record.scores)
        # A score that is no number, as of scores over nothing, is no reason to choose a trial.
        return Trial(point.number, point.values, -math.inf if math.isnan(score) else score, record)

    def _fail(self, point: Point, error: str, hint: str | None) -> None:
        if point.number == 0:  # nothing to compare with, and the others would most likely fail alike
            raise SourcefreeError(f"trial 0, the method's defaults: {error}", hint=hint)
        self.failures.append((point.number, f"{error} ({hint})" if hint else error))
        self.progress.say(f"trial {point.number} failed: {error}")

    def _keep(self) -> None:
        """Keep the best run whole, the records of all, and nothing else; write the tables."""
        best = self._best()
        for number in self.trials:
            place = self._place(number)
            if best is not None and number == best.number and is_whole(place):
                publish(place, self.folder.path / "best")
            strip(place)
        self.folder.write_text("trials.csv", _table(self.trials, list(self.space)))
        if best is not None:
            self.folder.write_yaml("best.yaml", self._settings(best).model_dump(mode="json"))

    def _best(self) -> Trial | None:
        """Return the trial of the highest score, the earlier one of equals; None while all have diverged.

        A model that its run's guard would not deliver comes after all that were: the score alone is no reason to trust it.
        """
        done = [trial for trial in self.trials.values() if trial.record.status == "done"]
        return max(done, key=lambda trial: (not trial.record.refused, trial.score, -trial.number), default=None)

    def _settings(self, tried: Point | Trial) -> AdaptSettings:
        return override(self.settings, tried.values, origin=f"trial {tried.number}")

    def _place(self, number: int) -> Path:
        return self.folder.path / "trials" / f"{number:04d}"

    def _told(self, trial: Trial, remaining: int, seconds: float) -> str:
        best = self._best()
        record = trial.record
        refused = f", but {record.delivered} is delivered" if record.refused else ""
        came = f"score {trial.score:.4f}{refused}" if record.status == "done" else f"diverged ({record.note})"
        leads = f"; best: trial {best.number}, {best.score:.4f}" if best is not None else ""
        left = f"; {remaining} to go, about {_duration(seconds)} left" if remaining else ""
        return f"trial {trial.number}: {came}{leads}{left}"


def _table(trials: Mapping[int, Trial], searched: Sequence[str]) -> str:
    """Return the trials as CSV: one row a trial, one column a setting and a score."""
    rows = [trials[number] for number in sorted(trials)]
    scores = list(dict.fromkeys(name for trial in rows for name in trial.record.scores))
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["trial", "status", "score", "delivered", *searched, *scores, "seconds", "note"])
    for trial in rows:
        record = trial.record
        settings = [trial.values[name] for name in searched]
        measured = [record.scores.get(name, "") for name in scores]
        row = [record.status, trial.score, record.delivered, *settings, *measured, record.seconds, record.note]
        writer.writerow([trial.number, *(f"{cell:.6g}" if isinstance(cell, float) else cell for cell in row)])
    return text.getvalue()


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{max(1, round(seconds))} s"
    return f"{minutes} min" if minutes < 120 else f"{minutes / 60:.1f} h"
