"""What the stages of training are called where a person reads of them: on the terminal and in the report."""

from __future__ import annotations

_TITLES = {
    "source": "Source training",
    "tgmb": "Bridge (TGMB): train the translator",
    "multilevel": "Multilevel: train the target model",
    "tgkt": "Transfer (TGKT): train the target model",
    "end-to-end": "TGMB and TGKT: train translator and target model together",
    "shot": "SHOT: train the target model",
    "socket": "SOCKET: train the target model",
    "nrc": "NRC: train the target model",
    "aad": "AaD: train the target model",
    "adacontrast": "AdaContrast: train the target model",
    "oracle": "Oracle: train the target model with labels",
}


def stage_title(stage: str) -> str:
    """Return the training stage as a heading; a name that is no stage stays as it is."""
    return _TITLES.get(stage, stage or "Training")
