"""What a run folder holds is read with errors that name the file."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from sourcefree.engine.run_folder import open_run, read_json
from sourcefree.errors import CheckpointError, ConfigError
from sourcefree.files import check_output, is_leftover, whole_folder

CONFIG = {"settings": {"seed": 0, "rate": 0.1}, "data": {"images": 3}}


@pytest.mark.parametrize(
    ("content", "part"), [(b"\xff\xfe{}", "UTF-8"), (b'{"a": ', "not valid JSON"), (None, "cannot be read")]
)
def test_a_damaged_record_is_named(tmp_path: Path, content: bytes | None, part: str) -> None:
    file = tmp_path / "summary.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(CheckpointError, match=rf"summary\.json: .*{part}"):
        read_json(file)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"settings: {seed: 0", "not valid YAML"),
        (b"seed: 2020-13-45", "not valid YAML"),
        (b"seed: \x00", "not valid YAML"),
        (b"seed: \xff", "UTF-8"),
        (b"", "found NoneType"),
        (b"- 1", "found list"),
    ],
)
def test_a_damaged_configuration_is_named(tmp_path: Path, content: bytes, part: str) -> None:
    run = tmp_path / "run"
    open_run(run, config=CONFIG, resume=False)
    (run / "config.yaml").write_bytes(content)
    with pytest.raises(CheckpointError, match=rf"config\.yaml: .*{part}") as caught:
        open_run(run, config=CONFIG, resume=True)
    assert "another folder" in str(caught.value.hint)


def test_how_a_run_is_done_may_change_and_is_recorded(tmp_path: Path) -> None:
    """Errors advise to change these settings: --resume must not refuse what it was advised to do."""
    free = {"allow_collapse": False, "device": "auto", "max_unreadable": 0.05, "precision": "auto"}
    changed = {"allow_collapse": True, "device": "cpu", "max_unreadable": 0.5, "precision": "fp32"}
    config = {"settings": {"seed": 0, **free}, "data": {"images": 3}}
    open_run(tmp_path / "run", config=config, resume=False)
    again = {**config, "settings": {"seed": 0, **changed}}
    open_run(tmp_path / "run", config=again, resume=True, active=False)
    assert yaml.safe_load((tmp_path / "run/config.yaml").read_text()) == config
    open_run(tmp_path / "run", config=again, resume=True)
    assert yaml.safe_load((tmp_path / "run/config.yaml").read_text()) == again
    with pytest.raises(ConfigError, match=r"settings\.seed: was 0, is 1\n"):
        open_run(tmp_path / "run", config={**config, "settings": {"seed": 1, **free}}, resume=True)


def test_what_was_measured_on_another_cpu_is_the_same(tmp_path: Path) -> None:
    def data(mean: list[float], images: int = 3) -> dict[str, object]:
        return {"data": {"images": images, "mean": mean}}

    open_run(tmp_path / "run", config=data([0.4871234567, 1e-12]), resume=False)
    open_run(tmp_path / "run", config=data([0.4871234568, -1e-12]), resume=True)
    for other in (data([0.48713, 0.0]), data([0.4871234567]), data([0.4871234567, 0.0], images=4)):
        with pytest.raises(ConfigError, match=r"data\.(mean|images): was"):
            open_run(tmp_path / "run", config=other, resume=True)


def test_other_images_are_told_by_their_folder_and_not_by_fingerprints(tmp_path: Path) -> None:
    def config(folder: str, names: str, images: int) -> dict[str, object]:
        return {"inputs": {"target": folder}, "data": {"target": {"names": names, "images": images}}}

    open_run(tmp_path / "run", config=config("a", "f00d", 30), resume=False)
    with pytest.raises(ConfigError, match=r"than the run was started with: inputs\.target: was 'a', is 'b'\n"):
        open_run(tmp_path / "run", config=config("b", "beef", 31), resume=True)
    same = r"data\.target\.images: was 30, is 31; data\.target\.names are not those of then\n"
    with pytest.raises(ConfigError, match=same):
        open_run(tmp_path / "run", config=config("a", "beef", 31), resume=True)


def test_no_second_run_begins_where_another_one_did_in_the_meantime(tmp_path: Path) -> None:
    """Both found the folder empty, and then read their images for minutes."""
    open_run(tmp_path / "run", config=CONFIG, resume=False)
    with pytest.raises(ConfigError, match="another run was begun here"):
        open_run(tmp_path / "run", config={**CONFIG, "data": {}}, resume=False)
    assert yaml.safe_load((tmp_path / "run/config.yaml").read_text()) == CONFIG


@pytest.mark.parametrize("there", [True, False])
def test_half_a_folder_that_a_kill_left_is_no_obstacle(tmp_path: Path, there: bool) -> None:
    out = tmp_path / "out"
    if there:
        out.mkdir()
    with whole_folder(out) as place:
        (place / "model.onnx").write_text("half")
        assert is_leftover(place)
        check_output(out, resume=None)
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "model.onnx"]


def test_a_run_that_was_killed_before_it_was_one_is_no_obstacle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        (tmp_path / "run/.config.yaml.1234.part").write_text("settings")
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("sourcefree.engine.run_folder.write_text", killed)
        with pytest.raises(KeyboardInterrupt):
            open_run(tmp_path / "run", config=CONFIG, resume=False)
    check_output(tmp_path / "run", resume=False)
    open_run(tmp_path / "run", config=CONFIG, resume=False)
    with pytest.raises(ConfigError, match="not empty"):
        check_output(tmp_path / "run", resume=False)
