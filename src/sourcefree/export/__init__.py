"""Models that run without torch: ONNX files, and the :class:`Predictor` that reads them."""

from sourcefree.export.predictor import Prediction, Predictor

__all__ = ["Prediction", "Predictor"]
