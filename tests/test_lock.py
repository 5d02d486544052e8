from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from sourcefree.engine.run_folder import RunFolder, open_run
from sourcefree.errors import ConfigError
from sourcefree.lock import locked
from sourcefree.studies.compare import compare

HOLD = """
import sys
from pathlib import Path
from sourcefree.lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_two_studies_never_write_to_one_folder(tmp_path: Path) -> None:
    with locked(tmp_path):
        with pytest.raises(ConfigError, match="another process writes to it") as caught:
            compare(study="tiny", out=tmp_path)
        assert "choose another --out" in str(caught.value.hint)
    with locked(tmp_path):
        pass


def test_a_process_that_is_killed_holds_nothing(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None and other.stdout.readline().strip() == b"held"
        with pytest.raises(ConfigError, match="another process"), locked(tmp_path):
            pass
        other.kill()
        other.wait()
        with locked(tmp_path):
            pass


def test_a_run_that_is_running_is_not_resumed_beside_it(tmp_path: Path) -> None:
    run, config = tmp_path / "run", {"settings": {"seed": 0, "allow_collapse": False}}
    other = {"settings": {"seed": 0, "allow_collapse": True}}
    with open_run(run, config=config, resume=False).recording({"command": "adapt"}):
        before = (run / "config.yaml").read_text(), (run / "run.json").read_text()
        with pytest.raises(ConfigError, match="another process"):
            open_run(run, config=other, resume=True)
        with pytest.raises(ConfigError, match="another process"), RunFolder(run).recording({}):
            pass
        assert ((run / "config.yaml").read_text(), (run / "run.json").read_text()) == before
        with open_run(run, config=config, resume=True, active=False).recording({}):  # a process of the same run
            pass
    assert json.loads((run / "run.json").read_text())["status"] == "complete"
