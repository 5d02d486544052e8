"""Which candidate is trusted and delivered."""

from __future__ import annotations

import torch
from torch import Tensor

from sourcefree.selection.guard import Evidence, choose_candidate


def evidence(score: float, chance: float = 0.001, resampled: Tensor | None = None) -> Evidence:
    return Evidence(score, chance, scenes=20, resampled=torch.full((100,), score) if resampled is None else resampled)


SAFE = evidence(-0.5)


def choose(unlike: float = 0.0, **candidates: Evidence) -> tuple[str, tuple[str, ...]]:
    named = {name.replace("_", "-"): values for name, values in candidates.items()}
    decision = choose_candidate(named, preferred="adapted", unlike=unlike)
    return decision.delivered, decision.warnings


def test_the_best_score_is_delivered_without_a_word_where_it_is_the_adapted_model() -> None:
    assert choose(adapted=evidence(0.2), adabn=evidence(0.1), source_only=SAFE) == ("adapted", ())


def test_a_better_fallback_takes_the_place_of_the_adapted_model_and_both_scores_are_told() -> None:
    delivered, warnings = choose(adapted=evidence(0.2), adabn=evidence(0.3), source_only=SAFE)
    assert delivered == "adabn"
    assert "0.200 nats" in warnings[0]
    assert "0.30" in warnings[0]
    assert choose(adapted=evidence(-0.9), adabn=evidence(-0.8), source_only=SAFE)[0] == "source-only"


def test_answers_that_tell_nothing_are_not_trusted_however_good_their_score() -> None:
    """As after training on shuffled pairs: the held-out ones are shuffled as well."""
    delivered, warnings = choose(adapted=evidence(2.0, 0.3), adabn=evidence(1.0, 0.06), source_only=SAFE)
    assert delivered == "source-only"
    assert "20 held-out scenes" in warnings[0]
    assert choose(adapted=evidence(float("nan")), adabn=evidence(0.1), source_only=SAFE)[0] == "adabn"
    # The source model needs no support.
    assert choose(adapted=evidence(2.0, 0.5), source_only=evidence(-3.0, 0.5))[0] == "source-only"


def test_who_asks_for_the_source_model_gets_it() -> None:
    better = {"source-only": SAFE, "adabn": evidence(2.0)}
    assert choose_candidate(better, preferred="source-only").delivered == "source-only"


def test_pairs_prove_nothing_for_target_images_that_look_like_none_of_them() -> None:
    delivered, warnings = choose(unlike=0.95, adapted=evidence(0.6), adabn=evidence(0.3), source_only=SAFE)
    assert delivered == "source-only"
    assert "95 % of the target images" in warnings[0]
    delivered, warnings = choose(unlike=0.6, adapted=evidence(0.6), adabn=evidence(0.3), source_only=SAFE)
    assert delivered == "adapted"
    assert "60 % of the target images" in warnings[0]


def draws(*, higher: int, than: float = 0.1) -> Tensor:
    """Return a hundred scores of which some are higher than ``than`` and the others equal to it."""
    return torch.tensor([than + 0.05] * higher + [than] * (100 - higher))


def test_a_trained_model_must_be_better_whichever_scenes_are_held_out() -> None:
    adabn, source_only = evidence(0.1), evidence(0.05)
    firm, shaky = (evidence(0.2, resampled=draws(higher=count)) for count in (95, 94))
    assert choose(adapted=firm, adabn=adabn, source_only=source_only) == ("adapted", ())
    delivered, (why,) = choose(adapted=shaky, adabn=adabn, source_only=source_only)
    assert delivered == "adabn"
    assert "0.200 nats" in why
    assert "94 % prefer it to adabn, and 95 % are asked for" in why
    # AdaBN itself is not trained: its score is enough.
    assert choose(adabn=evidence(0.1, resampled=draws(higher=0)), source_only=source_only, adapted=SAFE)[0] == "adabn"


def test_the_standard_is_the_better_of_the_untrained_models_that_can_be_trusted() -> None:
    adapted = evidence(0.3, resampled=draws(higher=100, than=0.15))
    assert choose(adapted=adapted, adabn=evidence(0.25), source_only=evidence(0.1))[0] == "adabn"
    assert choose(adapted=adapted, adabn=evidence(0.25, chance=0.5), source_only=evidence(0.1))[0] == "adapted"


def test_a_rival_can_be_firm_where_the_methods_own_model_is_not() -> None:
    shaky, firm = evidence(0.4, resampled=draws(higher=50)), evidence(0.3, resampled=draws(higher=99))
    delivered, (why,) = choose(adapted=shaky, shot=firm, adabn=evidence(0.1), source_only=SAFE)
    assert delivered == "shot"
    assert "50 % prefer it to adabn" in why


def test_where_nothing_is_better_the_model_that_was_not_trained_is_delivered() -> None:
    assert choose(adapted=evidence(0.2), adabn=evidence(0.2), source_only=SAFE)[0] == "adabn"
    assert choose_candidate({"adabn": SAFE, "source-only": SAFE}, preferred="adabn").delivered == "adabn"
