"""TGMB and TGKT in one joint stage: translator and target model learn at the same time."""

from __future__ import annotations

from collections.abc import Iterable

from sourcefree.methods.base import EpochView, Method, ParameterGroup
from sourcefree.methods.tgkt import Tgkt
from sourcefree.methods.tgmb import Tgmb
from sourcefree.types import StepBatch, StepOutput


class EndToEnd(Method):
    """``L_TGMB + L_TGKT``. The teacher behind the translator gets better while it teaches.

    Both are optimised as TGKT is; the optimisation of TGMB's own stage is not used.

    The gradient of L_KL stops at the teacher: the translator serves its own loss, not the student's ease.

    Args:
        bridge: TGMB with its translator.
        transfer: TGKT with a live teacher behind the same translator.

    Reference: asked for in review of [TGKT]; the joint form is ours.
    """

    uses_pairs = True

    def __init__(self, bridge: Tgmb, transfer: Tgkt) -> None:
        super().__init__()
        self.bridge = bridge
        self.transfer = transfer
        self.keep_frozen("bridge.source_model", "transfer.source_model")

    def parameter_groups(self) -> Iterable[ParameterGroup]:
        """Return what both train."""
        return [*self.bridge.parameter_groups(), *self.transfer.parameter_groups()]

    def begin_epoch(self, view: EpochView) -> None:
        """Refresh the pseudo-labels."""
        self.transfer.begin_epoch(view)

    def forward(self, batch: StepBatch) -> StepOutput:
        """Return the sum of both losses; terms of the bridge are logged under their own names."""
        bridge, transfer = self.bridge(batch), self.transfer(batch)
        terms = {f"bridge_{name}": term for name, term in bridge.terms.items()}
        return StepOutput(bridge.loss + transfer.loss, {**terms, **transfer.terms})
