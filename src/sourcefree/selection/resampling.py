"""What the deciding score would have been on other held-out scenes: a bootstrap."""

from __future__ import annotations

import torch
from torch import Tensor

from sourcefree.losses.information import entropy
from sourcefree.selection.scores import pair_divergences

_ROUNDS = 1000
_TEMPERATURES = torch.logspace(-0.7, 1.3, 41, dtype=torch.float64)  # 0.2..20, as in pair_temperature
_CHUNK = 100  # draws at a time: of very many scenes, all at once would take memory


def resampled_information(
    logits: Tensor, pair_logits: Tensor, source_logits: Tensor, *, scenes: Tensor, pair_scenes: Tensor
) -> Tensor:
    """Return :func:`sourcefree.selection.scores.target_information` as other held-out scenes would have it, (R,) nats.

    Held-out pairs say how loud a model's answers may be, held-out target images how much they tell, and both are few. So the
    scenes of both are drawn anew with replacement, as many as there are, whole scenes since what is in one is alike, and each
    draw has its own temperature. Draw r takes the same scenes for every model that is judged on them: two models are compared
    draw by draw, and what makes a set of scenes easy or hard for both has no part in it (models that are judged on different
    pairs, as where pairs are few, have draws of their own). Of a temperature only the nearest of 41 is known, 12 % apart.

    Args:
        logits: (N, K) on target images that the model was not trained on.
        pair_logits: (M, K) on the target images of pairs that the model was not trained on.
        source_logits: (M, K) of the source model on their source images.
        scenes: (N,) number of the scene of each target image.
        pair_scenes: (M,) number of the scene of each pair.

    Reference: ours; the bootstrap: Efron, "Bootstrap methods: another look at the jackknife", 1979; of whole clusters: Field
    and Welsh, "Bootstrapping clustered data", 2007.
    """
    divergences = [pair_divergences(pair_logits.double() / heat, source_logits) for heat in _TEMPERATURES]
    of_scenes = _sums(torch.stack(divergences, 1), pair_scenes)
    chosen = (_times_drawn(len(of_scenes), seed=0) @ of_scenes).argmin(1)
    drawn = _times_drawn(len(set(scenes.tolist())), seed=1)
    information = torch.empty(_ROUNDS, dtype=torch.float64)
    for number in set(chosen.tolist()):
        answers = (logits.double() / float(_TEMPERATURES[number])).softmax(-1)
        for rounds in (chosen == number).nonzero().flatten().split(_CHUNK):
            information[rounds] = _information(answers, scenes, drawn[rounds])
    return information


def _information(answers: Tensor, scenes: Tensor, drawn: Tensor) -> Tensor:
    """Return H(mean p) - mean H(p) of each draw, (D,) nats.

    Args:
        answers: (N, K) probabilities p.
        scenes: (N,) number of the scene of each.
        drawn: (D, S) how often each scene is in each draw.
    """
    each = torch.cat([answers, entropy(answers)[:, None], torch.ones(len(answers), 1)], 1)
    sums = drawn @ _sums(each, scenes)
    means = sums[:, :-1] / sums[:, -1:]
    return entropy(means[:, :-1]) - means[:, -1]


def _sums(values: Tensor, scenes: Tensor) -> Tensor:
    """Return the sums of (N, V) values over each scene, (S, V)."""
    numbers = torch.tensor(sorted(set(scenes.tolist())))
    sums = torch.zeros(len(numbers), values.shape[1], dtype=torch.float64)
    return sums.index_add_(0, torch.searchsorted(numbers, scenes), values.double())


def _times_drawn(count: int, *, seed: int) -> Tensor:
    """Return how often each of so many scenes is in each draw, (R, S)."""
    draws = torch.randint(count, (_ROUNDS, count), generator=torch.Generator().manual_seed(seed))
    return torch.zeros(_ROUNDS, count, dtype=torch.float64).scatter_add_(1, draws, torch.ones_like(draws).double())
