"""Seeds are part of every result that was written down: they may not change."""

from __future__ import annotations

import pytest

from sourcefree.seeds import stream_seed


@pytest.mark.parametrize(
    ("parts", "seed"),
    [
        ((0, "held-out pairs"), 2347424975),
        ((1, "source", 2), 57373035),
        ((7, "tgmb", 3), 1202536729),
        ((0, "grey", "car/0001.png"), 109805911),
    ],
)
def test_the_seeds_of_streams_stay(parts: tuple[int | str, ...], seed: int) -> None:
    assert stream_seed(*parts) == seed


def test_parts_are_told_apart_by_slashes_only() -> None:
    assert stream_seed("a", "b") == stream_seed("a/b")
    assert stream_seed(1) == stream_seed("1")
    assert len({stream_seed(seed, stream) for seed in range(20) for stream in ("source", "target", "pairs")}) == 60
