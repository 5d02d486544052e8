"""Simulated RGB-D data: parametric objects ray-cast on the CPU, written as plain folders."""

from __future__ import annotations

from sourcefree.data.simulated.contact_sheet import contact_sheet
from sourcefree.data.simulated.dataset import SimulationSummary, simulate
from sourcefree.data.simulated.registry import TASK_SETS, irrelevant_families, task_families

__all__ = [
    "TASK_SETS",
    "SimulationSummary",
    "contact_sheet",
    "irrelevant_families",
    "simulate",
    "task_families",
]
