from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from sourcefree.config import STAGES
from sourcefree.console import ConsoleProgress
from sourcefree.console_tables import show_table
from sourcefree.data.image_io import write_image
from sourcefree.stages import member_stages, section_of, stage_title
from sourcefree.studies.summary import Table


@pytest.mark.parametrize("stage", ["source", "end-to-end", *STAGES])
def test_every_stage_is_shown_by_its_title(stage: str) -> None:
    shown = io.StringIO()
    with ConsoleProgress(Console(file=shown, width=200)) as progress:
        progress.start(stage, 1)
        progress.advance(1)
    assert shown.getvalue() == f"{stage_title(stage)}: 1/1\n"
    assert stage_title(stage) != stage


def test_the_stages_of_several_members_are_told_apart() -> None:
    first, second = (stage_title(stage) for stage in member_stages("shot", 2))
    assert (first, second) == (stage_title("shot"), f"{first}, member 2")
    assert [section_of(stage) for stage in (*member_stages("shot", 2), "end-to-end")] == ["shot", "shot", "end-to-end"]


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


@pytest.mark.parametrize("encoding", ["utf-8:strict", "ascii:strict"])
@pytest.mark.parametrize("command", ["inspect", "predict", "progress"])
def test_a_file_name_that_is_no_text_is_shown(tmp_path: Path, encoding: str, command: str) -> None:
    name = os.fsdecode(b"caf\xff\xc3\xa9.png")
    write_image(tmp_path / "images" / name, np.zeros((8, 8, 1), np.uint8))
    (tmp_path / "images" / ("other" + name)).write_bytes(b"no image")
    script = "from sourcefree import cli\n"
    if command == "progress":  # as train-source tells what it leaves out
        script += (
            "from sourcefree.console import ConsoleProgress\n"
            "def app(*_, **__):\n    with ConsoleProgress(cli.shared.out_console) as p: p.say(sys.argv[1])\ncli.app = app\n"
        )
    if command == "predict":
        script += (
            "import numpy as np\n"
            "from sourcefree.commands import predict\n"
            "found = predict.Predictions([sys.argv[1]], ('cat', 'dog'), np.eye(2)[:1], [(sys.argv[1], 'no image')])\n"
            "predict.predict = lambda **_: found\n"
        )
    words = {"inspect": ["inspect", str(tmp_path / "images")], "predict": ["predict", "run", name], "progress": []}[
        command
    ]
    done = subprocess.run(
        [sys.executable, "-c", f"import sys\n{script}cli.main({words!r})", name],
        capture_output=True,
        check=False,
        env={**os.environ, "PYTHONIOENCODING": encoding, "COLUMNS": "200", "PYTHONUTF8": "1"},
    )
    assert done.returncode == 0, done.stderr.decode()
    assert b"caf\\udcff" in done.stdout


def test_a_table_that_a_terminal_would_cut_short_is_only_named() -> None:
    table = Table("Runs won", ["method", *(f"number {n}" for n in range(12))], [["shot", *["1-0-2"] * 12]], "A note.")
    for width, shown in ((80, False), (100, True)):
        console = Console(file=io.StringIO(), width=width)
        show_table(console, table)
        text = console.file.getvalue()
        assert "Runs won" in text
        assert ("1-0-2" in text, "A note." in text, "too wide" in text) == (shown, shown, not shown)
