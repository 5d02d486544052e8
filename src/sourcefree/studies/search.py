"""Which settings are tried next: optuna, asked and told, with its journal in a file."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sourcefree.errors import CheckpointError, ConfigError
from sourcefree.seeds import stream_seed
from sourcefree.selection.space import Choice, Dimension, Space, Value

if TYPE_CHECKING:
    import optuna

_NAME = "sourcefree"


@dataclass(frozen=True)
class Point:
    """Settings to try.

    Attributes:
        number: of the trial; 0 has the defaults.
        values: by dotted name.
    """

    number: int
    values: Mapping[str, Value]


class Search:
    """Proposes settings and is told what came of them.

    What is proposed depends on the seed, the number of the trial and what was told before: a search that was stopped goes
    on as the unbroken one would (with several trials at a time, on the order in which they end too).

    Args:
        journal: file that keeps everything asked and told; read where it exists.
        space: what is searched.
        defaults: of every setting of the space: what trial 0 tries.
        seed: of the proposals.

    Raises:
        ConfigError: optuna is not installed.
        CheckpointError: the journal is damaged.
    """

    def __init__(self, journal: Path, space: Space, defaults: Mapping[str, Value], *, seed: int) -> None:
        self._optuna = load_optuna()
        self._space, self._defaults, self._seed = space, defaults, seed
        self._study = self._open(journal)
        if not self._study.trials:
            # The sampler learns of a default where the space holds it.
            held = {name: value for name, value in defaults.items() if space[name].holds(value)}
            self._study.enqueue_trial(held)

    def unfinished(self) -> list[Point]:
        """Return what was asked for and never told: a run that was stopped."""
        state = self._optuna.trial.TrialState
        whole = []
        for trial in self._study.get_trials(deepcopy=False, states=(state.RUNNING,)):
            if trial.number == 0 or trial.params.keys() == self._space.keys():
                whole.append(self._point(trial.number, trial.params))
            else:  # stopped while it was being drawn: nothing has run
                self._study.tell(trial.number, state=state.FAIL)
        return whole

    def finished(self) -> list[Point]:
        """Return the trials that were told, in their order."""
        state = self._optuna.trial.TrialState
        told = self._study.get_trials(deepcopy=False, states=(state.COMPLETE, state.PRUNED))
        return [self._point(trial.number, trial.params) for trial in told]

    def ask(self) -> Point:
        """Return the next settings to try."""
        self._study.sampler = self._sampler(len(self._study.get_trials(deepcopy=False)))
        trial = self._study.ask()
        for name, dimension in self._space.items():
            if trial.number > 0 or dimension.holds(self._defaults[name]):
                _suggest(trial, name, dimension)
        return self._point(trial.number, trial.params)

    def tell(self, number: int, score: float | None) -> None:
        """Take the score of a trial; None where it diverged, which counts as worse than every score."""
        if score is None:
            self._study.tell(number, state=self._optuna.trial.TrialState.PRUNED)
        else:
            self._study.tell(number, score)

    def _point(self, number: int, drawn: Mapping[str, Any]) -> Point:
        if number == 0:
            return Point(0, self._defaults)
        return Point(number, {name: _readable(drawn[name], one) for name, one in self._space.items()})

    def _open(self, journal: Path) -> optuna.Study:
        from optuna.storages import JournalStorage
        from optuna.storages.journal import JournalFileBackend

        try:
            storage = JournalStorage(JournalFileBackend(str(journal)))
            study: optuna.Study = self._optuna.create_study(
                storage=storage, study_name=_NAME, direction="maximize", load_if_exists=True
            )
        except (ValueError, KeyError) as error:
            raise CheckpointError(
                f"{journal}: not a journal of trials that can be read ({error})", hint="start again in another folder"
            ) from error
        return study

    def _sampler(self, number: int) -> optuna.samplers.BaseSampler:
        with warnings.catch_warnings():
            # The options have been in optuna for years under this label.
            warnings.simplefilter("ignore", self._optuna.exceptions.ExperimentalWarning)
            sampler: optuna.samplers.BaseSampler = self._optuna.samplers.TPESampler(
                multivariate=True,
                group=True,  # trial 0 may hold fewer settings than the space
                constant_liar=True,  # trials that run at the same time keep away from each other
                seed=stream_seed(self._seed, "tune", number),
            )
        return sampler


def load_optuna() -> Any:
    """Return the module, quiet.

    Raises:
        ConfigError: it is not installed.
    """
    try:
        import optuna
    except ImportError as missing:
        raise ConfigError(
            "tuning needs optuna, which is not installed", hint="pip install 'sourcefree[tune]'"
        ) from missing
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def _suggest(trial: optuna.Trial, name: str, dimension: Dimension) -> None:
    if isinstance(dimension, Choice):
        trial.suggest_categorical(name, dimension.values)
    elif dimension.whole:
        trial.suggest_int(name, int(dimension.low), int(dimension.high), log=dimension.log)
    else:
        trial.suggest_float(name, dimension.low, dimension.high, log=dimension.log)


def _readable(value: Value, dimension: Dimension) -> Value:
    """Return a drawn number with four digits: what tables show and people retype is what was tried."""
    if isinstance(dimension, Choice) or dimension.whole:
        return value
    return min(max(float(f"{value:.4g}"), dimension.low), dimension.high)
