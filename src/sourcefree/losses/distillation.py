"""Knowledge distillation."""

from __future__ import annotations

from torch import Tensor
from torch.nn.functional import log_softmax


def distillation(student_logits: Tensor, teacher_logits: Tensor, *, temperature: float = 1.0) -> Tensor:
    """Return ``tau^2 KL(softmax(teacher / tau) || softmax(student / tau))``, averaged over images; scalar.

    Args:
        student_logits: (N, K).
        teacher_logits: (N, K); no gradient flows into them.
        temperature: tau > 0.

    Reference: [TGKT] L_KL; Hinton et al., 2015.
    """
    teacher = log_softmax(teacher_logits.detach().float() / temperature, dim=-1)
    student = log_softmax(student_logits.float() / temperature, dim=-1)
    return (teacher.exp() * (teacher - student)).sum(-1).mean() * temperature**2
