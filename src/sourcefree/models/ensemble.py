"""Several models as one: the network of a classifier that mixes its members' answers."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import TypeAlias

import torch
from torch import Tensor, nn

from sourcefree.models.classifier import Classifier

HEAD = "mixture"
Statistics: TypeAlias = tuple[Sequence[float], Sequence[float]]
"""Mean and deviation per channel."""


class Mixture(nn.Module):
    """Weighted mean of the members' probabilities; weights are sigmoids of free scalars, normalised to sum 1.

    Reference: [SOCKET] section on multiple sources (aggregation weights, after DECISION, Ahmed et al., CVPR 2021).
    """

    def __init__(self, members: int) -> None:
        super().__init__()
        self.scores = nn.Parameter(torch.zeros(members))

    def weights(self) -> Tensor:
        """Return the weight of each member, (M,)."""
        positive = self.scores.sigmoid()
        return positive / positive.sum()

    def forward(self, features: Tensor, logits: Tensor) -> Tensor:
        """Return the logarithm of the mixed probabilities, (N, K).

        Args:
            features: (N, D_1 + ... + D_M), the members' features side by side: what a classifier reads here.
            logits: (M, N, K).
        """
        weighted = logits.float().log_softmax(-1) + self.weights().log()[:, None, None]
        return weighted.logsumexp(0)


class Restandardise(nn.Module):
    """Bring images standardised with one mean and deviation per channel to others: (N, C, H, W) -> (N, C, H, W).

    Args:
        channels: C; they pass unchanged until :meth:`between` sets the statistics.
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("scale", torch.ones(channels, 1, 1))
        self.register_buffer("shift", torch.zeros(channels, 1, 1))

    def reset(self) -> None:
        """Let images pass unchanged."""
        self.scale.fill_(1)
        self.shift.zero_()

    @classmethod
    def between(cls, given: Statistics, expected: Statistics) -> Restandardise:
        """Return the module for images standardised as ``given`` and a network that was trained on ``expected``."""
        (given_mean, given_std), (mean, std) = (
            torch.tensor(one, dtype=torch.float64)[..., None, None] for one in (given, expected)
        )
        module = cls(len(mean))
        module.scale.copy_(given_std / std)
        module.shift.copy_((given_mean - mean) / std)
        return module

    def forward(self, images: Tensor) -> Tensor:
        """Return the images as the network expects them."""
        return images * self.scale + self.shift


class EnsembleNetwork(nn.Module):
    """Classifiers of one sensor and one list of labels, mixed: source models, or target models that were trained alike.

    Args:
        members: each maps images (N, C, H, W) to features and logits.
    """

    def __init__(self, members: Sequence[Classifier]) -> None:
        super().__init__()
        self.models = nn.ModuleList(members)
        self.mixture = Mixture(len(members))

    def forward(self, images: Tensor) -> Tensor:
        """Return log-probabilities (N, K)."""
        outputs = [model(images) for model in self.models]
        features = torch.cat([output.features for output in outputs], dim=1)
        mixed: Tensor = self.mixture(features, torch.stack([output.logits for output in outputs]))
        return mixed


def ensemble(members: Sequence[Classifier], statistics: Sequence[Statistics] | None = None) -> Classifier:
    """Return one classifier that mixes copies of the members with equal weights to begin with.

    Its features are the members' side by side, its stages those of all members.

    Args:
        members: for images of three channels, with nothing before their networks.
        statistics: mean and deviation per channel that each member's images were standardised with; the classifier takes
            images standardised with those of the first. Default: the same for all.
    """
    copies = [copy.deepcopy(member) for member in members]
    for place, member in enumerate(copies):
        member.adapter = (
            Restandardise.between(statistics[0], statistics[place]) if statistics else Restandardise(member.in_channels)
        )
    return _mixed(copies)


def deep_ensemble(members: Sequence[Classifier]) -> Classifier:
    """Return one classifier that averages the probabilities of models which were trained alike, with other orders of images.

    Args:
        members: of one sensor, on one device; each keeps what stands before its network, which may have been trained with it.

    Reference: Lakshminarayanan et al., "Simple and scalable predictive uncertainty estimation using deep ensembles", NeurIPS
    2017.
    """
    return _mixed(members).to(next(members[0].parameters()).device)


def _mixed(members: Sequence[Classifier]) -> Classifier:
    prefixes = [f"models.{place}.network." for place in range(len(members))]
    stages = [prefix + stage for prefix, member in zip(prefixes, members, strict=True) for stage in member.stage_names]
    channels = members[0].in_channels
    return Classifier(EnsembleNetwork(members), head=HEAD, in_channels=channels, stages=stages, adapter=nn.Identity())
