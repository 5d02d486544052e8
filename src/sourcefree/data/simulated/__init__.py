"""Simulated RGB-D data: parametric objects ray-cast on the CPU, written as plain folders."""

from __future__ import annotations

from sourcefree.data.simulated.dataset import simulate

__all__ = ["simulate"]
