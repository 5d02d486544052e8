"""Say in plain words whether the adaptation helped, and no more than the evidence allows."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch

from sourcefree.report.records import Candidate, RunData
from sourcefree.report.vocabulary import candidate_phrase, candidate_title, capital, join, percent, points
from sourcefree.selection.estimate import room_for_scenes
from sourcefree.selection.scores import DOMINANT

_RIVALS = ("source-only", "adabn")
_TINY_DIFFERENCE = 0.02  # without a sample size, less than two points is not called a difference
_NORMAL_95 = 1.96


@dataclass(frozen=True)
class Verdict:
    """The answer at the top of the report.

    Attributes:
        tone: "good", "mixed", "bad", "unknown", or "neutral" where nothing is compared.
        headline: the answer in one line.
        sentences: the numbers behind it.
        caveats: what the numbers do not say.
    """

    tone: str
    headline: str
    sentences: tuple[str, ...]
    caveats: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Comparison:
    """The method's model against each rival by one share (an accuracy or an agreement)."""

    better: list[str]
    worse: list[str]
    equal: list[str]

    @property
    def known(self) -> bool:
        return bool(self.better or self.worse or self.equal)

    @property
    def tone(self) -> str:
        if not self.known:
            return "unknown"
        if self.worse:
            return "mixed" if self.better else "bad"
        return "mixed" if self.equal else "good"


@dataclass(frozen=True)
class _Share:
    """A share, and how many independent observations it is of; None where that is not known.

    Where it is of scenes, ``by_scene`` says what each adds to it; empty where that is not known.
    """

    value: float
    count: int | None
    by_scene: tuple[float, ...] = ()


def judge(data: RunData) -> Verdict:
    """Return the verdict on a run.

    Args:
        data: run to judge.
    """
    if not data.adapts:
        return _judge_source(data)
    own = data.own
    if own is None:
        status = data.info.get("status", "unknown")
        return Verdict(
            tone="unknown",
            headline="There is no adapted model to judge yet",
            sentences=(f"The status of the run is “{status}”, and its summary holds no adapted model.",),
        )
    if own.name == "source-only":
        nothing, sentences = _compare_labels(own, [])
        return Verdict(
            tone="neutral",
            headline="Nothing was adapted: this is the source model as it is",
            sentences=(*sentences, *_estimate(data)),
            caveats=_caveats(data, own, nothing, nothing),
        )
    subject = data.candidate(data.delivered or own.name) or own
    names = dict.fromkeys((*_RIVALS, own.name))
    rivals = [rival for name in names if name != subject.name and (rival := data.candidate(name)) is not None]
    by_labels, label_sentences = _compare_labels(subject, rivals)
    by_pairs, pair_sentences = _compare_pairs(subject, rivals, data.counts.get("held_out_pairs"))
    decisive = by_labels if by_labels.known else by_pairs
    return Verdict(
        tone=_tone(data, own.name, decisive, labelled=by_labels.known),
        headline=_headline(data, own.name, decisive, labelled=by_labels.known),
        sentences=(*_delivery(data, own), *label_sentences, *pair_sentences, *_estimate(data)),
        caveats=_caveats(data, own, by_labels, by_pairs),
    )


def _judge_source(data: RunData) -> Verdict:
    """Return what is known of a freshly trained source model."""
    for candidate in data.candidates:
        found = candidate.evaluation
        if found is not None and "accuracy" in found.metrics:
            share, mean = found.metrics["accuracy"], found.metrics.get("class_mean_accuracy")
            per_class = f" Averaged over classes: {percent(mean)}." if mean is not None else ""
            sentence = f"Measured on {_images(found.count)} ({found.data}).{per_class}"
            return Verdict("neutral", f"The source model classifies {percent(share)} correctly", (sentence,))
    return Verdict("unknown", "The accuracy of the source model is not known", ("No evaluation was written.",))


def _compare_labels(own: Candidate, rivals: list[Candidate]) -> tuple[_Comparison, list[str]]:
    """Return the comparison by accuracy on labelled images, and the sentence on it."""
    result = _Comparison([], [], [])
    mine = own.evaluation
    if mine is None or "accuracy" not in mine.metrics:
        return result, []
    parts = []
    for rival in rivals:
        theirs = rival.evaluation
        if theirs is None or "accuracy" not in theirs.metrics:
            continue
        first = _Share(mine.metrics["accuracy"], mine.count)
        parts.append(_against(result, rival.name, first, _Share(theirs.metrics["accuracy"], theirs.count)))
    against = f", against {join(parts)}" if parts else ""
    accuracy = percent(mine.metrics["accuracy"])
    return result, [
        f"On {_images(mine.count)} ({mine.data}), {candidate_phrase(own.name)} classifies {accuracy} correctly{against}."
    ]


