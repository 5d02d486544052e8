"""Whether a model's answers on pairs have anything to do with the scenes that it sees: a permutation test."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import log_softmax

_ROUNDS = 2000
_EQUAL = 1e-6  # sums of the same numbers in another order differ by less


def chance_of_match(logits: Tensor, source_logits: Tensor, scenes: Tensor) -> float:
    """Return how likely answers that have nothing to do with the scenes match the source model's as well; in 0..1.

    The match is ``sum_k s_k log p_k`` summed over scenes, with s the mean of the source model's answers on the source images of
    a scene's pairs and log p that of the model's on the target images: means, so that scenes of other sizes can be exchanged;
    what differs within a scene has no part in it. If p had nothing to do with the scene, it could as
    well stand beside another scene's s: so the returned p-value is the share of random exchanges of whole scenes that match at
    least as well. That needs no assumption on how matches are distributed, of which six scenes could not tell; and it does not
    depend on how loud the answers are, since a temperature scales what differs between exchanges. S scenes allow no value
    below about 1 / S!.

    Args:
        logits: (N, K) of the model on the target images of pairs that it was not trained on.
        source_logits: (N, K) of the source model on their source images.
        scenes: (N,) number of the scene of each pair; pairs of one scene are no independent evidence.

    Reference: ours; permutation tests: Good, "Permutation, parametric and bootstrap tests of hypotheses", 2005.
    """
    if not logits.isfinite().all():
        return 1.0  # no comparison with what is not a number is ever true
    numbers = sorted(set(scenes.tolist()))
    answers, source = log_softmax(logits.double(), -1), source_logits.double().softmax(-1)
    member = torch.stack([(scenes == number).double() for number in numbers])
    member = member / member.sum(1, keepdim=True)
    matches = (member @ source) @ (member @ answers).T  # (S, S): source answers of a scene with the model's of another
    observed = matches.trace()
    generator = torch.Generator().manual_seed(0)
    rows = torch.arange(len(numbers))
    exchanged = [matches[rows, torch.randperm(len(numbers), generator=generator)].sum() for _ in range(_ROUNDS)]
    as_good = sum(bool(value >= observed - _EQUAL * observed.abs()) for value in exchanged)
    return (1 + as_good) / (1 + _ROUNDS)
