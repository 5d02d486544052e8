"""Matching of features and of intermediate maps on pairs of the two sensors."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import mse_loss, normalize


def feature_matching(student_features: Tensor, teacher_features: Tensor) -> Tensor:
    """Return the mean squared difference of features; scalar.

    Args:
        student_features: F_t(x^t_TI), (N, D).
        teacher_features: F_s(x^s_TI), (N, D); no gradient flows into them.

    Reference: [TGKT] L_f. Deviation: the mean over dimensions in place of the sum, so that beta_f means the same for every
    width of features: beta_f = D here is 1 there.
    """
    return mse_loss(student_features.float(), teacher_features.detach().float())


def feature_norm(student_features: Tensor, teacher_features: Tensor) -> Tensor:
    """Return the Frobenius norm of the batch's feature differences, not squared and not averaged; scalar.

    Args:
        student_features: F_t(x^t_TI), (N, D).
        teacher_features: F_s(x^s_TI), (N, D); no gradient flows into them.

    Reference: [SOCKET] task-irrelevant feature matching.
    """
    norm: Tensor = torch.linalg.matrix_norm(student_features.float() - teacher_features.detach().float())
    return norm


def stage_matching(student_maps: Sequence[Tensor], teacher_maps: Sequence[Tensor]) -> Tensor:
    """Return the squared distance of channel-normalised maps, averaged over positions, images and stages; scalar in 0..4.

    Each position's vector of channels is scaled to length 1 first, so that every stage counts alike and only what a
    position says matters, not how loudly.

    Args:
        student_maps: one map a stage, (N, C, H, W) or (N, tokens, D).
        teacher_maps: the same shapes; no gradient flows into them.

    Reference: Wang et al., "Student-Teacher Feature Pyramid Matching", BMVC 2021, equation 1 (without its half).
    """
    distances = []
    for student, teacher in zip(student_maps, teacher_maps, strict=True):
        channels = 1 if student.ndim == 4 else -1
        difference = normalize(student.float(), dim=channels) - normalize(teacher.detach().float(), dim=channels)
        distances.append(difference.square().sum(channels).mean())
    return torch.stack(distances).mean()
