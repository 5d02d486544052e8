from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from sourcefree.errors import ConfigError
from sourcefree.studies.compare import compare
from sourcefree.studies.lock import locked


def test_two_studies_never_write_to_one_folder(tmp_path: Path) -> None:
    with locked(tmp_path):
        with pytest.raises(ConfigError, match=f"another process writes to it .number {os.getpid()} on") as caught:
            compare(study="tiny", out=tmp_path)
        assert "choose another --out" in str(caught.value.hint)
    with locked(tmp_path):
        pass
    assert not list(tmp_path.iterdir())


def test_a_dead_process_holds_nothing_and_one_elsewhere_is_believed(tmp_path: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    (tmp_path / ".lock").write_text(f"{socket.gethostname()} {gone.pid}")
    with locked(tmp_path):
        assert str(os.getpid()) in (tmp_path / ".lock").read_text()
    (tmp_path / ".lock").write_text(f"elsewhere {gone.pid}")
    with pytest.raises(ConfigError, match="on elsewhere"), locked(tmp_path):
        pass
