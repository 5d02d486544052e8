from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from sourcefree.data.folders import (
    counted,
    find_images,
    find_labelled_images,
    ignored_files,
    ignored_images,
    match_pairs,
)
from sourcefree.data.manifest import write_manifest
from sourcefree.errors import DataError


def make(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"x")
    return root


def test_images_are_found_nested_sorted_and_without_hidden_ones(tmp_path: Path) -> None:
    make(tmp_path, "b/2.png", "b/1.TIFF", "a.jpg", ".hidden/c.png", "b/.d.png", "notes.txt")
    assert [file.name for file in find_images(tmp_path)] == ["a.jpg", "b/1.TIFF", "b/2.png"]


def test_missing_file_and_empty_folders_are_told_apart(tmp_path: Path) -> None:
    make(tmp_path, "target/a.png", "file.png")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no such folder") as caught:
        find_images(tmp_path / "tagret")
    assert "'target'" in str(caught.value.hint)
    with pytest.raises(DataError, match="found a file"):
        find_images(tmp_path / "file.png")
    with pytest.raises(DataError, match="no image"):
        find_images(tmp_path / "empty")


def test_files_of_other_types_are_counted_but_no_text_beside_images(tmp_path: Path) -> None:
    make(
        tmp_path,
        "a.png",
        "x/b.GIF",
        "x/c.gif",
        "d.heic",
        "e.weird",
        "f",
        "notes.txt",
        "m.json",
        "t.csv",
        ".h.gif",
        ".x/g.gif",
    )
    assert ignored_files(tmp_path) == {".gif": 2, ".heic": 1, ".weird": 1, "": 1}
    assert (ignored_images(ignored_files(tmp_path)) or "").startswith("3 other files (.gif, .heic) ignored: ")
    assert counted({".gif": 1}) == "1 other file (.gif)"
    make(tmp_path / "only", "1.gif", "2.gif")
    with pytest.raises(DataError, match=r"no image in the folder or below; found 2 other files \(\.gif\)"):
        find_images(tmp_path / "only")


def test_classes_are_the_first_folder(tmp_path: Path) -> None:
    found = find_labelled_images(make(tmp_path, "dog/x/1.png", "cat/1.png", "dog/2.png"))
    assert found.labels == ("cat", "dog")
    assert [(file.name, index) for file, index in zip(found.files, found.class_index, strict=True)] == [
        ("cat/1.png", 0),
        ("dog/2.png", 1),
        ("dog/x/1.png", 1),
    ]


def test_given_labels_fix_order_and_may_be_more(tmp_path: Path) -> None:
    found = find_labelled_images(make(tmp_path, "dog/1.png", "cat/1.png"), labels=["dog", "cow", "cat"])
    assert found.class_index == [2, 0]


def test_an_unknown_class_folder_and_loose_images_are_refused(tmp_path: Path) -> None:
    make(tmp_path, "dgo/1.png")
    with pytest.raises(DataError, match="'dgo'") as caught:
        find_labelled_images(tmp_path, labels=["dog", "cat"])
    assert "'dog'" in str(caught.value.hint)
    make(tmp_path, "loose.png")
    with pytest.raises(DataError, match=r"loose\.png"):
        find_labelled_images(tmp_path)


def test_pairs_match_by_relative_path_without_extension(tmp_path: Path) -> None:
    rgb = make(tmp_path / "rgb", "a/1.jpg", "a/2.jpg", "b/1.v2.jpg")
    depth = make(tmp_path / "depth", "a/1.png", "b/1.v2.png", "c/9.png")
    paired = match_pairs(rgb, depth)
    assert [(s.name, t.name) for s, t in zip(paired.source, paired.target, strict=True)] == [
        ("a/1.jpg", "a/1.png"),
        ("b/1.v2.jpg", "b/1.v2.png"),
    ]
    assert (paired.unpaired_source, paired.unpaired_target) == (["a/2.jpg"], ["c/9.png"])


def test_accents_match_however_they_are_stored(tmp_path: Path) -> None:
    composed, decomposed = (unicodedata.normalize(form, "caf\u00e9/\u00fc1") for form in ("NFC", "NFD"))
    rgb, depth = make(tmp_path / "rgb", f"{composed}.jpg"), make(tmp_path / "depth", f"{decomposed}.png")
    paired = match_pairs(rgb, depth)
    assert [file.path.is_file() for file in (*paired.source, *paired.target)] == [True, True]
    assert [file.name for file in paired.target] == [f"{decomposed}.png"]
    for folder in (rgb, depth):
        for form in ("NFC", "NFD"):
            labels = ["box", unicodedata.normalize(form, "caf\u00e9")]
            found = find_labelled_images(folder, labels=labels)
            assert (found.class_index, found.labels) == ([1], tuple(labels))
    make(rgb, f"{decomposed}.jpg")
    if len(find_images(rgb)) == 2:  # some file systems take both for one file
        assert find_labelled_images(rgb).labels == (composed.partition("/")[0],)
        with pytest.raises(DataError, match="differ by how accents are stored only"):
            match_pairs(rgb, depth)


def test_folders_without_a_common_name_show_examples_of_both(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"rgb.*x_rgb\.png.*x_nir\.png"):
        match_pairs(make(tmp_path / "rgb", "x_rgb.png"), make(tmp_path / "nir", "x_nir.png"))


