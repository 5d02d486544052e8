"""What the options of ``adapt`` and ``tune`` make of a method's settings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cyclopts import CoercionError, CycloptsError

from sourcefree.cli import app
from sourcefree.cli.adaptation import AdaptOptions


def options(**changes: Any) -> AdaptOptions:
    here = Path()
    return AdaptOptions(
        source_model=["runs/rgb"], target=here, pairs_source=here, pairs_target=here, modality="depth", **changes
    )


def test_a_stage_that_was_left_out_stays_out() -> None:
    settings = options(method="tgmb-tgkt", set_=["tgmb=null"], epochs=3, preset="diml").settings()
    assert settings.stages == ("tgkt",)


@pytest.mark.parametrize("name", ["epochs", "batch_size"])
def test_options_hold_for_every_stage_that_was_added(name: str) -> None:
    settings = options(set_=["tgmb={}"], **{name: 3}).settings()
    assert settings.stages == ("tgmb", "multilevel")
    assert {getattr(getattr(settings, stage).optimisation, name) for stage in settings.stages} == {3}


def test_epochs_that_are_named_are_not_made_more_by_a_least_number_of_steps() -> None:
    before, after = options().settings(), options(epochs=3).settings()
    assert before.multilevel
    assert after.multilevel
    assert (before.multilevel.optimisation.min_steps, after.multilevel.optimisation.min_steps) == (400, 0)


def test_a_preset_holds_for_added_stages_and_gives_way_to_what_is_said(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("method: shot\nsocket: {optimisation: {batch_size: 7}}\n")
    settings = options(config=file, preset="diml", set_=["tgmb={}"]).settings()
    assert settings.stages == ("tgmb", "shot", "socket")
    assert settings.tgmb
    assert settings.shot
    assert settings.socket
    assert settings.tgmb.optimisation.batch_size == settings.shot.optimisation.batch_size == 32
    assert settings.socket.optimisation.batch_size == 7
    again = options(config=file, preset="diml", batch_size=5).settings()
    assert again.socket
    assert again.socket.optimisation.batch_size == 5


@pytest.mark.parametrize("words", ["--jobs 1.5", "--jobs nan", "--seeds 0 2.5", "--seeds one"])
def test_what_is_no_whole_number_is_refused_and_not_rounded(words: str) -> None:
    with pytest.raises(CoercionError):
        app.parse_args(
            ["compare", "quick", "--out", "runs/quick", *words.split()], exit_on_error=False, print_error=False
        )


_PLACES = "--pairs-source a --pairs-target b --modality depth"


@pytest.mark.parametrize(
    "command", ["train-source --images rgb", f"adapt --source-model runs/rgb --target t {_PLACES}"]
)
def test_a_training_of_no_epoch_is_refused(command: str) -> None:
    words = [*command.split(), "--out", "o", "--epochs"]
    with pytest.raises(CycloptsError, match="epochs"):
        app.parse_args([*words, "0"], exit_on_error=False, print_error=False)
    assert app.parse_args([*words, "1"], exit_on_error=False, print_error=False)


def test_whole_numbers_are_taken_and_shares_stay_fractions() -> None:
    words = ["train-source", "--images", "rgb", "--out", "runs/rgb", "--epochs", "3", "--max-unreadable", "0.25"]
    arguments = app.parse_args(words, exit_on_error=False, print_error=False)[1].arguments
    assert (arguments["epochs"], arguments["max_unreadable"]) == (3, 0.25)