def _compare_pairs(own: Candidate, rivals: list[Candidate], held_out: int | None) -> tuple[_Comparison, list[str]]:
    """Return the comparison by agreement on pairs that each model was not trained on, and the sentence on it."""
    result = _Comparison([], [], [])
    mine = _agreement(own, held_out)
    if mine is None:
        return result, ["Agreement on held-out pairs was not measured, so there is no label-free comparison."]
    shares = [(rival, share) for rival in rivals if (share := _agreement(rival, held_out)) is not None]
    # Where pairs are few, a model that was trained on none is judged by all of them.
    counts = [rival.pairs or held_out for rival, _ in shares]
    differ = any(count != (own.pairs or held_out) for count in counts)
    parts = [
        _against(result, rival.name, mine, share, where=f" on {count} pairs" if differ else "")
        for (rival, share), count in zip(shares, counts, strict=True)
    ]
    against = f", against {join(parts)}" if parts else ""
    itself = "it" if own.name == "source-only" else "the source model"
    return result, [
        f"Without labels: on {_pairs(own, held_out)}, {candidate_phrase(own.name)} answers for the target image as {itself} "
        f"does for the source image in {percent(mine.value)} of the pairs{against}."
    ]


def _pairs(candidate: Candidate, held_out: int | None) -> str:
    """Return how many pairs a model was judged on, and of how many scenes where several show the same."""
    count = candidate.pairs or held_out
    if not count:
        return "held-out pairs"
    scenes = f" of {candidate.scenes} scenes" if candidate.scenes and candidate.scenes != count else ""
    return f"{count} held-out pairs{scenes}"


def _agreement(candidate: Candidate, held_out: int | None) -> _Share | None:
    """Return how often a model agrees: of scenes, since pairs of one scene are no independent evidence.

    Runs of older versions do not say how many scenes there were, or on how many pairs which model was judged.
    """
    value = candidate.scores.get("pair_agreement")
    if value is None:
        return None
    by_scene = tuple(number / candidate.pairs for number in candidate.agreeing) if candidate.pairs else ()
    return _Share(value, candidate.scenes or candidate.pairs or held_out, by_scene)


def _against(result: _Comparison, name: str, mine: _Share, theirs: _Share, *, where: str = "") -> str:
    """File the rival under better, worse or equal and return its part of the sentence."""
    difference = mine.value - theirs.value
    same_scenes = len(mine.by_scene) == len(theirs.by_scene) > 0
    clear = abs(difference) > (_paired_margin(mine, theirs) if same_scenes else _margin(mine, theirs))
    group = result.equal if not clear else result.better if difference > 0 else result.worse
    rival = candidate_title(name) if name in _RIVALS else candidate_phrase(name)
    group.append(rival)
    doubt = "" if clear else ", too little to tell"
    return f"{percent(theirs.value)} for {rival}{where} ({points(difference)}{doubt})"


def _margin(*shares: _Share) -> float:
    """Return the difference of two shares that chance alone could make (95 %).

    Both shares come from the same images and are positively correlated, so treating them as independent asks
    for a larger difference than a paired test would.
    """
    variance = 0.0
    for share in shares:
        if not share.count:
            return _TINY_DIFFERENCE
        variance += max(share.value * (1 - share.value), 0.25 / share.count) / share.count
    return _NORMAL_95 * math.sqrt(variance)


def _paired_margin(mine: _Share, theirs: _Share) -> float:
    """Return the difference of two shares of the same scenes that other scenes could make (95 %, Student's t)."""
    return room_for_scenes(torch.tensor(mine.by_scene) - torch.tensor(theirs.by_scene))


def _replaced(data: RunData, own: str) -> bool:
    """Return whether the run delivers another model than the one that the method is about."""
    return data.delivered is not None and data.delivered != own


def _tone(data: RunData, own: str, comparison: _Comparison, *, labelled: bool) -> str:
    """Return the tone of the verdict; only labels can say of what was delivered without them that it is a loss."""
    tone = comparison.tone
    if _replaced(data, own):
        return "bad" if labelled and tone == "bad" else "mixed"  # never good: what was trained is not delivered
    return "mixed" if tone == "bad" and data.delivered is not None and not labelled else tone


