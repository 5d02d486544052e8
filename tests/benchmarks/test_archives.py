"""Archives that cannot be unpacked are told as such, whatever the library calls it."""

from __future__ import annotations

import io
import lzma
import random
import tarfile
import zipfile
import zlib
from pathlib import Path
from types import SimpleNamespace

import pytest

from sourcefree.benchmarks.archives import unpack
from sourcefree.errors import DataError


@pytest.mark.parametrize(
    "error", [zlib.error("bad"), lzma.LZMAError("bad"), NotImplementedError("bad"), RuntimeError("bad")]
)
def test_every_failure_to_unpack_is_a_data_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("a.png", b"image")
    monkeypatch.setattr(zipfile.ZipFile, "open", fail)
    with pytest.raises(DataError, match=r"a\.zip: cannot be unpacked"):
        unpack(tmp_path / "a.zip", tmp_path / "out")


def test_what_is_there_already_needs_no_space(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("a.png", b"image")
        file.writestr("b.png", b"an image")
    (tmp_path / "out").mkdir()
    (tmp_path / "out/a.png").write_bytes(b"image")
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=8))
    assert (unpack(tmp_path / "a.zip", tmp_path / "out") / "b.png").read_bytes() == b"an image"
    (tmp_path / "out/.unpacked").unlink()
    (tmp_path / "out/b.png").unlink()
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=7))
    with pytest.raises(DataError, match="needs 8 bytes, the disk has 7 free"):
        unpack(tmp_path / "a.zip", tmp_path / "out")


def test_a_damaged_tar_gz_is_found_by_its_checksum_and_leaves_no_image(tmp_path: Path) -> None:
    noise, entry = random.Random(0).randbytes(100_000), tarfile.TarInfo("a.png")
    entry.size = len(noise)
    with tarfile.open(tmp_path / "a.tar.gz", "w:gz") as file:
        file.addfile(entry, io.BytesIO(noise))
    whole = (tmp_path / "a.tar.gz").read_bytes()
    assert (unpack(tmp_path / "a.tar.gz", tmp_path / "whole") / "a.png").read_bytes() == noise
    (tmp_path / "a.tar.gz").write_bytes(whole[:50_000] + bytes([whole[50_000] ^ 1]) + whole[50_001:])
    with pytest.raises(DataError, match=r"cannot be unpacked \(CRC check failed"):
        unpack(tmp_path / "a.tar.gz", tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_a_damaged_zip_leaves_no_half_image(tmp_path: Path) -> None:
    noise = random.Random(0).randbytes(100_000)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("a.png", noise)
    whole = (tmp_path / "a.zip").read_bytes()
    (tmp_path / "a.zip").write_bytes(whole[:50_000] + bytes([whole[50_000] ^ 1]) + whole[50_001:])
    with pytest.raises(DataError, match=r"cannot be unpacked \(Bad CRC-32"):
        unpack(tmp_path / "a.zip", tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())
