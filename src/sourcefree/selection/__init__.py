"""Label-free scores: how far to trust a model when no target label exists."""
