"""What a model's answers would tell by other held-out scenes: a bootstrap."""

from __future__ import annotations

import torch
from torch import Tensor

from sourcefree.selection.scores import pair_divergences, target_information

_ROUNDS = 1000
_TEMPERATURES = torch.logspace(-0.7, 1.3, 41, dtype=torch.float64)  # 0.2..20, as in pair_temperature


def resampled_information(logits: Tensor, pair_logits: Tensor, source_logits: Tensor, scenes: Tensor) -> Tensor:
    """Return the information of a model's answers at the temperature that other held-out scenes would ask for, (R,) nats.

    Held-out pairs say how sure a model's answers may be, and they are few. So the scenes are drawn anew with replacement, as
    many as there are, whole scenes since what is in one is alike, and each draw has its own temperature. Draw r takes the same
    scenes for every model that is judged on them: two models are compared draw by draw, and what makes a set of scenes easy
    or hard for both has no part in it (models that are judged on different pairs, as where pairs are few, have draws of their
    own). Of a temperature only the nearest of 41 is known, 12 % apart.

    The score that decides (:func:`sourcefree.selection.scores.target_information`) hears mixtures of target images too. They
    are the same on every draw, and a lead that rests on them would look as sure as it is not: here pairs alone set the
    temperature.

    Args:
        logits: (N, K) on target images.
        pair_logits: (M, K) on the target images of pairs that the model was not trained on.
        source_logits: (M, K) of the source model on their source images.
        scenes: (M,) number of the scene of each pair.

    Reference: ours; the bootstrap: Efron, "Bootstrap methods: another look at the jackknife", 1979; of whole clusters: Field
    and Welsh, "Bootstrapping clustered data", 2007.
    """
    divergences = [pair_divergences(pair_logits.double() / heat, source_logits) for heat in _TEMPERATURES]
    numbers = torch.tensor(sorted(set(scenes.tolist())))
    members, count = torch.searchsorted(numbers, scenes), len(numbers)
    of_scenes = torch.zeros(count, len(_TEMPERATURES), dtype=torch.float64)
    of_scenes.index_add_(0, members, torch.stack(divergences, 1))
    draws = torch.randint(count, (_ROUNDS, count), generator=torch.Generator().manual_seed(0))
    times_drawn = torch.zeros(_ROUNDS, count, dtype=torch.float64).scatter_add_(
        1, draws, torch.ones_like(draws).double()
    )
    chosen = (times_drawn @ of_scenes).argmin(1).tolist()
    information = {
        number: target_information(logits, temperature=float(_TEMPERATURES[number])) for number in set(chosen)
    }
    return torch.tensor([information[number] for number in chosen])
