from __future__ import annotations

import pytest
import torch

from sourcefree.selection.scores import mutual_information, target_information
from sourcefree.selection.temperature import (
    fitted_temperature,
    pair_temperature,
    source_free_temperature,
    trusted_temperature,
)


@pytest.mark.parametrize("loudness", [0.5, 2.0])
def test_the_temperature_of_pairs_undoes_loudness_and_so_target_information_does_not_hear_it(loudness: float) -> None:
    torch.manual_seed(0)
    target, pairs = torch.randn(50, 4), torch.randn(60, 4)
    source = pairs + 0.1 * torch.randn(60, 4)
    temperature = pair_temperature(loudness * pairs, source)
    assert temperature == pytest.approx(loudness * pair_temperature(pairs, source), rel=1e-3)
    found = target_information(loudness * target, temperature=temperature)
    assert found == pytest.approx(mutual_information(target), rel=0.1)  # these pairs ask for one, by and large


def test_target_information_is_low_where_the_pairs_prove_the_answers_wrong() -> None:
    torch.manual_seed(0)
    target, pairs = 5 * torch.randn(50, 4), 5 * torch.randn(60, 4)
    of_pairs = pair_temperature(pairs, 5 * torch.randn(60, 4))
    temperature = trusted_temperature(of_mixtures=0.1, of_pairs=of_pairs)  # mixtures praise it
    assert target_information(target, temperature=temperature) < 0.5 * mutual_information(target)


@pytest.mark.parametrize("loudness", [0.5, 4.0])
def test_the_temperature_undoes_loudness(loudness: float) -> None:
    torch.manual_seed(0)
    labels = torch.randint(4, (2000,))
    # A model whose probabilities on mixtures are honest: the label is drawn from them.
    logits = torch.randn(2000, 4) * 1.5
    labels = torch.distributions.Categorical(logits=logits).sample()
    found = source_free_temperature(labels, lambda first, _second, _share: loudness * logits[first])
    assert found == pytest.approx(loudness, rel=0.15)


@pytest.mark.parametrize(
    ("of_mixtures", "of_pairs", "trusted"),
    # Between a third and all of what pairs ask for as they are; below no further; twice as much counts as half, but never makes
    # a model surer than it is.
    [
        (1.5, 3.0, 1.5),
        (3.0, 3.0, 3.0),
        (0.5, 3.0, 1.0),
        (0.1, 18.0, 6.0),
        (6.0, 3.0, 1.5),
        (3.0, 2.0, 4 / 3),
        (10.0, 2.0, 1.0),
        (0.8, 0.4, 0.4),
        (99.0, 3.0, 1.0),
        (99.0, 6.0, 2.0),
    ],
)
def test_mixtures_are_believed_within_the_limits_that_pairs_set(
    of_mixtures: float, of_pairs: float, trusted: float
) -> None:
    assert trusted_temperature(of_mixtures=of_mixtures, of_pairs=of_pairs) == pytest.approx(trusted)


def test_logits_that_are_all_alike_stay_as_they_are() -> None:
    assert fitted_temperature(torch.zeros(4, 3), torch.tensor([0, 1, 2, 0])) == 1
