from __future__ import annotations

import subprocess
import sys

import pytest

import sourcefree

HEAVY = ("torch", "numpy", "timm", "matplotlib", "sklearn", "trimesh", "scipy")


@pytest.mark.parametrize("module", ["sourcefree", "sourcefree.cli", "sourcefree.seeds"])
def test_importing_is_cheap(module: str) -> None:
    code = f"import sys, {module}; print([name for name in {HEAVY!r} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


@pytest.mark.parametrize("name", sourcefree.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(sourcefree, name).__doc__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'adpat'"):
        sourcefree.adpat  # noqa: B018
