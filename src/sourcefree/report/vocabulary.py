"""Names, explanations and number formats that the report uses, so that text and figures say the same."""

from __future__ import annotations

from dataclasses import dataclass

DASH = "\N{EN DASH}"
_MINUS = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Quantity:
    """How to show a number.

    Attributes:
        title: short name for a table head.
        explanation: one or two sentences for a reader who does not know it.
        better: "higher", "lower", or None where a larger value is neither good nor bad by itself.
        percent: whether the value is a share to be shown in percent.
    """

    title: str
    explanation: str
    better: str | None = "higher"
    percent: bool = False


METRICS = {
    "accuracy": Quantity("Accuracy", "Share of labelled images classified correctly.", percent=True),
    "class_mean_accuracy": Quantity(
        "Class mean", "Accuracy averaged over classes, so that every class counts the same.", percent=True
    ),
    "macro_f1": Quantity("Macro F1", "F1 (precision and recall together) averaged over classes.", percent=True),
    "ece": Quantity(
        "Calib. error",
        "Expected calibration error: mean gap between confidence and accuracy, 15 bins. "
        "0 % means that the confidence can be taken at its word.",
        better="lower",
        percent=True,
    ),
}

SCORES = {
    "pair_agreement": Quantity(
        "Pair agreement",
        "On held-out pairs, how often the model's answer for the target image is the source model's answer "
        "for the source image of the same scene. The scenes lie outside the task.",
        percent=True,
    ),
    "pair_divergence": Quantity(
        "Pair divergence",
        "On held-out pairs, how far the model's class probabilities for the target image are from the source "
        "model's for the source image (nats). 0 means identical.",
        better="lower",
    ),
    "pair_information": Quantity(
        "Pair information",
        "On held-out pairs, how much the model's answer for the target image tells of the source model's for the source "
        "image (nats), however loud the answers are. 0 means nothing. A model without any is not delivered.",
    ),
    "target_information": Quantity(
        "Target information",
        "How much the model's answers tell target images apart (nats), no surer than held-out pairs and mixtures of target "
        "images allow. 0 means the same answer for all. What is delivered is decided by it.",
    ),
    "mean_confidence": Quantity(
        "Mean confidence",
        "Mean probability of the predicted class. Says how sure the model is, not how right.",
        better=None,
        percent=True,
    ),
}

_CANDIDATES = {
    "source-only": "source-only",
    "adabn": "AdaBN",
    "translated": "translated",
    "adapted": "adapted",
    "source": "source model",
}

_PHRASES = {
    "source-only": "the source model",
    "translated": "the source model on translated images",
    "adapted": "the adapted model",
}

_COUNTS = {
    "target": "target images",
    "held_out_target": "target held out",
    "held_out_pairs": "pairs held out",
    "source": "source images",
    "held_out": "held-out images",
    "unreadable": "unreadable",
}


def quantity(name: str) -> Quantity:
    """Return how to show a metric or score; an unknown one gets its own name and no direction."""
    known = METRICS.get(name) or SCORES.get(name)
    return known or Quantity(name.replace("_", " "), "", better=None)


def candidate_title(name: str) -> str:
    """Return the candidate's name as the report writes it."""
    return _CANDIDATES.get(name, name)


def candidate_phrase(name: str) -> str:
    """Return the candidate as a sentence speaks of it."""
    return _PHRASES.get(name) or candidate_title(name)


def capital(text: str) -> str:
    """Return the text with a capital letter at its beginning."""
    return text[:1].upper() + text[1:]


def count_title(name: str) -> str:
    """Return what a number of the summary counts."""
    return _COUNTS.get(name, name.replace("_", " "))


def format_value(name: str, value: float | None) -> str:
    """Return the metric or score as text, an en dash where it is unknown."""
    if value is None:
        return DASH
    return percent(value) if quantity(name).percent else f"{value:.3f}"


def percent(share: float) -> str:
    """Return a share in [0, 1] as percent with one decimal."""
    return f"{100 * share:.1f} %"


def points(difference: float) -> str:
    """Return a difference of shares as signed percentage points."""
    return f"{100 * difference:+.1f}".replace("-", _MINUS) + " points"


def duration(seconds: float) -> str:
    """Return a time span as text with two units at most."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes == 0:
        return f"{rest} s"
    hours, minutes_left = divmod(minutes, 60)
    return f"{hours} h {minutes_left} min" if hours else f"{minutes} min {rest} s"


def join(words: list[str]) -> str:
    """Return the words as an enumeration: a, b and c."""
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1] if words else ""
