"""Strong views: the same places in every precision."""

from __future__ import annotations

import torch

from sourcefree.data.views import strong_view


def test_places_do_not_depend_on_the_precision_of_the_layers() -> None:
    images = torch.rand(4, 1, 96, 96)
    torch.manual_seed(0)
    exact = strong_view(images)
    torch.manual_seed(0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(strong_view(images), exact)
