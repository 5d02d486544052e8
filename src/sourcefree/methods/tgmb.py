"""TGMB: task-irrelevant data-guided modality bridging, the training of the translator."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from sourcefree.config import TgmbSettings
from sourcefree.losses.adversarial import domain_gap, reverse_gradient
from sourcefree.losses.information import information_maximization
from sourcefree.losses.matching import stage_matching
from sourcefree.losses.reconstruction import pixel_reconstruction
from sourcefree.methods.base import Method, ParameterGroup
from sourcefree.models.classifier import Classifier
from sourcefree.models.discriminators import FeatureDiscriminator, PixelDiscriminator
from sourcefree.types import ClassifierOutput, StepBatch, StepOutput


class Tgmb(Method):
    """``L_rec + alpha_d (L_D1 + L_D2) + alpha_im L_IM``, plus a perceptual term of our own; any of them can be off.

    One optimiser trains translator and discriminators: gradient reversal stands between them. The discriminators learn at
    the full rate and alpha_d scales the reversed gradient only, so that a small alpha_d does not also mean a weak critic.
    The perceptual term compares the source model's stage maps of translated and source images: pixels that look right to
    us need not look right to the network that has to read them.

    Args:
        source_model: frozen source classifier.
        translator: T, target images to source-like images.
        feature_width: D of the source model's features.
        settings: weights and switches.

    Reference: [TGKT] section on TGMB and equation 1. Deviation: discriminators on features or on pixels by choice, since
    it is not published which.
    """

    uses_pairs = True

    def __init__(
        self, *, source_model: Classifier, translator: nn.Module, feature_width: int, settings: TgmbSettings
    ) -> None:
        super().__init__()
        self.settings = settings
        self.translator = translator
        self.source_model = source_model
        adversarial = settings.adversarial > 0
        self.inter = self._discriminator(feature_width) if adversarial and settings.inter_gap else None
        self.intra = self._discriminator(feature_width) if adversarial and settings.intra_gap else None
        self.keep_frozen("source_model")

    def _discriminator(self, feature_width: int) -> nn.Module:
        if self.settings.discriminator == "features":
            return FeatureDiscriminator(feature_width)
        return PixelDiscriminator(self.source_model.in_channels)

    def parameter_groups(self) -> Iterable[ParameterGroup]:
        """Return translator and discriminators; nothing of them is pretrained."""
        trained = (self.translator, self.inter, self.intra)
        return [ParameterGroup([p for module in trained if module is not None for p in module.parameters()])]

    def forward(self, batch: StepBatch) -> StepOutput:
        """Return the weighted sum of the terms that are on."""
        target, pairs = batch.target_images, batch.needed_pairs
        weights, terms = self.settings, {}
        count = len(pairs.target)
        translated = self.translator(torch.cat([pairs.target, target.images]))
        if weights.reconstruction:
            difference = pixel_reconstruction(translated[:count], pairs.source)
            terms["reconstruction"] = weights.reconstruction * difference
        if self._reads_source_model:
            output, maps = self.source_model.with_stages(translated)
            with torch.no_grad():
                real, real_maps = self.source_model.with_stages(pairs.source)
            if weights.perceptual and maps:
                pair_maps = [level[:count] for level in maps]
                terms["perceptual"] = weights.perceptual * stage_matching(pair_maps, real_maps)
            if weights.information:
                information = information_maximization(output.logits[count:])
                terms["information"] = weights.information * information
            terms.update(self._gaps(pairs.source, translated, real, output, count))
        return self.total(terms, anchor=translated)

    @property
    def _reads_source_model(self) -> bool:
        critics = self.inter is not None or self.intra is not None
        return critics or self.settings.perceptual > 0 or self.settings.information > 0

    def _gaps(
        self, source: Tensor, translated: Tensor, real: ClassifierOutput, output: ClassifierOutput, count: int
    ) -> dict[str, Tensor]:
        """Return the discriminators' losses: D1 source against translated pairs, D2 translated pairs against targets."""
        on_features = self.settings.discriminator == "features"
        seen = reverse_gradient(output.features if on_features else translated, self.settings.adversarial)
        reference = real.features if on_features else source
        gaps: dict[str, Tensor] = {}
        if self.inter is not None:
            gaps["inter_gap"] = domain_gap(self.inter(reference), self.inter(seen[:count]))
        if self.intra is not None:
            gaps["intra_gap"] = domain_gap(self.intra(seen[:count]), self.intra(seen[count:]))
        return gaps
