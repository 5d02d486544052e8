"""The one training loop and what it stands on: runtime, sampling, checkpoints, tracking, inference."""
