"""Adaptation methods: modules and losses that return a loss for a batch; the engine knows none of them by name."""
