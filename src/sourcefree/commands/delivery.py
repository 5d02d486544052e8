"""What an adaptation hands over: which model, how good it may be, and what the user must know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from sourcefree.commands.candidates import Candidate, Judge
from sourcefree.config import AdaptSettings
from sourcefree.selection.drift import STRANGE
from sourcefree.selection.estimate import AccuracyEstimate
from sourcefree.selection.guard import Evidence, choose_candidate
from sourcefree.selection.objective import DECISIVE
from sourcefree.selection.scores import DOMINANT, dominant_share


@dataclass(frozen=True)
class Delivery:
    """The outcome of the label-free evidence.

    Attributes:
        preferred: the candidate that the method is about.
        delivered: the candidate that is handed over.
        reason: why it is not the preferred one; None where it is.
        estimate: of its accuracy on the target images; None where there is nothing to estimate it by.
        unlike_pairs: share of target images that look like none of the pairs.
        warnings: why another candidate than the preferred one is delivered, and what else the evidence shows.
    """

    preferred: str
    delivered: str
    reason: str | None
    estimate: AccuracyEstimate | None
    unlike_pairs: float
    warnings: tuple[str, ...]


def decide(
    candidates: Mapping[str, Candidate], judge: Judge, settings: AdaptSettings, labels: Sequence[str]
) -> Delivery:
    """Return what is delivered: the method's model if the evidence is for it, else an earlier one of the run.

    Args:
        candidates: by name.
        judge: the evidence they were judged by.
        settings: the method.
        labels: class names.
    """
    preferred = _preferred(candidates, settings)
    # The translated model is shown but stands in no competition: it costs a translator at inference.
    rivals = [name for name in candidates if name not in (preferred, "translated")]
    evidence = {name: _evidence(candidates[name]) for name in (preferred, *rivals)}
    unlike = judge.share_unlike_pairs()
    decision = choose_candidate(evidence, preferred=preferred, unlike=unlike)
    delivered = candidates[decision.delivered]
    doubt = _doubt(delivered, evidence[delivered.name], unlike, labels)
    estimate = None if doubt else delivered.estimate
    warnings = (*decision.warnings, *doubt)
    return Delivery(preferred, delivered.name, decision.reason, estimate, unlike, warnings)


def _evidence(candidate: Candidate) -> Evidence:
    return Evidence(candidate.scores[DECISIVE], candidate.chance, candidate.scenes, candidate.resampled)


def _doubt(delivered: Candidate, evidence: Evidence, unlike: float, labels: Sequence[str]) -> list[str]:
    """Return why the delivered model's accuracy cannot be told; a model that is wrong may be as sure as one that is right."""
    reasons = []
    if not evidence.tells:
        reasons.append("its answers on held-out scenes tell nothing of the source model's")
    if unlike >= STRANGE:
        reasons.append("next to no target image looks like those of the pairs")
    share = dominant_share(delivered.target.logits)
    if len(labels) > 2 and share > DOMINANT:
        reasons.append(f"{100 * share:.0f} % of its answers are {_most_frequent(delivered, labels)!r}")
    if not reasons:
        return []
    return [
        f"How often the delivered model ({delivered.name}) is right cannot be estimated: {', and '.join(reasons)}. "
        "Measure it on some labelled images with sourcefree evaluate."
    ]


def _preferred(candidates: Mapping[str, Candidate], settings: AdaptSettings) -> str:
    """Return the name of the model that the method is about."""
    trained = next((name for name in ("adapted", "translated") if name in candidates), None)
    return trained or (settings.method if settings.method in candidates else "source-only")


def collapse_warning(candidate: Candidate, labels: tuple[str, ...]) -> str | None:
    """Return what the user must know of a model that gives one answer only; None of any other."""
    logits = candidate.target.logits
    if len(labels) < 2 or dominant_share(logits) < 1:
        return None
    only = _most_frequent(candidate, labels)
    return f"The {candidate.name} model predicts {only!r} for every target image: it has collapsed to one class."


def _most_frequent(candidate: Candidate, labels: Sequence[str]) -> str:
    return labels[int(torch.mode(candidate.target.logits.argmax(-1)).values)]
