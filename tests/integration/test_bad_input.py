"""Bad input ends in a clear error and exit code 2, with nothing written or lost."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import timm
import torch

from sourcefree.data.image_io import write_image
from support.command_line import BACKBONE, Run


def replaced(arguments: tuple[object, ...], name: str, value: object) -> tuple[object, ...]:
    changed = list(arguments)
    changed[changed.index(name) + 1] = value
    return tuple(changed)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


def test_typos_in_commands_options_and_settings_are_answered(
    adapt_arguments: tuple[object, ...], out: Path, sourcefree: Run
) -> None:
    assert "adapt" in sourcefree("adpat", expect=2).stderr
    unknown = sourcefree(*adapt_arguments, "--out", out, "--sizee", 32, expect=2).stderr
    assert "--sizee" in unknown
    assert "Did you mean --size" in unknown
    for arguments, close in (
        (replaced(adapt_arguments, "--modality", "dpeth"), "'depth'"),
        ((*adapt_arguments, "--method", "multilvl"), "'multilevel'"),
        ((*adapt_arguments, "--set", "tgkt.featurs=1"), "'tgkt.features'"),
    ):
        assert f"did you mean {close}" in sourcefree(*arguments, "--out", out, expect=2).stderr
    assert not out.exists()


def test_values_that_are_none_are_told_in_one_line(
    adapt_arguments: tuple[object, ...], out: Path, tmp_path: Path, sourcefree: Run
) -> None:
    for words, part in (
        (("--set", "tgkt.features=[1"), "not valid YAML"),
        (("--size", 0), "expected 16 pixels or more"),
        (("--method", "oracle"), "trains with target labels"),
        (("--set", "tgkt.features=-1"), "tgkt.features: expected a number greater than or equal to 0, found -1"),
        (("--set", "method=shot"), "choose it with --method"),
    ):
        error = sourcefree(*adapt_arguments, *words, "--out", out, expect=2).stderr
        assert part in error
    assert not out.exists()


def test_files_that_are_none_and_places_that_cannot_be_written_to_are_no_traceback(
    adapted: Path, data: Path, tmp_path: Path, sourcefree: Run
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "text.png").write_text("no image")
    for name, part in (("lost.png", "no such file"), ("text.png", "none of 1 images can be used")):
        assert part in sourcefree("predict", adapted, tmp_path / name, expect=2).stderr
    error = sourcefree("predict", adapted, data / "target/test", "--out", tmp_path / "file/p.csv", expect=2).stderr
    assert str(tmp_path / "file") in error
    assert "Traceback" not in error


def test_places_are_checked_before_the_work(tmp_path: Path, sourcefree: Run) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder.csv").mkdir()
    for words, part in (
        (("predict", "no-run", ""), "an argument is empty"),
        (("demo", "--out", tmp_path / "file"), "expected a folder to write to, found a file"),
        (("predict", "no-run", "no-image", "--out", tmp_path / "file/p.csv"), "expected a folder to write to"),
        (
            ("predict", "no-run", "no-image", "--out", tmp_path / "folder.csv"),
            "expected a file to write, found a folder",
        ),
    ):
        assert part in sourcefree(*words, expect=2).stderr


def test_missing_empty_and_mistyped_folders(
    adapt_arguments: tuple[object, ...], data: Path, out: Path, tmp_path: Path, sourcefree: Run
) -> None:
    (tmp_path / "empty").mkdir()
    for name, value, part in (
        ("--target", data / "target/tarin", "did you mean 'train'"),
        ("--target", tmp_path / "empty", "no image"),
        ("--pairs-source", tmp_path / "empty", "no image"),
        ("--pairs-source", data / "target/train", "no pairs"),
        ("--source-model", tmp_path / "empty", "no model.json"),
        ("--source-model", "timm:resnet18", "--source-weights"),
    ):
        error = sourcefree(*replaced(adapt_arguments, name, value), "--out", out, expect=2).stderr
        assert part in error
        assert "Traceback" not in error
    assert not out.exists()


def test_a_wrong_folder_is_named_and_swapped_pairs_are_told(
    adapt_arguments: tuple[object, ...], data: Path, out: Path, sourcefree: Run
) -> None:
    rgb, depth = data / "pairs/rgb", data / "pairs/depth"
    error = sourcefree(*replaced(adapt_arguments, "--target", rgb), "--out", out, expect=2).stderr
    assert f"{rgb}: none of 40 images can be used as depth: expected 1 channel of depth, found 3 (40 images" in error
    both = replaced(replaced(adapt_arguments, "--pairs-source", depth), "--pairs-target", rgb)
    assert "are the two folders swapped?" in sourcefree(*both, "--out", out, expect=2).stderr
    same = replaced(adapt_arguments, "--pairs-target", rgb)
    assert "the pairs need a folder for each sensor" in sourcefree(*same, "--out", out, expect=2).stderr
    assert not out.exists()


def test_predict_tells_reasons_by_count_over_all_chunks(
    adapted: Path, data: Path, tmp_path: Path, sourcefree: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sourcefree.commands.predict._CHUNK", 16)
    (tmp_path / "cut.png").write_bytes(b"")
    images = (tmp_path / "cut.png", data / "pairs/rgb", data / "target/train")
    error = sourcefree("predict", adapted, *images, expect=2).stderr
    example = sorted((data / "pairs/rgb").rglob("*.png"))[0]
    assert (
        "41 of 81 images cannot be used as depth, the model's sensor, more than the allowed 5 %: expected 1 channel of depth, "
        f"found 3 (40 images, for example {example}); {tmp_path}/cut.png: the file is empty\n"
    ) in error
    assert len(sourcefree("predict", adapted, *images, "--max-unreadable", 0.6).stdout.splitlines()) == 41


def test_a_run_is_never_overwritten(adapted: Path, adapt_arguments: tuple[object, ...], sourcefree: Run) -> None:
    before = (adapted / "model/weights.safetensors").read_bytes()
    error = sourcefree(*adapt_arguments, "--out", adapted, expect=2).stderr
    assert "not empty" in error
    assert "--resume" in error
    error = sourcefree(*adapt_arguments, "--out", adapted, "--allow-collapse", "--seed", 5, "--resume", expect=2).stderr
    assert "settings.seed: was 0, is 5" in error
    assert (adapted / "model/weights.safetensors").read_bytes() == before


def test_damaged_images_are_skipped_counted_and_listed(
    adapt_arguments: tuple[object, ...], data: Path, out: Path, tmp_path: Path, sourcefree: Run
) -> None:
    target = tmp_path / "target"
    shutil.copytree(data / "target/train", target / "chair")  # a class folder: ignored, and said
    victim = sorted(target.rglob("*.png"))[3]
    victim.write_bytes(victim.read_bytes()[:200])
    arguments = replaced(adapt_arguments, "--target", target)
    result = sourcefree(*arguments, "--out", out, "--allow-collapse")
    assert victim.name in result.stdout
    assert "no label is read from their names" in result.stdout
    summary = json.loads((out / "summary.json").read_text())
    assert (summary["counts"]["target"], summary["counts"]["unreadable"]) == (39, 1)
    assert any(victim.name in warning for warning in summary["warnings"])
    error = sourcefree(*arguments, "--out", tmp_path / "strict", "--max-unreadable", 0.01, expect=2).stderr
    assert victim.name in error
    assert not (tmp_path / "strict").exists()
    listing = sourcefree("inspect", target).stdout
    assert victim.name in listing


def test_too_few_images_to_train_on_are_refused_before_the_folder_is_made(
    adapt_arguments: tuple[object, ...], data: Path, out: Path, tmp_path: Path, sourcefree: Run
) -> None:
    one = tmp_path / "one"
    one.mkdir()
    shutil.copy(sorted((data / "target/train").iterdir())[0], one)
    arguments = replaced(adapt_arguments, "--target", one)
    error = sourcefree(*arguments, "--out", out, expect=2).stderr
    assert (
        f"{one}: expected at least 3 usable images, one of them held out, found 1\n  -> give a folder with more"
        in error
    )
    assert not out.exists()
    source = tmp_path / "source"
    for label in ("chair", "table"):
        write_image(source / label / "a.png", np.full((20, 20, 3), 9, np.uint8))
    (source / "table/a.png").write_bytes(b"")
    words = ("train-source", source, "--test", data / "source/test", "--backbone", BACKBONE, "--max-unreadable", 0.9)
    error = sourcefree(*words, "--out", out, expect=2).stderr
    assert f"{source}: expected at least 2 usable images to train on, found 1" in error
    assert not out.exists()


def test_what_is_passed_over_or_enlarged_is_told(
    adapt_arguments: tuple[object, ...], data: Path, out: Path, tmp_path: Path, sourcefree: Run
) -> None:
    target = tmp_path / "target"
    shutil.copytree(data / "target/train", target)
    for name in ("a.gif", "b.gif", "notes.txt"):
        (target / name).touch()
    for i in range(10):
        write_image(tmp_path / "source/one" / f"{i}.png", np.full((20, 30, 3), 9, np.uint8))
    (tmp_path / "source/one/c.heic").touch()
    words = ("--backbone", BACKBONE, "--size", 64, "--out", out)
    shown = sourcefree("train-source", tmp_path / "source", *words, expect=2).stdout
    assert "source: 1 other file (.heic) ignored" in shown
    assert "are 30 px (longer side, median), the network sees 64 px" in shown
    test = tmp_path / "test"
    shutil.copytree(data / "source/test", test)
    (sorted(test.iterdir())[0] / "d.jp2").touch()
    tiny = ("--backbone", BACKBONE, "--no-pretrained", "--size", 64, "--epochs", 1, "--out", tmp_path / "tested")
    shown = sourcefree("train-source", data / "source/train", "--test", test, *tiny).stdout
    assert "test: 1 other file (.jp2) ignored" in shown
    assert "network sees" not in shown
    words = ("--max-unreadable", 0, "--allow-collapse")
    shown = sourcefree(*replaced(adapt_arguments, "--target", target), *words, "--out", out).stdout
    assert f"{target}: 2 other files (.gif) ignored" in shown
    assert "network sees" not in shown


def test_mixed_sizes_and_types_are_no_error(
    adapt_arguments: tuple[object, ...], data: Path, out: Path, tmp_path: Path, sourcefree: Run
) -> None:
    target = tmp_path / "target"
    shutil.copytree(data / "target/train", target)
    write_image(target / "wide.tif", np.full((20, 50), 2.5, np.float32))
    sourcefree(*replaced(adapt_arguments, "--target", target), "--out", out, "--allow-collapse")
    assert json.loads((out / "summary.json").read_text())["counts"]["target"] == 41


def test_labels_that_do_not_fit_the_model(adapted: Path, data: Path, tmp_path: Path, sourcefree: Run) -> None:
    labelled = tmp_path / "labelled"
    shutil.copytree(data / "target/test", labelled)
    (labelled / "chair").rename(labelled / "chiar")
    before = (adapted / "summary.json").read_text()
    assert "did you mean 'chair'" in sourcefree("evaluate", adapted, labelled, expect=2).stderr
    assert (adapted / "summary.json").read_text() == before


def own_checkpoint(folder: Path, classes: int) -> tuple[Path, Path]:
    folder.mkdir()
    torch.manual_seed(0)
    torch.save(timm.create_model(BACKBONE, num_classes=classes).state_dict(), folder / "w.pth")
    (folder / "labels.txt").write_text("\n".join(f"class {i}" for i in range(classes)))
    return folder / "w.pth", folder / "labels.txt"


def test_an_own_checkpoint_is_adapted(
    adapt_arguments: tuple[object, ...], data: Path, out: Path, tmp_path: Path, sourcefree: Run
) -> None:
    weights, labels = own_checkpoint(tmp_path / "own", 10)
    arguments = (
        *replaced(adapt_arguments, "--source-model", f"timm:{BACKBONE}"),
        *("--source-weights", weights, "--source-labels", labels, "--size", 32, "--out", out, "--allow-collapse"),
    )
    sourcefree(*arguments)
    assert json.loads((out / "model/model.json").read_text())["labels"][9] == "class 9"
    (tmp_path / "own/labels.txt").write_text("a\nb\nc")
    error = sourcefree(*replaced(arguments, "--out", tmp_path / "b"), expect=2).stderr
    assert "(10, " in error
    assert "(3, " in error
    assert "number of labels" in error


class Evil:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return (print, ("executed",))


def test_a_pickle_that_is_no_plain_weights(
    adapt_arguments: tuple[object, ...], out: Path, tmp_path: Path, sourcefree: Run
) -> None:
    weights, labels = own_checkpoint(tmp_path / "own", 10)
    torch.save(Evil(), weights)
    arguments = (
        *replaced(adapt_arguments, "--source-model", f"timm:{BACKBONE}"),
        *("--source-weights", weights, "--source-labels", labels, "--out", out),
    )
    result = sourcefree(*arguments, expect=2)
    assert "more than plain weights" in result.stderr
    assert "executed" not in result.stdout


def test_a_loss_that_is_not_finite(adapt_arguments: tuple[object, ...], out: Path, sourcefree: Run) -> None:
    wild = ("--set", "tgmb.optimisation.learning_rate=1e30", "--set", "tgmb.optimisation.optimizer=sgd")
    result = sourcefree(*adapt_arguments, *wild, "--out", out, "--precision", "fp32", expect=2)
    assert "not finite" in result.stderr
    assert json.loads((out / "run.json").read_text())["status"] == "failed"


def test_collapse_to_one_class_is_an_error_after_saving(
    adapt_arguments: tuple[object, ...], data: Path, out: Path, tmp_path: Path, sourcefree: Run
) -> None:
    target = tmp_path / "same"
    picture = sorted((data / "target/train").iterdir())[0]
    target.mkdir()
    for i in range(20):
        shutil.copy(picture, target / f"{i}.png")
    error = sourcefree(*replaced(adapt_arguments, "--target", target), "--out", out, expect=2).stderr
    assert "collapsed to one class" in error
    assert "--resume --allow-collapse" in error
    assert (out / "model/model.json").is_file()
    assert (out / "report.html").is_file()
