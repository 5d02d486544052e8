"""What all commands share: the app, the consoles, options that several commands have."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from cyclopts import App, CoercionError, Parameter, Token, convert, validators
from rich.console import Console

from sourcefree import __version__

# Under torchrun the first process speaks for all. Numbers in sentences are not coloured: they are no more than the words.
# And what a file is called stays as it is, also where it holds the name of a picture between colons.
out_console = Console(quiet=os.environ.get("RANK", "0") != "0", highlight=False, emoji=False)
error_console = Console(stderr=True, highlight=False, emoji=False)


def _unrounded(kind: Any, tokens: Sequence[Token]) -> Any:
    """Convert as cyclopts does, but where it would make 2 of 1.5 because a whole number is asked for: refuse that."""
    if int in (kind, *get_args(kind)):
        for token in tokens:
            if _is_fraction(token.value):
                raise CoercionError(token=token, target_type=int)
    return convert(kind, [token.value for token in tokens])


def _is_fraction(value: str) -> bool:
    try:
        return not float(value).is_integer()
    except ValueError:
        return False  # no decimal number at all: cyclopts says so


app = App(
    name="sourcefree",
    help="Adapt an image classifier to a new sensor without its training data and without a target label.",
    version=__version__,
    help_format="rich",
    # `--seeds 0 1 2` means what it looks like, as `--seeds 0 --seeds 1 --seeds 2` does.
    default_parameter=Parameter(consume_multiple=True, converter=_unrounded),
    console=out_console,
    error_console=error_console,
    suppress_keyboard_interrupt=False,
)

Out = Annotated[Path, Parameter(help="Run folder to write; must not hold another run.")]
Resume = Annotated[bool, Parameter(help="Go on with the unfinished run in --out.", negative="")]
Set = Annotated[
    list[str] | None, Parameter(name="--set", help="Change a setting: NAME=VALUE, dotted; repeatable.", negative="")
]
Preset = Annotated[
    str | None, Parameter(help="Settings like the papers': sunrgbd, diml or nirscene. Everything else wins over them.")
]
Config = Annotated[Path | None, Parameter(help="YAML file of settings; --set and options win over it.")]
AT_LEAST_ONE = validators.Number(gte=1)
Seed = Annotated[int | None, Parameter(help="Fixes everything that is random.")]
Precision = Annotated[Literal["auto", "fp32", "bf16"] | None, Parameter(help="Arithmetic of the layers.")]
Device = Annotated[Literal["auto", "cpu", "cuda", "mps"] | None, Parameter(help="Where to compute.")]
_UNREADABLE = Parameter(help="Share of unreadable files, 0 to 1, above which it is an error.")
Unreadable = Annotated[float | None, _UNREADABLE]
UnreadableShare = Annotated[float, _UNREADABLE]
ModalityName = Annotated[str, Parameter(help="Sensor: rgb, depth, nir, thermal, sar, or a YAML file.")]


def settings_from(base: Any, config: Path | None, assignments: list[str] | None, changes: Mapping[str, Any]) -> Any:
    """Return the settings with a file's, then --set's, then the options' values."""
    from sourcefree.overrides import override, parse_assignments, read_overrides

    settings = override(base, read_overrides(config), origin=str(config)) if config else base
    settings = override(settings, parse_assignments(assignments or []), origin="--set")
    given = {name: value for name, value in changes.items() if value is not None}
    return override(settings, given, origin="options")
