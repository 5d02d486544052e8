"""Which class trains the target model under each section of the settings."""

from __future__ import annotations

from typing import Any, Protocol

from sourcefree.methods.aad import Aad
from sourcefree.methods.adacontrast import AdaContrast
from sourcefree.methods.base import Method, StudentParts
from sourcefree.methods.multilevel import Multilevel
from sourcefree.methods.nrc import Nrc
from sourcefree.methods.oracle import Oracle
from sourcefree.methods.shot import Shot
from sourcefree.methods.socket import Socket
from sourcefree.methods.tgkt import Tgkt


class StudentTraining(Protocol):
    """A class that trains a target model."""

    uses_pairs: bool

    def __call__(self, parts: StudentParts, settings: Any) -> Method:
        """Return the method; the settings are those of its section."""


STUDENTS: dict[str, StudentTraining] = {
    "multilevel": Multilevel,
    "tgkt": Tgkt,
    "shot": Shot,
    "socket": Socket,
    "nrc": Nrc,
    "aad": Aad,
    "adacontrast": AdaContrast,
    "oracle": Oracle,
}
