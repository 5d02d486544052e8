from __future__ import annotations

from pathlib import Path

import pytest

from sourcefree.config import RUN_SETTINGS
from sourcefree.errors import ConfigError
from sourcefree.methods.presets import method_settings
from sourcefree.overrides import override
from sourcefree.studies.cell import Cell
from sourcefree.studies.study import load_study, ready_studies, ready_tasks, study_cells


def write(tmp_path: Path, text: str) -> str:
    path = tmp_path / "study.yaml"
    path.write_text(text)
    return str(path)


@pytest.mark.parametrize("name", ready_studies())
def test_every_ready_study_gives_cells_of_different_keys(name: str) -> None:
    cells = study_cells(load_study(name))
    assert cells
    by_key = {cell.key: cell for cell in cells}
    # Two variants of a sweep may be the same measurement, such as each weight at its default.
    assert len(by_key) > 0.7 * len(cells)
    assert len({(cell.task_name, cell.method_name, cell.seed) for cell in cells}) == len(cells)


def test_the_ablation_of_the_bridge_has_all_eight_cells_and_both_gaps_apart() -> None:
    methods = [cell.settings.tgmb for cell in study_cells(load_study("ablation-tgmb")) if cell.task_name == "depth-a"]
    found = {
        (m.reconstruction > 0, m.adversarial > 0, m.information > 0) for m in methods if m.inter_gap and m.intra_gap
    }
    assert len(found) == 8
    assert {(m.inter_gap, m.intra_gap) for m in methods} == {(True, True), (True, False), (False, True)}


def test_the_ablation_of_the_transfer_has_all_eight_cells() -> None:
    settings = [cell.settings.tgkt for cell in study_cells(load_study("ablation-tgkt"))]
    found = {(s.distillation > 0, s.features > 0, s.self_training > 0) for s in settings if s}
    assert len(found) == 8


def test_the_budget_is_the_same_for_every_stage_and_the_one_of_multilevel_counts_for_two() -> None:
    for cell in study_cells(load_study("methods")):
        for stage in cell.settings.stages:
            optimisation = getattr(cell.settings, stage).optimisation
            times = 2 if cell.method_name == "multilevel" else 1
            found = (optimisation.epochs, optimisation.batch_size, optimisation.min_steps)
            assert found == (10 * times, 32, 80 * times)


def test_a_budget_of_an_unknown_stage_is_refused(tmp_path: Path) -> None:
    text = "title: t\ntasks: [depth-a]\nmethods: [shot]\nbudget: {epochs: 1, shott: {epochs: 2}}\n"
    with pytest.raises(ConfigError, match="no stage 'shott'") as caught:
        study_cells(load_study(write(tmp_path, text)))
    assert "did you mean 'shot'" in str(caught.value)


def test_variants_of_tasks_and_methods(tmp_path: Path) -> None:
    study = load_study(
        write(
            tmp_path,
            """
title: Mine
tasks:
  - {base: mine, name: pairs, each: {pairs.count: [10, 20]}}
methods:
  - shot
  - {base: socket, product: {socket.features: [0, 1], socket.statistics: [0, 2]}}
seeds: [3]
definitions:
  mine: {simulated: {task_set: b}, source: {size: 48}}
""",
        )
    )
    cells = study_cells(study)
    assert len(cells) == 2 * 5
    assert [cell.task_name for cell in cells[::5]] == ["pairs count=10", "pairs count=20"]
    assert cells[0].task.source.size == 48
    assert cells[0].task.source.backbone == "test_resnet"
    assert cells[4].method_name == "socket features=1 statistics=2"
    assert cells[4].settings.socket is not None
    assert (cells[4].settings.socket.features, cells[4].settings.socket.statistics) == (1, 2)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("title: x\ntasks: [depth-q]\nmethods: [shot]", "no task 'depth-q'"),
        ("title: x\ntasks: [depth-a]\nmethods: [shoot]", "no method 'shoot'"),
        ("title: x\ntaks: [depth-a]\nmethods: [shot]", "unknown entry 'taks'"),
        ("title: x\ntasks: [depth-a]\nmethods: [{base: shot, set: {shot.informaton: 1}}]", "unknown setting"),
        ("title: x\ntasks: [depth-a]\nmethods: [shot, shot]", "two methods are called"),
        ("title: x\ntasks: []\nmethods: [shot]", "tasks"),
        (
            "title: x\ntasks: [q]\nmethods: [shot]\ndefinitions: {q: {size: 3}}",
            "expected 'simulated', 'folders' or 'given'",
        ),
        ("- a", "expected 'name: value'"),
        ("a: [", "not valid YAML"),
        (
            "title: x\ntasks: [q]\nmethods: [shot]\ndefinitions: [a, b]",
            "definitions: expected 'name: value', found list",
        ),
        ("title: x\ntasks: [q]\nmethods: [shot]\ndefinitions: {q: }", "task q: expected 'name: value', found NoneType"),
        ("title: x\ntasks: [depth-a]\nmethods: [{base: shot, eech: {a: [1]}}]", "methods.0: unknown entry 'eech'"),
        ("title: x\ntasks: [depth-a]\nmethods: [{base: shot, set: 3}]", "methods.0: set: "),
        ("title: x\ntasks: [depth-a]\nmethods: [shot]\nseeds: [0, 0]", "seeds: a seed stands there twice"),
    ],
)
def test_a_wrong_study_says_what_is_wrong(tmp_path: Path, text: str, part: str) -> None:
    with pytest.raises(ConfigError, match=part):
        study_cells(load_study(write(tmp_path, text)))


