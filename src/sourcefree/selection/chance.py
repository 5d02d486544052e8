"""Whether a model's answers on pairs have anything to do with what it sees: permutation tests between and within scenes."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import log_softmax

_ROUNDS = 2000
_EQUAL = 1e-6  # sums of the same numbers in another order differ by less
_FEW = 4  # scenes; of fewer, nothing within them says that other scenes are like them


def chance_of_match(logits: Tensor, source_logits: Tensor, scenes: Tensor) -> float:
    """Return how likely answers that have nothing to do with the pairs match the source model's as well; in 0..1.

    The match is ``sum s_k log p_k``, with s the source model's answer on a source image and log p that of the model's on the
    target image. If p had nothing to do with the image, it could as well stand beside another one's s: so the p-value is the
    share of random exchanges that match at least as well. That needs no assumption on how matches are distributed, of which
    few scenes could not tell; and it does not depend on how loud the answers are, since a temperature scales what differs
    between exchanges. Pairs of one scene are no independent evidence, so there are two tests:

    * between scenes, whole scenes are exchanged, and what differs within one has no part in it. S scenes allow no value below
      about 1 / S!;
    * within scenes, where there are four at least, p is shifted against s along the order of the pairs, from the end to the
      beginning, by a random amount in each scene. Neighbours (frames of a film, tiles of a map) stay neighbours, so answers
      that change slowly on both sides are no match by that alone, as they would be with pairs exchanged one by one.

    The smaller of both counts, twice (Bonferroni); or the only one that there is, where scenes are of one pair each.

    Args:
        logits: (N, K) of the model on the target images of pairs that it was not trained on.
        source_logits: (N, K) of the source model on their source images.
        scenes: (N,) number of the scene of each pair; those of a scene in the order of their names.

    Reference: ours; permutation tests: Good, "Permutation, parametric and bootstrap tests of hypotheses", 2005; random shifts:
    Lotwick and Silverman, "Methods for analysing spatial processes of several types of points", 1982.
    """
    if not logits.isfinite().all():
        return 1.0  # no comparison with what is not a number is ever true
    answers, source = log_softmax(logits.double(), -1), source_logits.double().softmax(-1)
    members = [(scenes == number).nonzero().flatten() for number in sorted(set(scenes.tolist()))]
    generator = torch.Generator().manual_seed(0)
    found = [_between(source, answers, members, generator)]
    if len(members) >= _FEW and len(members) < len(scenes):
        found.append(_within(source, answers, members, generator))
    return min(1.0, len(found) * min(found))


def _between(source: Tensor, answers: Tensor, members: list[Tensor], generator: torch.Generator) -> float:
    """Exchange whole scenes: means over their pairs, so that scenes of other sizes can be exchanged."""
    of_scenes = [torch.stack([side[pairs].mean(0) for pairs in members]) for side in (source, answers)]
    matches = of_scenes[0] @ of_scenes[1].T  # (S, S): source answers of a scene with the model's of another
    rows = torch.arange(len(members))
    exchanged = [matches[rows, torch.randperm(len(members), generator=generator)].sum() for _ in range(_ROUNDS)]
    return _share(torch.stack(exchanged), matches.trace())


def _within(source: Tensor, answers: Tensor, members: list[Tensor], generator: torch.Generator) -> float:
    """Shift the model's answers along the pairs of each scene."""
    shifted = torch.zeros(_ROUNDS, dtype=source.dtype)
    observed = torch.zeros((), dtype=source.dtype)
    for pairs in members:
        by_shift = torch.stack([(source[pairs] * answers[pairs].roll(-shift, 0)).sum() for shift in range(len(pairs))])
        observed += by_shift[0]
        shifted += by_shift[torch.randint(len(pairs), (_ROUNDS,), generator=generator)]
    return _share(shifted, observed)


def _share(exchanged: Tensor, observed: Tensor) -> float:
    """Return the p-value: what was observed is one of the exchanges."""
    as_good = int((exchanged >= observed - _EQUAL * observed.abs()).sum())
    return (1 + as_good) / (1 + len(exchanged))