def _headline(data: RunData, own: str, comparison: _Comparison, *, labelled: bool) -> str:
    """Return the answer in one line: what is delivered, and what is known of it against the others.

    Where another model than the method's is delivered and there are no labels, agreement is no part of it: the evidence that
    decided counts scenes and every class probability, and agreement may lean the other way.
    """
    subject = capital(candidate_phrase(data.delivered or own))
    if _replaced(data, own):
        if not (labelled and comparison.known):
            return f"{subject} is delivered: the label-free evidence is not clear enough for {candidate_phrase(own)}"
        return f"{subject} is delivered, not {candidate_phrase(own)}: {_compared(comparison, labelled=labelled)}"
    if data.delivered is None:
        unknown = "It is not known whether the adaptation helped"
        return f"{subject} is {_compared(comparison, labelled=labelled)}" if comparison.known else unknown
    if not comparison.known:
        return f"{subject} is delivered; it is not known whether the adaptation helped"
    against = comparison.worse and not comparison.better
    return f"{subject} is delivered{', but' if against else ':'} {_compared(comparison, labelled=labelled)}"


def _compared(comparison: _Comparison, *, labelled: bool) -> str:
    better, worse, equal = (join(names) for names in (comparison.better, comparison.worse, comparison.equal))
    parts = []
    if better:
        parts.append(f"better than {better}")
    if equal:
        parts.append(f"not clearly different from {equal}")
    if worse:
        parts.append(f"worse than {worse}")
    basis = "on labelled images" if labelled else "by agreement on held-out pairs"
    return f"{', but '.join(parts)} {basis}"


def _delivery(data: RunData, own: Candidate) -> list[str]:
    """Return what is delivered and why."""
    if data.delivered is None:
        return []
    if _replaced(data, own.name):
        plain = f"The run delivers {candidate_phrase(data.delivered)} instead of {candidate_phrase(own.name)}."
        return [data.reason or plain]
    if own.name in (*_RIVALS, "translated"):
        return [f"The run delivers {candidate_phrase(own.name)}."]
    vouched = "of the models for raw target images that the held-out pairs vouch for, its answers tell most"
    if own.scenes is None:  # an older version, which did not ask for more
        return [f"The run delivers {candidate_phrase(own.name)}: {vouched}."]
    return [
        f"The run delivers {candidate_phrase(own.name)}: {vouched}, and nearly every draw of {own.scenes} such scenes prefers "
        "it to a model that was not trained."
    ]


def _estimate(data: RunData) -> list[str]:
    """Return what is known of the delivered model's accuracy without labels, and of its calibration with them."""
    sentences = []
    if {"accuracy", "low", "high"} <= set(data.estimate):
        guess, low, high = (percent(data.estimate[name]) for name in ("accuracy", "low", "high"))
        sentences.append(
            f"Estimated without labels, the delivered model classifies about {guess} of new target images correctly "
            f"({low} to {high})."
        )
    delivered = data.candidate(str(data.delivered))
    measured = delivered.evaluation.metrics.get("accuracy") if delivered and delivered.evaluation else None
    if sentences and measured is not None and delivered is not None and delivered.evaluation is not None:
        margin = _margin(_Share(measured, delivered.evaluation.count))
        if not data.estimate["low"] - margin <= measured <= data.estimate["high"] + margin:
            sentences.append(f"It is not so: measured on labelled images, it is {percent(measured)}.")
    before = delivered.evaluation.metrics.get("ece") if delivered and delivered.evaluation else None
    if before is not None and "ece" in data.calibrated:
        after = percent(data.calibrated["ece"])
        sentences.append(
            f"Its probabilities were calibrated without labels: calibration error {percent(before)} before, {after} after."
        )
    return sentences


def _caveats(data: RunData, own: Candidate, by_labels: _Comparison, by_pairs: _Comparison) -> tuple[str, ...]:
    """Return what a careful reader has to know beside the numbers."""
    caveats = []
    if all(candidate.evaluation is None for candidate in data.candidates):
        caveats.append(
            "No labelled images of the new sensor were given, so its accuracy is not known. Pairs show "
            "scenes outside the task: agreement on them is evidence, not a measurement."
        )
    elif by_labels.known and by_pairs.known and {by_labels.tone, by_pairs.tone} == {"good", "bad"}:
        caveats.append("Labels and agreement on held-out pairs do not say the same here; the labels count more.")
    total = sum(own.class_counts)
    if total and len(own.class_counts) > 2:
        share = max(own.class_counts) / total
        if share > DOMINANT:
            name = _label(data, own.class_counts.index(max(own.class_counts)))
            caveats.append(
                f"{capital(candidate_phrase(own.name))} puts {percent(share)} of the target images into one class ({name})."
            )
    if data.info.get("status") not in (None, "complete"):
        caveats.append(f"The run is not complete (status “{data.info['status']}”).")
    return tuple(caveats)


def _label(data: RunData, index: int) -> str:
    return data.labels[index] if index < len(data.labels) else f"class {index}"


def _images(count: int | None) -> str:
    return f"{count:,} labelled images" if count else "labelled images"
