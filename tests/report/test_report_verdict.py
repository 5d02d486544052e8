from __future__ import annotations

import html
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from sourcefree.report import write_report
from sourcefree.report.collect import collect_run
from sourcefree.report.verdict import Verdict, judge
from sourcefree.report.views import confusion_figures
from sourcefree.selection.guard import Evidence, choose_candidate

FakeRun = Callable[..., Path]


def edit(run: Path, change: Callable[[Any], None]) -> None:
    summary = json.loads((run / "summary.json").read_text(encoding="utf-8"))
    change(summary)
    (run / "summary.json").write_text(json.dumps(summary), encoding="utf-8")


def verdict_of(run: Path, *, change: Callable[[Any], None] | None = None) -> Verdict:
    if change is not None:
        edit(run, change)
    return judge(collect_run(run))


@pytest.mark.parametrize(
    ("qualities", "tone", "headline"),
    [
        ((0.2, 0.3, 0.4, 0.6), "good", "better than source-only and AdaBN by agreement on held-out pairs"),
        ((0.2, 0.6, 0.4, 0.6), "mixed", "better than source-only, but not clearly different from AdaBN"),
        ((0.2, 0.7, 0.4, 0.6), "mixed", "better than source-only, but worse than AdaBN"),
        ((0.7, 0.8, 0.4, 0.6), "mixed", "is delivered, but worse than source-only and AdaBN"),
        ((0.6, 0.6, 0.4, 0.6), "mixed", "not clearly different from source-only and AdaBN"),
    ],
)
def test_label_free_verdict(fake_run: FakeRun, qualities: tuple[float, ...], tone: str, headline: str) -> None:
    verdict = verdict_of(fake_run(labelled=False, qualities=qualities))
    assert verdict.tone == tone
    assert headline in verdict.headline
    assert verdict.headline.startswith("The adapted model is delivered")
    assert "its accuracy is not known" in " ".join(verdict.caveats)
    assert not any("classifies" in sentence for sentence in verdict.sentences), "no accuracy without labels"


def test_numbers_stand_in_the_sentence(fake_run: FakeRun) -> None:
    delivery, sentence = verdict_of(fake_run(labelled=False, qualities=(0.25, 0.35, 0.5, 0.65))).sentences
    assert "60.0 % of the pairs" in sentence
    assert "20.0 % for source-only (+40.0 points)" in sentence
    assert delivery.startswith("The run delivers the adapted model")


def test_labels_decide_where_they_are_given(fake_run: FakeRun) -> None:
    def labels_disagree(summary: Any) -> None:
        for candidate, accuracy in zip(summary["candidates"], (0.9, 0.9, 0.5, 0.5), strict=True):
            candidate["evaluation"]["accuracy"] = accuracy

    verdict = verdict_of(fake_run(), change=labels_disagree)
    assert verdict.tone == "bad" and "on labelled images" in verdict.headline
    assert "do not say the same" in " ".join(verdict.caveats)


def test_pairs_that_are_too_few_to_tell_do_not_contradict_labels(fake_run: FakeRun) -> None:
    def one_scene(summary: Any) -> None:
        for candidate in summary["candidates"]:
            candidate["scenes"] = 1

    verdict = verdict_of(fake_run(), change=one_scene)
    assert verdict.tone == "good"
    assert "too little to tell" in " ".join(verdict.sentences)
    assert "do not say the same" not in " ".join(verdict.caveats)


@pytest.mark.parametrize(("count", "tone"), [(60, "mixed"), (6000, "good")])
def test_a_difference_has_to_exceed_chance(fake_run: FakeRun, count: int, tone: str) -> None:
    def few_points(summary: Any) -> None:
        for candidate, accuracy in zip(summary["candidates"], (0.5, 0.5, 0.5, 0.55), strict=True):
            candidate["evaluation"].update(accuracy=accuracy, count=count)

    verdict = verdict_of(fake_run(), change=few_points)
    assert verdict.tone == tone
    assert ("too little to tell" in verdict.sentences[1]) == (tone == "mixed")


@pytest.mark.parametrize(("count", "tone"), [(40, "mixed"), (4000, "good")])
def test_number_of_held_out_pairs_is_used(fake_run: FakeRun, count: int, tone: str) -> None:
    run = fake_run(labelled=False, qualities=(0.5, 0.5, 0.5, 0.6))
    verdict = verdict_of(run, change=lambda summary: summary["counts"].update(held_out_pairs=count))
    assert verdict.tone == tone
    assert f"{count} held-out pairs, the" in verdict.sentences[1]


def scenes_of(run: Path, count: int, *, pairs: int = 300) -> None:
    def tell(summary: Any) -> None:
        for candidate in summary["candidates"]:
            candidate.update(pairs=pairs, scenes=count)

    edit(run, tell)


