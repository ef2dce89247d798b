"""R19: nothing in an archive reaches the file system, and a bomb stops at the limit."""

import gzip
import io
import os
import random
import tarfile
import tracemalloc
import zipfile
from pathlib import Path

import pytest

from nn_core.data.archives import gunzip, untar_members, unzip_member

CONTENT = b"content" * 100


def tar_of(*members: tuple[tarfile.TarInfo, bytes], tar_format: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", format=tar_format) as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def member(
    name: str, data: bytes = CONTENT, kind: bytes = tarfile.REGTYPE, link: str = ""
) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.size = kind, link, len(data) if kind == tarfile.REGTYPE else 0
    return info, data


def untar(data: bytes, *names: str, member_limit: int = 10_000, total_limit: int = 100_000) -> dict[str, bytes]:
    return untar_members(data, names, member_limit=member_limit, total_limit=total_limit)


def test_members_are_read_and_others_skipped() -> None:
    data = tar_of(member("a"), member("deep/b", b"B"), member("c" * 300, b"long name"))
    assert untar(data, "deep/b", "c" * 300) == {"deep/b": b"B", "c" * 300: b"long name"}


EVIL = ("../evil", "/tmp/nn_core_evil", "a/../../evil", "C:\\evil", "a\x00b")


@pytest.mark.parametrize("name", EVIL)
def test_evil_names_touch_nothing(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.parent.iterdir())
    assert untar(tar_of(member(name), member("good")), "good") == {"good": CONTENT}
    assert list(tmp_path.iterdir()) == [] and set(tmp_path.parent.iterdir()) == before
    assert not Path("/tmp/nn_core_evil").exists()


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE, tarfile.DIRTYPE])
def test_links_and_devices_are_refused(kind: bytes) -> None:
    data = tar_of(member("good", kind=kind, link="/etc/passwd"))
    with pytest.raises(ValueError, match="not a regular file"):
        untar(data, "good")


def test_limits() -> None:
    data = tar_of(member("a", bytes(5000)), member("b", bytes(50_000)))
    assert len(untar(data, "a", member_limit=5000)["a"]) == 5000
    with pytest.raises(ValueError, match="has 5000 bytes, over 4999"):
        untar(data, "a", member_limit=4999)
    with pytest.raises(ValueError, match="larger than expected"):  # for a member that nobody wants
        untar(data, "a", total_limit=40_000)


def peak_of(run: object) -> int:
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="larger|over"):
            run()  # type: ignore[operator]
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_bombs_use_little_memory() -> None:
    size = 60_000_000
    bomb = gzip.compress(bytes(size), compresslevel=1)
    assert peak_of(lambda: gunzip(bomb, limit=1_000_000)) < 5_000_000
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", bytes(size))
    assert peak_of(lambda: unzip_member(buffer.getvalue(), "a", limit=1_000_000)) < 5_000_000
    for name in ("a", "b"):  # wanted and skipped
        tar_bomb = tar_of(member("a", bytes(size)))
        assert peak_of(lambda name=name, data=tar_bomb: untar(data, name)) < 5_000_000


def test_pax_header_bomb() -> None:
    info, _ = member("a")
    info.pax_headers = {"comment": "x" * 50_000_000}
    bomb = tar_of((info, CONTENT))
    assert peak_of(lambda: untar(bomb, "a")) < 5_000_000


def test_missing_member_is_named() -> None:
    with pytest.raises(ValueError, match="no member b"):
        untar(tar_of(member("a")), "a", "b")


def test_gunzip() -> None:
    data = gzip.compress(CONTENT)
    assert gunzip(data, limit=len(CONTENT)) == CONTENT
    assert gunzip(gzip.compress(b""), limit=0) == b""
    with pytest.raises(ValueError, match="larger than 699 bytes"):
        gunzip(data, limit=len(CONTENT) - 1)


def test_random_damage_gives_value_error_only() -> None:
    rng = random.Random(5)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", os.urandom(300))
    originals = {
        "gzip": (gzip.compress(CONTENT), lambda data: gunzip(data, limit=10_000)),
        "zip": (buffer.getvalue(), lambda data: unzip_member(data, "a", limit=10_000)),
        "tar": (
            gzip.decompress(tar_of(member("a"), member("b" * 200))),
            lambda data: untar(gzip.compress(data, 1), "a"),
        ),
    }
    refused = 0
    for original, read in originals.values():
        for _ in range(400):
            data = bytearray(original)
            for _ in range(rng.randint(1, 4)):
                data[rng.randrange(len(data))] = rng.randrange(256)
            if rng.random() < 0.3:
                del data[rng.randrange(len(data)) :]
            try:
                read(bytes(data))
            except ValueError as error:
                refused += 1
                assert "\n" not in str(error)
    assert refused > 400
