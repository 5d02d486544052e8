"""Whether a model's answers on pairs have anything to do with what it sees: tests between and within scenes, by chance."""

from __future__ import annotations

import torch
from scipy.stats import combine_pvalues
from torch import Tensor
from torch.nn.functional import log_softmax

_ROUNDS = 2000
_EQUAL = 1e-6  # sums of the same numbers in another order differ by less


def chance_of_match(logits: Tensor, source_logits: Tensor, scenes: Tensor) -> float:
    """Return how likely answers that have nothing to do with the pairs match the source model's as well; in 0..1.

    The match is ``sum s_k log p_k``, with s the source model's answer on a source image and log p that of the model's on the
    target image. If p had nothing to do with the image, it could as well stand beside another one's s: so the p-value is the
    share of random exchanges that match at least as well. That needs no assumption on how matches are distributed, of which
    few scenes could not tell; and it does not depend on how loud the answers are, since a temperature scales what differs
    between exchanges. Pairs of one scene are no independent evidence, so there are two tests:

    * between scenes, whole scenes are exchanged, and what differs within one has no part in it. S scenes allow no value below
      about 1 / S!;
    * within scenes, it counts how s and log p vary together around their means in each. If they had nothing to do with each
      other that would be above zero as often as below, so its sign is drawn at random in each scene. Neighbours (frames of a
      film, tiles of a map) may be as alike as they like: answers that drift on both sides vary together by chance, one way in
      one scene and the other way in the next. S scenes allow no value below about 2^-S.

    Neither hears what the other does, so both are combined (Fisher's method); where scenes are of one pair each, there is the
    first alone.

    Args:
        logits: (N, K) of the model on the target images of pairs that it was not trained on.
        source_logits: (N, K) of the source model on their source images.
        scenes: (N,) number of the scene of each pair.

    Reference: ours; tests by permutations and by signs: Good, "Permutation, parametric and bootstrap tests of hypotheses",
    2005; two in one: Fisher, "Statistical methods for research workers", 1932.
    """
    if not logits.isfinite().all():
        return 1.0  # no comparison with what is not a number is ever true
    answers, source = log_softmax(logits.double(), -1), source_logits.double().softmax(-1)
    members = [(scenes == number).nonzero().flatten() for number in sorted(set(scenes.tolist()))]
    generator = torch.Generator().manual_seed(0)
    between = _between(source, answers, members, generator)
    if len(members) == len(scenes):
        return between
    return float(combine_pvalues([between, _within(source, answers, members, generator)], method="fisher").pvalue)


def _between(source: Tensor, answers: Tensor, members: list[Tensor], generator: torch.Generator) -> float:
    """Exchange whole scenes: means over their pairs, so that scenes of other sizes can be exchanged."""
    of_scenes = [torch.stack([side[pairs].mean(0) for pairs in members]) for side in (source, answers)]
    matches = of_scenes[0] @ of_scenes[1].T  # (S, S): source answers of a scene with the model's of another
    rows = torch.arange(len(members))
    exchanged = [matches[rows, torch.randperm(len(members), generator=generator)].sum() for _ in range(_ROUNDS)]
    return _share(torch.stack(exchanged), matches.trace())


def _within(source: Tensor, answers: Tensor, members: list[Tensor], generator: torch.Generator) -> float:
    """Draw at random in each scene whether its answers vary together as they do or the other way round."""
    together = torch.stack([((source[pairs] - source[pairs].mean(0)) * answers[pairs]).sum() for pairs in members])
    signs = 2.0 * torch.randint(2, (_ROUNDS, len(members)), generator=generator).to(together) - 1
    return _share(signs @ together, together.sum())


def _share(exchanged: Tensor, observed: Tensor) -> float:
    """Return the p-value: what was observed is one of the exchanges."""
    as_good = int((exchanged >= observed - _EQUAL * observed.abs()).sum())
    return (1 + as_good) / (1 + len(exchanged))
