"""Looks shared by all figures: colours that colour-blind readers can tell apart, quiet axes, native fonts."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

INK = "#1f2933"
QUIET = "#52606d"
GRID = "#e4e7eb"
ADAPTED = "#0072b2"
BRIDGE = "#56b4e9"
SOURCE_ONLY = "#b8bfc8"
ADABN = "#d55e00"
# Paul Tol's "bright" scheme: seven colours that differ under the common colour-vision deficiencies and stand
# out from white and from black. Past seven classes the marker changes, so that 35 classes all look different.
PALETTE = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377", "#9a9a9a")
MARKERS = ("o", "^", "s", "D", "v")

_FONTS = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
_SETTINGS: Any = {  # Any: the key type differs between matplotlib versions
    "svg.fonttype": "none",
    "svg.hashsalt": "sourcefree",  # same run, same bytes
    "text.parse_math": False,  # a "$" in a class name is a dollar sign
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "text.color": INK,
    "axes.edgecolor": "#9aa5b1",
    "axes.labelcolor": QUIET,
    "axes.linewidth": 0.8,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "lines.linewidth": 1.8,
    "legend.frameon": False,
    "legend.fontsize": 8,
}


@contextmanager
def figure_style() -> Iterator[None]:
    """Return a context in which figures are built and saved; global settings stay as they were."""
    with mpl.rc_context(_SETTINGS), warnings.catch_warnings():
        # The browser draws the text with its own fonts, so glyphs missing from DejaVu Sans do no harm.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        yield


def to_svg(figure: Figure, *, tight: bool = True) -> bytes:
    """Return the figure as an SVG file without date, drawn with the reader's system fonts.

    Args:
        figure: figure built inside ``figure_style``.
        tight: whether to cut the picture to what is drawn.
    """
    buffer = io.BytesIO()
    box = "tight" if tight else None
    figure.savefig(buffer, format="svg", transparent=True, bbox_inches=box, pad_inches=0.04, metadata={"Date": None})
    text = buffer.getvalue().decode("utf-8")
    return re.sub(r"'DejaVu Sans'(, [^;\"]+)?", _FONTS, text).encode("utf-8")


def marker_of(index: int) -> tuple[str, str]:
    """Return colour and marker of a class.

    Args:
        index: class index.
    """
    return PALETTE[index % len(PALETTE)], MARKERS[index // len(PALETTE) % len(MARKERS)]


def printable(text: str, *, width: int = 24) -> str:
    """Return the text as XML and a narrow axis can take it: no control characters, shortened in the middle.

    Args:
        text: class name.
        width: longest length in characters.
    """
    clean = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
    if len(clean) <= width:
        return clean
    head = (width - 1) * 2 // 3
    return f"{clean[:head]}\N{HORIZONTAL ELLIPSIS}{clean[len(clean) - (width - 1 - head) :]}"


def bare(axes: Axes) -> None:
    """Remove ticks, grid and frame from axes that carry no scale.

    Args:
        axes: axes to clear.
    """
    axes.set_xticks([])
    axes.set_yticks([])
    axes.grid(False)
    for spine in axes.spines.values():
        spine.set_visible(False)
