"""What is searched: how it is written, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from sourcefree.errors import ConfigError
from sourcefree.methods.presets import METHODS, method_settings
from sourcefree.overrides import override
from sourcefree.selection.space import Choice, Range, fit_space, parse_space, read_space, ready_space, setting


def test_ranges_and_choices_as_they_are_written() -> None:
    words = ["a.b=1e-4..3e-2:log", "c=0..2", "d=.1...5", "e=1e-3,x, true,null", "c=-1..1"]
    assert read_space(words, method="shot") == {
        "a.b": Range(1e-4, 3e-2, log=True),
        "c": Range(-1, 1),
        "d": Range(0.1, 0.5),
        "e": Choice((1e-3, "x", True, None)),
    }


def test_what_is_written_is_what_is_read_again() -> None:
    space = {"a": Range(1e-4, 3e-2, log=True), "b": Range(0, 2), "c": Choice((1, 2.5, "x"))}
    assert parse_space({name: str(one) for name, one in space.items()}, origin="again") == space


def test_a_file_holds_the_same_and_ready_adds_the_methods_own(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("shot:\n  information: 0..1\n  optimisation: {optimizer: [sgd, adamw]}\n")
    space = read_space(["ready", str(tmp_path / "s.yaml")], method="shot")
    assert space["shot.information"] == Range(0, 1)
    assert space["shot.optimisation.optimizer"] == Choice(("sgd", "adamw"))
    assert space["shot.optimisation.learning_rate"] == ready_space("shot")["shot.optimisation.learning_rate"]


@pytest.mark.parametrize(
    ("word", "part"),
    [
        ("a=2..1", "LOW below HIGH"),
        ("a=0..1:log", "begins above 0"),
        ("a=x..1", "two numbers"),
        ("a=0..inf", "two numbers"),
        ("a=1", "at least two values"),
        ("a=1,2,1", "all different"),
        ("a", "expected NAME=LOW..HIGH"),
        ("none.yaml", "cannot be read"),
    ],
)
def test_what_cannot_be_read_is_told(word: str, part: str) -> None:
    with pytest.raises(ConfigError, match=part):
        read_space([word], method="shot")


@pytest.mark.parametrize(
    ("word", "part"),
    [
        ("shot.informtion=0..1", "did you mean 'shot.information'"),
        ("learning_rate=0..1", "did you mean 'shot.optimisation.learning_rate'"),
        ("tgkt.features=0..1", "'shot' has no setting 'tgkt.features'"),
        ("seed=0..9", "'seed' cannot be searched"),
        ("held_out_pairs=0.1..0.5", "'held_out_pairs' cannot be searched"),
        ("shot.information=-1..1", "greater than or equal to 0"),
        ("shot.optimisation.epochs=1.5..3", "valid integer"),
        ("shot.optimisation.optimizer=sgd,adam", "adam"),
    ],
)
def test_settings_that_do_not_fit_are_told_before_anything_runs(word: str, part: str) -> None:
    with pytest.raises(ConfigError) as caught:
        fit_space(read_space([word], method="shot"), method_settings("shot"))
    assert part in str(caught.value)


def test_whole_numbers_stay_whole() -> None:
    space = fit_space(parse_space({"nrc.neighbours": "2..10"}, origin="x"), method_settings("nrc"))
    assert space == {"nrc.neighbours": Range(2, 10, whole=True)}
    assert space["nrc.neighbours"].examples == (2, 10)


@pytest.mark.parametrize("method", [name for name, one in METHODS.items() if one.settings.stages and name != "oracle"])
def test_every_method_that_trains_has_a_ready_space_that_fits_it(method: str) -> None:
    settings = method_settings(method)
    space = fit_space(ready_space(method), settings)
    assert 2 <= len(space) <= 5
    for name, dimension in space.items():
        assert override(settings, {name: dimension.examples[0]}) != override(settings, {name: dimension.examples[-1]})
        # The defaults are worth a place in it: the search learns from trial 0.
        assert dimension.holds(setting(settings, name)), name


def test_a_method_without_a_ready_space_asks_for_one() -> None:
    with pytest.raises(ConfigError, match="no ready-made space for the method 'mine'") as caught:
        read_space(["ready"], method="mine")
    assert "--space" in str(caught.value)


def test_what_the_user_sets_is_left_out_of_the_ready_space_alone() -> None:
    name = "shot.optimisation.learning_rate"
    for fixed in (name, "shot.optimisation"):
        assert name not in read_space(["ready"], method="shot", fixed=[fixed])
    assert read_space(["ready", f"{name}=0..1"], method="shot", fixed=[name])[name] == Range(0, 1)