def test_two_files_of_one_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="differ by extension only"):
        match_pairs(make(tmp_path / "rgb", "x.png", "x.jpg"), make(tmp_path / "nir", "x.png"))


def test_one_folder_for_both_sensors_is_refused(tmp_path: Path) -> None:
    rgb = make(tmp_path / "rgb", "x.png")
    (tmp_path / "link").symlink_to(rgb, target_is_directory=True)
    for other in (rgb, tmp_path / "link", tmp_path / "rgb/../rgb"):
        with pytest.raises(DataError, match="a folder for each sensor"):
            match_pairs(rgb, other)


def test_a_link_to_a_folder_further_up_is_not_followed_but_others_are(tmp_path: Path) -> None:
    images = make(tmp_path / "images", "a/1.png")
    (images / "a" / "loop").symlink_to(images, target_is_directory=True)
    (images / "b").symlink_to(make(tmp_path / "elsewhere", "2.png"), target_is_directory=True)
    assert [file.name for file in find_images(images)] == ["a/1.png", "b/2.png"]


def test_folders_that_link_to_each_other_are_walked_once_each_way(tmp_path: Path) -> None:
    images = make(tmp_path / "images", "a/1.png", "b/2.png")
    (images / "a/to_b").symlink_to("../b", target_is_directory=True)
    (images / "b/to_a").symlink_to("../a", target_is_directory=True)
    assert [file.name for file in find_images(images)] == ["a/1.png", "a/to_b/2.png", "b/2.png", "b/to_a/1.png"]


def test_a_ring_of_links_outside_the_folder_ends(tmp_path: Path) -> None:
    far = make(tmp_path / "far", "x/1.png", "y/2.png", "z/w/3.png")
    for start, end in (("x", "y"), ("y", "z"), ("z/w", "x")):
        (far / start / "on").symlink_to(far / end, target_is_directory=True)
    images = make(tmp_path / "images", "0.png")
    (images / "in").symlink_to(far / "x", target_is_directory=True)
    assert [file.name for file in find_images(images)] == ["0.png", "in/1.png", "in/on/2.png", "in/on/on/w/3.png"]


@pytest.mark.parametrize("folder", [".", "./images", "images/../images"])
def test_folders_are_walked_however_they_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    make(tmp_path / "images", "a/b/1.png")
    monkeypatch.chdir(tmp_path)
    assert [file.name.removeprefix("images/") for file in find_images(Path(folder))] == ["a/b/1.png"]


def test_a_manifest_stands_for_a_folder(tmp_path: Path) -> None:
    make(tmp_path / "far", "x1.png", "x2.png")
    manifest = tmp_path / "lists" / "task.csv"
    write_manifest(manifest, [("dog/2.png", tmp_path / "far/x2.png"), ("cat/1.png", tmp_path / "far/x1.png")])
    assert manifest.read_text().splitlines() == ["name,file", "cat/1.png,../far/x1.png", "dog/2.png,../far/x2.png"]
    assert [file.name for file in find_images(manifest)] == ["cat/1.png", "dog/2.png"]
    found = find_labelled_images(manifest)
    assert (found.labels, found.class_index) == (("cat", "dog"), [0, 1])
    make(tmp_path / "nir", "cat/1.tif", "bird/7.tif")
    paired = match_pairs(manifest, tmp_path / "nir")
    assert [file.path.resolve() for file in paired.source] == [(tmp_path / "far/x1.png").resolve()]


def test_a_manifest_may_name_images_without_extension_and_files_anywhere(tmp_path: Path) -> None:
    make(tmp_path / "far", "x1.png", "x2.png")
    for side in ("rgb", "nir"):
        rows = [f"v1.5/scene.{i},{(tmp_path / 'far').resolve() / f'x{i}.png'}" for i in (1, 2)]
        (tmp_path / f"{side}.csv").write_text("\n".join(["name,file", *rows]))
    paired = match_pairs(tmp_path / "rgb.csv", tmp_path / "nir.csv")
    assert [(file.name, file.stem) for file in paired.source] == [("v1.5/scene.1",) * 2, ("v1.5/scene.2",) * 2]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("a,b\n1,2\n", "columns name and file, found a, b"),
        ("", "found nothing"),
        ("name,file\n", "names no image"),
        ("name,file\na.png,a.png\na.png,a.png\n", "line 3: the name 'a.png' occurs twice"),
        ("name,file\na.png,\n", "line 2: expected a name and a file"),
        ("name,file\n../../z.png,a.png\n", r"line 2: the name '\.\./\.\./z\.png' is no path inside a folder"),
        ("name,file\nx/../../z.png,a.png\n", "is no path inside a folder"),
        ("name,file\n/z.png,a.png\n", "line 2: the name '/z.png' is no path inside a folder"),
        ("name,file\n.,a.png\n", "is no path inside a folder"),
        ("name,file\na.png,gone.png\n", "1 of 1 files are missing, for example gone.png"),
    ],
)
def test_a_wrong_manifest_says_what_is_wrong(tmp_path: Path, text: str, part: str) -> None:
    (tmp_path / "m.csv").write_text(text)
    make(tmp_path, "a.png")
    with pytest.raises(DataError, match=part):
        find_images(tmp_path / "m.csv")
