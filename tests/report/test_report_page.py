from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from sourcefree.errors import CheckpointError
from sourcefree.report import views, write_report
from sourcefree.report.collect import collect_run

FakeRun = Callable[..., Path]

HOSTILE = ("<img src=x onerror=alert(1)>.png", "\"&'<script>alert(2)</script>", "{{ 7 * 191 }}$x_1$\x01")


class Page(HTMLParser):
    """Collects what a browser would see: elements, attributes and text."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.headings: list[str] = []
        self.inside = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.inside = tag

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside not in ("style", "script"):
            self.text.append(data)
        if self.inside == "h2":
            self.headings.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def read(run: Path) -> Page:
    return Page(write_report(run).read_text(encoding="utf-8"))


def edit(run: Path, name: str, change: Callable[[Any], None]) -> None:
    content = json.loads((run / name).read_text(encoding="utf-8"))
    change(content)
    (run / name).write_text(json.dumps(content), encoding="utf-8")


def test_hostile_names_stay_text(fake_run: FakeRun) -> None:
    run = fake_run(labels=(*HOSTILE, "d"), files=HOSTILE, warnings=HOSTILE)
    edit(
        run,
        "run.json",
        lambda info: info.update(modality=HOSTILE[0], method=HOSTILE[1], command_line=HOSTILE[1]),
    )
    edit(
        run,
        "summary.json",
        lambda summary: summary["candidates"][1].update(name=HOSTILE[0], description=HOSTILE[1]),
    )
    (run / "config.yaml").write_text(f"note: {HOSTILE[0]}\n", encoding="utf-8")
    page = read(run)
    assert all(str(image["src"]).startswith("data:image/") for image in page.all("img"))
    assert len(page.all("script")) == 1
    assert not [name for _, attributes in page.elements for name in attributes if name.startswith("on")]
    for text in HOSTILE[:2]:
        assert text in page.words, "the name is shown as it is"
    assert "1337" not in page.words, "a template expression in a name is not evaluated"


def test_names_inside_the_figures_are_escaped_too(fake_run: FakeRun) -> None:
    page = read(fake_run(labels=(*HOSTILE, "d")))
    figures = [str(image["src"]) for image in page.all("img") if "svg+xml" in str(image["src"])]
    svgs = [base64.b64decode(uri.partition(",")[2]).decode() for uri in figures]
    assert any("&lt;img src=x" in svg for svg in svgs)
    assert not any("<script" in svg or "<img" in svg or "\x01" in svg for svg in svgs)


def test_page_needs_no_network_and_allows_none(fake_run: FakeRun) -> None:
    page = read(fake_run())
    html = (page.all("html"), page.all("link"), page.all("iframe"), page.all("object"))
    assert [len(found) for found in html] == [1, 0, 0, 0]
    for _, attributes in page.elements:
        for name in ("src", "href", "srcset", "action", "data"):
            value = attributes.get(name)
            assert value is None or value.startswith(("data:", "#")), (name, value)
    policy = next(entry["content"] for entry in page.all("meta") if "http-equiv" in entry)
    assert policy is not None and policy.startswith("default-src 'none'")


def test_style_reaches_for_nothing_outside(fake_run: FakeRun) -> None:
    html = write_report(fake_run()).read_text(encoding="utf-8")
    style = html.split("<style>")[1].split("</style>")[0]
    assert "url(" not in style and "@import" not in style


def test_policy_allows_exactly_our_script(fake_run: FakeRun) -> None:
    html = write_report(fake_run()).read_text(encoding="utf-8")
    script = html.split("<script>")[1].split("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in html


def test_table_holds_the_numbers_of_the_summary(fake_run: FakeRun) -> None:
    run = fake_run()
    summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    cells = {
        (cell["data-candidate"], cell["data-name"]): float(str(cell["data-value"]))
        for cell in read(run).all("td")
        if "data-candidate" in cell
    }
    expected = {}
    for candidate in summary["candidates"]:
        for name in ("accuracy", "class_mean_accuracy", "macro_f1", "ece"):
            expected[candidate["name"], name] = candidate["evaluation"][name]
        for name, value in candidate["scores"].items():
            expected[candidate["name"], name] = value
    assert cells == expected


def test_shown_text_is_the_rounded_number(fake_run: FakeRun) -> None:
    run = fake_run()

    def set_numbers(summary: Any) -> None:
        summary["candidates"][3]["evaluation"]["accuracy"] = 0.61249
        summary["candidates"][3]["scores"]["pair_divergence"] = 1.23456

    edit(run, "summary.json", set_numbers)
    html = write_report(run).read_text(encoding="utf-8")
    assert re.search(r'data-candidate="adapted" data-name="accuracy" data-value="0.61249">61.2 %<', html)
    assert re.search(r'data-candidate="adapted" data-name="pair_divergence" data-value="1.23456">1.235<', html)


def test_best_of_a_column_follows_its_direction_and_delivered_is_marked(fake_run: FakeRun) -> None:
    page = read(fake_run())
    best = {
        (cell["data-name"], cell["data-candidate"])
        for cell in page.all("td")
        if "best" in str(cell.get("class")).split()
    }
    assert ("pair_divergence", "adapted") in best and ("ece", "adapted") in best  # lowest
    assert ("pair_agreement", "adapted") in best  # highest
    assert not [name for name, _ in best if name == "mean_confidence"], "confidence is no quality"
    assert page.words.count("adapted delivered") == 1
    assert sum(span.get("class") == "badge" for span in page.all("span")) == 1


OPTIONAL = ("summary.json", "metrics.jsonl", "config.yaml", "analysis.npz", "gallery.json")


@pytest.mark.parametrize(
    ("missing", "heading"),
    [
        ("summary.json", "The models side by side"),
        ("metrics.jsonl", "Training"),
        ("config.yaml", None),
        ("analysis.npz", "Feature map"),
        ("gallery.json", "Gallery"),
    ],
)
def test_a_missing_part_leaves_the_rest(fake_run: FakeRun, missing: str, heading: str | None) -> None:
    run = fake_run(warnings=())
    (run / missing).unlink()
    page = read(run)
    sections = {"The models side by side", "Training", "Feature map", "Gallery"}
    assert sections & set(page.headings) == sections - {heading}
    assert "Warnings" not in page.headings, "a part that is not there is no problem"
    assert ("Resolved configuration" in page.words) == (missing != "config.yaml")


BROKEN = (
    b"\x00\xff{",
    b"[1, {}]",
    b'{"labels": 3, "candidates": [{}, 4], "timings": [], "counts": {"a": "b"}}',
)


@pytest.mark.parametrize("broken", OPTIONAL)
@pytest.mark.parametrize("content", BROKEN)
def test_a_broken_part_leaves_the_rest(fake_run: FakeRun, broken: str, content: bytes) -> None:
    run = fake_run()
    (run / broken).write_bytes(content)
    data = collect_run(run)
    whole = {
        "summary.json": len(data.candidates) == 4,
        "metrics.jsonl": len(data.losses) == 8,
        "analysis.npz": data.features is not None,
        "gallery.json": len(data.gallery) == 3,
    }
    assert all(whole[part] for part in whole if part != broken)


@pytest.mark.parametrize("content", BROKEN)
def test_all_optional_parts_broken_still_give_a_page(fake_run: FakeRun, content: bytes) -> None:
    run = fake_run()
    for name in OPTIONAL:
        (run / name).write_bytes(content)
    page = read(run)
    assert "analysis.npz cannot be read" in page.words and "Details" in page.headings


def test_a_run_file_alone_is_enough(fake_run: FakeRun, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "run.json").write_text(json.dumps({"command": "adapt", "status": "failed"}), encoding="utf-8")
    words = read(bare).words
    assert "no adapted model" in words and "failed" in words


def test_numbers_that_are_none_show_a_dash(fake_run: FakeRun) -> None:
    run = fake_run()
    edit(run, "summary.json", lambda summary: summary["candidates"][0]["scores"].update(pair_agreement=None))
    html = write_report(run).read_text(encoding="utf-8")
    assert re.search('data-candidate="source-only" data-name="pair_agreement" data-value="">\N{EN DASH}<', html)


@pytest.mark.parametrize("content", [None, "{", "[]"])
def test_a_folder_without_a_run_file_is_refused(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "run.json").write_text(content, encoding="utf-8")
    with pytest.raises(CheckpointError) as caught:
        write_report(tmp_path)
    assert str(tmp_path) in str(caught.value) and caught.value.hint
    assert not (tmp_path / "report.html").exists()


def test_a_file_in_place_of_a_run_folder_is_called_one(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("x")
    with pytest.raises(CheckpointError, match="is a file, expected a run folder"):
        write_report(tmp_path / "run")


def test_same_run_gives_the_same_bytes_and_leaves_no_other_file(fake_run: FakeRun) -> None:
    run = fake_run(images=40)
    before = {path.name for path in run.iterdir()}
    first = write_report(run).read_bytes()
    assert write_report(run).read_bytes() == first
    assert {path.name for path in run.iterdir()} == before | {"report.html"}


def test_source_training_shows_what_applies(fake_run: FakeRun) -> None:
    run = fake_run()
    edit(run, "run.json", lambda info: info.update(command="train-source", method="source", modality="rgb"))

    def keep_one(summary: Any) -> None:
        summary["candidates"] = [{**summary["candidates"][3], "name": "source", "scores": {}}]
        summary["candidates"][0]["evaluation"]["accuracy"] = 0.8125

    edit(run, "summary.json", keep_one)
    for name in ("analysis.npz", "gallery.json"):
        (run / name).unlink()
    line = {"stage": "source", "epoch": 0, "step": 1, "terms": {"loss": 1.0}}
    (run / "metrics.jsonl").write_text(json.dumps(line), encoding="utf-8")
    words = read(run).words
    assert "classifies 81.2 % correctly" in words
    assert "Source training" in words and "Gallery" not in words and "AdaBN" not in words


@pytest.mark.parametrize("labelled", [True, False])
def test_bars_and_true_shares_are_of_the_same_images(fake_run: FakeRun, labelled: bool) -> None:
    run = fake_run(labels=("cat", "dog"), labelled=labelled)

    def count(summary: Any) -> None:
        for candidate in summary["candidates"]:
            candidate["class_counts"] = [300, 100]
            if labelled:
                candidate["evaluation"]["confusion"] = [[8, 2], [0, 0]]

    edit(run, "summary.json", count)
    figure = views.balance_figure(collect_run(run))
    assert figure is not None
    assert ("adapted: cat 80.0 %, dog 20.0 %" in figure.alt) == labelled
    assert ("adapted: cat 75.0 %, dog 25.0 %" in figure.alt) != labelled
    told = "Of labelled images (depth_test), with their true shares." if labelled else "Of the target images."
    assert figure.note == told
    assert told in read(run).words


def test_pictures_outside_the_run_folder_are_not_embedded(fake_run: FakeRun) -> None:
    run = fake_run()
    Image.new("RGB", (8, 8)).save(run.parent / "secret.png")
    edit(run, "gallery.json", lambda entries: entries[0].update(target="../secret.png", translated=None))
    page = read(run)
    assert page.words.count("no picture") == 1


def test_sixteen_bit_and_broken_pictures_do_not_stop_the_report(fake_run: FakeRun) -> None:
    run = fake_run()
    Image.new("I;16", (8, 8), 3000).save(run / "gallery/0000_target.png")
    (run / "gallery/0001_target.png").write_bytes(b"no picture at all")
    page = read(run)
    assert page.words.count("no picture") == 1
    assert len([image for image in page.all("img") if "jpeg" in str(image["src"])]) == 5


def test_file_names_that_are_no_text_do_not_stop_the_report(fake_run: FakeRun) -> None:
    run = fake_run()
    edit(run, "gallery.json", lambda entries: entries[0].update(file="bad\udcff.png"))
    assert "bad?.png" in read(run).words


def test_every_picture_has_words_and_every_column_a_head(fake_run: FakeRun) -> None:
    page = read(fake_run())
    assert page.all("img") and all(image.get("alt") for image in page.all("img"))
    assert all(head.get("scope") for head in page.all("th"))


def test_curves_of_scores_are_of_the_method_and_its_members_and_not_of_rivals(fake_run: FakeRun) -> None:
    run = fake_run()
    members = {"tgkt-2": 0.777, "shot": 0.111, "shot-2": 0.222}
    with (run / "metrics.jsonl").open("a") as file:
        for stage, value in members.items():
            file.write(json.dumps({"stage": stage, "epoch": 0, "scores": {"pair_agreement": value}}) + "\n")
    edit(
        run, "summary.json", lambda summary: summary["candidates"].append({**summary["candidates"][3], "name": "shot"})
    )
    words = next(figure.alt for figure in views.score_figures(collect_run(run)) if "Pair agreement" in figure.alt)
    assert "0.777" in words
    assert "0.111" not in words and "0.222" not in words


def test_many_classes_and_pictures_stay_small(fake_run: FakeRun) -> None:
    labels = tuple(f"class number {index}" for index in range(17))
    run = fake_run(labels=labels, files=tuple(f"{index}.png" for index in range(120)), images=60)
    report = write_report(run)
    page = Page(report.read_text(encoding="utf-8"))
    assert report.stat().st_size < 3_000_000
    assert len(page.all("article")) == 72
    assert "72 of 120 target images" in page.words