@pytest.mark.parametrize("name", sorted(RUN_SETTINGS))
@pytest.mark.parametrize(
    "part", ["set: {NAME: 1}", "each: {NAME: [1, 2]}", "product: {NAME: [1], shot.information: [0]}"]
)
def test_what_decides_no_numbers_cannot_be_varied(tmp_path: Path, name: str, part: str) -> None:
    text = f"title: x\ntasks: [depth-a]\nmethods: [{{base: shot, {part.replace('NAME', name)}}}]"
    with pytest.raises(ConfigError, match=f"method shot.*: '{name}' cannot be varied"):
        study_cells(load_study(write(tmp_path, text)))


def test_a_study_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "study.yaml").write_bytes("title: Größe".encode("latin-1"))
    with pytest.raises(ConfigError, match="not a text file"):
        load_study(str(tmp_path / "study.yaml"))


def test_an_unknown_study_is_answered_with_the_closest_name() -> None:
    with pytest.raises(ConfigError) as caught:
        load_study("method")
    assert "'methods'" in str(caught.value.hint)


def cell(**changes: object) -> Cell:
    base = {"task_name": "t", "method_name": "m", "task": ready_tasks()["depth-a"], "seed": 0}
    return Cell(**{**base, "settings": method_settings("shot"), **changes})  # type: ignore[arg-type]


def test_the_key_follows_what_decides_the_numbers_and_nothing_else() -> None:
    same = cell(task_name="other", method_name="other")
    assert same.key == cell().key
    renamed = method_settings("shot").model_copy(update={"method": "x", "device": "cpu"})
    assert cell(settings=renamed).key == cell().key
    others = [
        cell(seed=1),
        cell(task=ready_tasks()["depth-b"]),
        cell(settings=method_settings("nrc")),
        cell(settings=method_settings("adabn")),
        cell(settings=method_settings("source-only")),
        cell(settings=override(method_settings("shot"), {"members": 2})),
    ]
    assert len({cell().key, *(other.key for other in others)}) == 7


def test_a_setting_that_came_later_is_in_the_key_only_where_it_is_changed() -> None:
    changed = cell(settings=override(method_settings("multilevel"), {"multilevel.diversity": 0.0}))
    same = cell(settings=override(method_settings("multilevel"), {"multilevel.diversity": 1.0}))
    assert same.key == cell(settings=method_settings("multilevel")).key != changed.key


def test_the_key_knows_which_of_several_target_models_the_method_is_about() -> None:
    def both(base: str, added: str) -> Cell:
        return cell(settings=override(method_settings(base), {added: {}}))

    first, second = both("multilevel", "shot"), both("shot", "multilevel")
    assert first.key != second.key
    assert both("auto", "nrc").key != both("shot", "nrc").key
    # Sections of one kind, about the same one: the same measurement, whatever it is called.
    again = override(method_settings("multilevel"), {"shot": {}, "aad": {}})
    assert cell(settings=again).key == cell(settings=method_settings("auto")).key


def test_cells_share_a_bridge_only_where_it_is_the_same() -> None:
    published, alone = cell(settings=method_settings("tgmb-tgkt")), cell(settings=method_settings("tgmb"))
    assert published.bridge_key == alone.bridge_key
    assert published.key != alone.key
    others = [
        cell(settings=method_settings("multilevel")),
        cell(settings=method_settings("tgmb"), seed=1),
        cell(settings=method_settings("tgmb"), task=ready_tasks()["depth-b"]),
        cell(settings=override(method_settings("tgmb"), {"held_out_target": 0.2})),
        cell(settings=override(method_settings("tgmb"), {"held_out_pairs": 0.2})),
    ]
    assert len({published.bridge_key, *(other.bridge_key for other in others)}) == 6
