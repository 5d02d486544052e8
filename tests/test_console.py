from __future__ import annotations

import io
import os
import subprocess
import sys

import pytest
from rich.console import Console

from sourcefree.config import STAGES
from sourcefree.console import ConsoleProgress
from sourcefree.stages import stage_title


@pytest.mark.parametrize("stage", ["source", "end-to-end", *STAGES])
def test_every_stage_is_shown_by_its_title(stage: str) -> None:
    shown = io.StringIO()
    with ConsoleProgress(Console(file=shown, width=200)) as progress:
        progress.start(stage, 1)
        progress.advance(1)
    assert shown.getvalue() == f"{stage_title(stage)}: 1/1\n"
    assert stage_title(stage) != stage


def test_numbers_do_not_take_the_room_of_count_and_time() -> None:
    shown = io.StringIO()
    with ConsoleProgress(Console(file=shown, width=80, force_terminal=True, color_system=None)) as progress:
        progress.start("tgmb", 12)
        progress.advance(6, {"loss": 3.431, "reconstruction": 1.388, "information": -0.381, "inter_gap": 0.722})
    last = [line for line in shown.getvalue().splitlines() if "12" in line][-1]
    for part in (stage_title("tgmb"), "6/12", "-:--:--", "loss"):
        assert part in last


@pytest.mark.parametrize("length", [1, 100_000], ids=["told when it ends", "told at once"])
def test_output_that_nobody_reads_any_more_is_no_error(length: int) -> None:
    script = (
        "from sourcefree import cli\n"
        f"cli.app = lambda *_, **__: print('x' * {length})\n"  # as predict writes its answers
        "cli.main([])"
    )
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, "-c", script], stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, "")
