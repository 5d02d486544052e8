from __future__ import annotations

import math
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest

from sourcefree.report import plots, style
from sourcefree.report.records import Series
from sourcefree.report.style import printable


def texts(svg: bytes) -> list[str]:
    return [
        "".join(node.itertext()).strip() for node in ElementTree.fromstring(svg).iter() if node.tag.endswith("}text")
    ]


def curve(*values: float, stage: str = "tgmb") -> Series:
    return Series(stage=stage, name="loss", x=tuple(range(len(values))), y=values)


@pytest.mark.parametrize(
    "values", [(1.0,), (math.nan, math.nan), (0.0, -3.0), (1e-9, 1e9), (2.0, 2.0), (1.0, math.nan)]
)
def test_every_curve_gives_a_figure(values: tuple[float, ...]) -> None:
    assert "epoch" in texts(plots.line_plot([curve(*values)]))


def test_one_epoch_is_a_whole_number_on_the_axis() -> None:
    shown = texts(plots.line_plot([curve(2.0)]))
    assert "0" in shown
    assert not any(text.endswith("0.02") for text in shown)


def test_the_last_stage_has_the_colour_of_the_adapted_model_and_the_bridge_has_not() -> None:
    members = [curve(3.0, 4.0, stage=stage) for stage in ("shot", "shot-2")]
    both = plots.line_plot([curve(1.0, 2.0), *members]).decode()
    assert 0 < both.index(style.BRIDGE) < both.index(style.ADAPTED)  # drawn in the order of the stages
    assert style.BRIDGE not in plots.line_plot(members).decode()
    assert style.BRIDGE not in plots.line_plot([curve(1.0, 2.0)]).decode()


def test_wide_positive_curves_get_a_log_axis_and_narrow_ones_do_not() -> None:
    wide, narrow = texts(plots.line_plot([curve(100.0, 0.1)])), texts(plots.line_plot([curve(1.0, 2.0)]))
    assert {"0.1", "1", "10"} <= set(wide)
    assert not {"0.1", "10"} & set(narrow)


def test_confusion_shows_every_count_and_names_the_classes() -> None:
    confusion = np.array([[31, 17, 0], [0, 0, 0], [5, 0, 9876]])
    shown = texts(plots.confusion_heatmap(confusion=confusion, labels=["cat", "dog", "cow"]))
    assert {"31", "17", "5", "9876"} <= set(shown) and "0" not in shown
    assert shown.count("cat") == shown.count("dog") == 2


def test_a_hundred_classes_give_a_figure_without_numbers() -> None:
    confusion = np.full((100, 100), 7)
    assert "7" not in texts(plots.confusion_heatmap(confusion=confusion, labels=[f"c{i}" for i in range(100)]))


def test_dollar_and_foreign_signs_come_through_as_they_are(recwarn: pytest.WarningsRecorder) -> None:
    shares = {"source-only": np.array([0.5, 0.5])}
    shown = texts(plots.class_balance(labels=["a$b_1$", "\u6905\u5b50"], shares=shares))
    assert "a$b_1$" in shown and "\u6905\u5b50" in shown
    assert not recwarn.list


def test_settings_of_the_user_stay() -> None:
    before = dict(mpl.rcParams)
    plots.line_plot([curve(1.0, 2.0)])
    assert dict(mpl.rcParams) == before


def test_long_and_unprintable_names_are_made_to_fit() -> None:
    short = printable("conference_room_of_the_third_floor_b", width=20)
    assert len(short) == 20 and short.startswith("conference_r") and short.endswith("floor_b"[1:])
    assert printable("a\x00b") == "a\N{REPLACEMENT CHARACTER}b"
