"""Which class trains the target model under each section of the settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sourcefree.methods.aad import Aad
from sourcefree.methods.adacontrast import AdaContrast
from sourcefree.methods.base import Method, StudentParts
from sourcefree.methods.multilevel import Multilevel
from sourcefree.methods.nrc import Nrc
from sourcefree.methods.oracle import Oracle
from sourcefree.methods.self_training import SelfTraining
from sourcefree.methods.shot import Shot
from sourcefree.methods.socket import Socket
from sourcefree.methods.tgkt import Tgkt

# Each takes (StudentParts, the settings of its section).
STUDENTS: dict[str, Callable[[StudentParts, Any], Method]] = {
    "multilevel": Multilevel,
    "self_training": SelfTraining,
    "tgkt": Tgkt,
    "shot": Shot,
    "socket": Socket,
    "nrc": Nrc,
    "aad": Aad,
    "adacontrast": AdaContrast,
    "oracle": Oracle,
}
