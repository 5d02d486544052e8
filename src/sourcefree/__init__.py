"""Adapt an image classifier to a new sensor without its training data and without a target label."""

__version__ = "0.1.0"