@pytest.mark.parametrize(("scenes", "tone"), [(6, "mixed"), (300, "good")])
def test_pairs_of_one_scene_are_no_independent_evidence(fake_run: FakeRun, scenes: int, tone: str) -> None:
    run = fake_run(labelled=False, qualities=(0.5, 0.5, 0.5, 0.7))
    scenes_of(run, scenes)
    verdict = verdict_of(run)
    assert verdict.tone == tone
    assert ("too little to tell" in verdict.sentences[1]) == (tone == "mixed")
    assert f"nearly every draw of {scenes} such scenes" in verdict.sentences[0]
    told = "on 300 held-out pairs of 6 scenes, the" if scenes == 6 else "on 300 held-out pairs, the"
    assert told in verdict.sentences[1]


@pytest.mark.parametrize(
    ("agreeing", "tone"),
    [([20, 20, 25, 20, 20, 20], "good"), ([50, 35, 10, 10, 10, 10], "mixed")],
    ids=["every scene prefers it", "one scene does"],
)
def test_models_are_compared_on_the_same_scenes(fake_run: FakeRun, agreeing: list[int], tone: str) -> None:
    """The same 125 of 300 pairs against 60 in both: what counts is whether other scenes would say so too."""

    def tell(summary: Any) -> None:
        for candidate, own in zip(summary["candidates"], [[10] * 6] * 3 + [agreeing], strict=True):
            candidate.update(pairs=300, scenes=6, agreeing=own)
            candidate["scores"]["pair_agreement"] = sum(own) / 300

    verdict = verdict_of(fake_run(labelled=False), change=tell)
    assert verdict.tone == tone
    assert "(+21.7 points" in verdict.sentences[1]
    assert ("too little to tell" in verdict.sentences[1]) == (tone == "mixed")


def evidence(score: float, *, chance: float = 0.0, preferred_by: float = 1.0) -> Evidence:
    draws = torch.zeros(100)
    draws[: round(100 * preferred_by)] = score
    return Evidence(score, chance, 6, draws)


GUARDED = {
    "lower": ({"source-only": evidence(1.2), "adapted": evidence(0.9)}, 0.0, "its label-free score is 0.900 nats"),
    "silent": ({"source-only": evidence(0.2), "adapted": evidence(0.9, chance=0.5)}, 0.0, "its answers tell nothing"),
    "unproved": (
        {"source-only": evidence(0.2), "adapted": evidence(0.9, preferred_by=0.8)},
        0.0,
        "6 held-out scenes are no proof: of draws of such scenes, 80 % prefer it",
    ),
    "unlike": ({"source-only": evidence(0.2), "adapted": evidence(0.9)}, 0.95, "hardly any pair has"),
}


@pytest.mark.parametrize("case", GUARDED)
def test_the_verdict_leads_with_what_is_delivered_and_why(fake_run: FakeRun, case: str) -> None:
    found, unlike, reason = GUARDED[case]
    decision = choose_candidate(found, preferred="adapted", unlike=unlike)
    run = fake_run(labelled=False, qualities=(0.3, 0.3, 0.5, 0.9))  # agreement is clearly for the adapted model
    told = {"delivered": decision.delivered, "reason": decision.reason, "warnings": ["other", *decision.warnings]}
    edit(run, lambda summary: summary.update(told))
    verdict = verdict_of(run)
    assert (
        verdict.headline
        == "The source model is delivered: the label-free evidence is not clear enough for the adapted model"
    )
    assert verdict.tone == "mixed"
    assert verdict.sentences[0] == decision.reason
    assert reason in verdict.sentences[0]
    page = write_report(run).read_text()
    assert page.count(html.escape(decision.warnings[0], quote=False).replace("'", "&#39;")) == 1
    assert "<li>other</li>" in page


@pytest.mark.parametrize(
    ("accuracy", "tone", "headline"),
    [
        (
            0.9,
            "bad",
            "The source model is delivered, not the adapted model: not clearly different from AdaBN, but worse than the",
        ),
        (0.1, "mixed", "but not clearly different from AdaBN on labelled images"),
    ],
)
def test_labels_judge_what_is_delivered(fake_run: FakeRun, accuracy: float, tone: str, headline: str) -> None:
    def measured(summary: Any) -> None:
        summary["delivered"] = "source-only"
        for candidate, value in zip(summary["candidates"], (0.5, 0.5, 0.5, accuracy), strict=True):
            candidate["evaluation"]["accuracy"] = value

    verdict = verdict_of(fake_run(), change=measured)
    assert headline in verdict.headline
    assert verdict.headline.startswith("The source model is delivered, not the adapted model: ")
    assert verdict.tone == tone
    assert f"{100 * accuracy:.1f} % for the adapted model" in verdict.sentences[1]


