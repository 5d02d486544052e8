from __future__ import annotations

import pytest
import torch

from sourcefree.errors import ConfigError
from sourcefree.models.discriminators import FeatureDiscriminator, PixelDiscriminator
from sourcefree.models.translators import TRANSLATORS, PaperTranslator, UNetTranslator, create_translator


@pytest.mark.parametrize("name", sorted(TRANSLATORS))
@pytest.mark.parametrize("shape", [(2, 1, 64, 64), (2, 4, 57, 63), (2, 3, 32, 48)])
def test_translations_are_colour_images_of_the_same_size(name: str, shape: tuple[int, ...]) -> None:
    images = torch.randn(shape)
    assert create_translator(name, in_channels=shape[1])(images).shape == (2, 3, *shape[2:])


def test_the_unet_starts_as_the_repeated_channel() -> None:
    images = torch.randn(2, 1, 57, 63)
    assert torch.allclose(UNetTranslator(1)(images), images.expand(-1, 3, -1, -1))


def test_the_unet_sees_context_and_the_paper_sized_net_only_neighbours() -> None:
    for translator, reach in ((UNetTranslator(1), 12), (PaperTranslator(1), 1)):
        torch.nn.init.normal_(list(translator.parameters())[-2])
        images = torch.randn(1, 1, 64, 64, requires_grad=True)
        translator.eval()(images)[0, :, 32, 32].sum().backward()
        rows = images.grad[0, 0].abs().sum(1).nonzero().flatten() - 32
        assert rows.abs().max() >= reach
        if reach == 1:
            assert rows.abs().max() == 1


def test_an_unknown_translator_is_refused_with_the_closest_name() -> None:
    with pytest.raises(ConfigError) as caught:
        create_translator("unett", in_channels=1)
    assert "'unet'" in str(caught.value.hint)


def test_discriminators_give_one_logit_a_vector_or_patch() -> None:
    assert FeatureDiscriminator(16)(torch.randn(5, 16)).shape == (5, 1)
    assert PixelDiscriminator()(torch.randn(5, 3, 64, 64)).shape[:2] == (5, 1)


def test_the_feature_critic_does_not_depend_on_the_scale_of_features() -> None:
    critic, features = FeatureDiscriminator(16), torch.randn(5, 16)
    assert torch.allclose(critic(features), critic(100 * features), atol=1e-4)
