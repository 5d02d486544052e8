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


def member_stages(section: str, members: int) -> list[str]:
    """Return the names of the stages that train a section's members: the section's own, then that with a number from 2 on."""
    return [section, *(f"{section}-{number}" for number in range(2, members + 1))]


def section_of(stage: str) -> str:
    """Return the section whose stage, or member's stage, this is."""
    section, _, number = stage.rpartition("-")
    return section if number.isdigit() else stage


def stage_title(stage: str) -> str:
    """Return the training stage as a heading; a name that is no stage stays as it is."""
    section = section_of(stage)
    title = _TITLES.get(section, section or "Training")
    return title if section == stage else f"{title}, member {stage.rpartition('-')[2]}"