@pytest.mark.parametrize(("measured", "told"), [(0.331, True), (0.7, False)])
def test_an_estimate_that_a_measurement_contradicts_is_told(fake_run: FakeRun, measured: float, told: bool) -> None:
    def estimate(summary: Any) -> None:
        summary["estimate"] = {"accuracy": 0.97, "low": 0.67, "high": 1.0}
        summary["candidates"][3]["evaluation"]["accuracy"] = measured

    sentences = verdict_of(fake_run(), change=estimate).sentences
    assert ("It is not so: measured on labelled images, it is 33.1 %." in sentences) == told
    assert any("It is not so" in sentence for sentence in sentences) == told


@pytest.mark.parametrize(("count", "told"), [(10, False), (1000, True)])
def test_few_labelled_images_contradict_no_estimate(fake_run: FakeRun, count: int, told: bool) -> None:
    def estimate(summary: Any) -> None:
        summary["estimate"] = {"accuracy": 0.97, "low": 0.95, "high": 1.0}
        summary["candidates"][3]["evaluation"].update(accuracy=0.9, count=count)

    sentences = verdict_of(fake_run(), change=estimate).sentences
    assert ("It is not so: measured on labelled images, it is 90.0 %." in sentences) == told


def test_without_any_evidence_nothing_is_claimed(fake_run: FakeRun) -> None:
    def forget(summary: Any) -> None:
        for candidate in summary["candidates"]:
            candidate.update(scores={"mean_confidence": 0.99})

    run = fake_run(labelled=False)
    verdict = verdict_of(run, change=forget)
    assert verdict.tone == "unknown"
    assert verdict.headline == "The adapted model is delivered; it is not known whether the adaptation helped"
    verdict = verdict_of(run, change=lambda summary: summary.update(delivered=None))
    assert verdict.headline == "It is not known whether the adaptation helped"


def test_another_delivered_model_and_collapse_are_told(fake_run: FakeRun) -> None:
    def collapse(summary: Any) -> None:
        summary["delivered"] = "adabn"
        summary["candidates"][3]["class_counts"] = [5, 395, 0, 0, 0, 0]

    verdict = verdict_of(fake_run(), change=collapse)
    assert verdict.sentences[0] == "The run delivers AdaBN instead of the adapted model."
    assert any("98.8 %" in caveat and "table" in caveat for caveat in verdict.caveats)


@pytest.mark.parametrize(
    ("method", "left", "headline"),
    [
        ("tgmb", 3, "The source model on translated images is delivered: better than source-only"),
        ("adabn", 2, "AdaBN is delivered: better than source-only"),
        ("source-only", 2, "Nothing was adapted"),
    ],
)
def test_the_methods_own_model_is_judged(fake_run: FakeRun, method: str, left: int, headline: str) -> None:
    def drop(summary: Any) -> None:
        summary["candidates"] = summary["candidates"][:left]
        summary["preferred"] = summary["delivered"] = "translated" if method == "tgmb" else method

    run = fake_run(labelled=False, qualities=(0.2, 0.5, 0.8, 0.9))
    info = json.loads((run / "run.json").read_text())
    (run / "run.json").write_text(json.dumps({**info, "method": method}))
    verdict = verdict_of(run, change=drop)
    assert verdict.headline.startswith(headline)
    page = write_report(run).read_text()
    assert "After: adapted model" not in page
    assert ("After:" in page) == (method != "source-only")
    assert "the answer of the adapted model" not in page


def test_every_model_is_told_with_the_pairs_it_was_judged_on(fake_run: FakeRun) -> None:
    def few(summary: Any) -> None:
        for candidate, count in zip(summary["candidates"], (60, 60, 20, 20), strict=True):
            candidate["pairs"] = count

    sentence = verdict_of(fake_run(labelled=False, qualities=(0.2, 0.3, 0.4, 0.9)), change=few).sentences[1]
    assert "on 20 held-out pairs, the adapted model" in sentence
    assert "for source-only on 60 pairs (" in sentence and "for AdaBN on 60 pairs (" in sentence


def test_what_was_measured_is_told_where_only_the_delivered_model_was(fake_run: FakeRun) -> None:
    def only_delivered(summary: Any) -> None:
        summary["delivered"] = "adabn"
        for candidate in summary["candidates"]:
            candidate["evaluation"] = candidate["evaluation"] if candidate["name"] == "adabn" else None

    run = fake_run()
    verdict = verdict_of(run, change=only_delivered)
    assert "On 400 labelled images (depth_test), AdaBN classifies" in verdict.sentences[1]
    assert not any("accuracy is not known" in caveat for caveat in verdict.caveats)
    assert [figure.title for figure in confusion_figures(collect_run(run))] == ["AdaBN"]
