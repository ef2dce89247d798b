"""Reads compressed data into memory, up to a limit. Nothing is written, and no name in an archive becomes a path.

So `..`, absolute names, links and devices have nothing to act on, and a bomb stops at the limit.
"""

import gzip
import io
import tarfile
import zipfile
import zlib
from collections.abc import Sequence

_BLOCK = 1 << 18


def gunzip(data: bytes, *, limit: int) -> bytes:
    """The content of a gzip file.

    Args:
        data: the whole file.
        limit: the most bytes that the content may have.
    Raises:
        ValueError: not gzip, damaged, truncated, or content larger than `limit`.
    """
    content = bytearray()
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            while block := file.read(min(_BLOCK, limit + 1 - len(content))):
                content += block
                if len(content) > limit:
                    raise ValueError(f"gzip content is larger than {limit} bytes; it is not the expected file")
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(f"damaged gzip file: {error}; download it again") from error
    return bytes(content)


def unzip_member(data: bytes, name: str, *, limit: int) -> bytes:
    """The member `name` of a zip file; arguments and errors as `gunzip`, and an error where there is no such member."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if name not in archive.namelist():
                raise ValueError(f"zip file has no member {name!r}; it has {', '.join(archive.namelist()[:5])}")
            with archive.open(name) as file:
                content = file.read(limit + 1)
    except (zipfile.BadZipFile, OSError, EOFError, zlib.error, NotImplementedError, RuntimeError) as error:
        raise ValueError(f"damaged zip file: {error}; download it again") from error
    if len(content) > limit:
        raise ValueError(f"zip member {name!r} is larger than {limit} bytes; it is not the expected file")
    return content


def untar_members(data: bytes, names: Sequence[str], *, member_limit: int, total_limit: int) -> dict[str, bytes]:
    """The regular files `names` of a gzip-compressed tar file.

    Args:
        data: the whole .tar.gz file.
        names: the members to read, by their full name in the archive.
        member_limit: the most bytes of one member.
        total_limit: the most bytes of the whole unpacked archive, including members that are not read.
    Returns:
        {name: content}, with every name of `names`.
    Raises:
        ValueError: damaged, over a limit, a missing member, or one that is not a regular file.
    """
    found: dict[str, bytes] = {}
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            limited = _Limited(file, total_limit)
            with tarfile.open(fileobj=limited, mode="r|") as archive:  # a stream: read once, front to back
                for member in archive:
                    if member.name in names and member.name not in found:
                        found[member.name] = _read_member(archive, member, member_limit)
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise ValueError(f"damaged tar.gz file: {error}; download it again") from error
    missing = [name for name in names if name not in found]
    if missing:
        raise ValueError(f"tar.gz file has no member {', '.join(missing)}; it is not the expected archive")
    return found


def _read_member(archive: tarfile.TarFile, member: tarfile.TarInfo, limit: int) -> bytes:
    if not member.isreg():
        raise ValueError(
            f"tar member {member.name!r} is a link or a device, not a regular file; it is not the expected one"
        )
    if member.size > limit:
        raise ValueError(
            f"tar member {member.name!r} has {member.size} bytes, over {limit}; it is not the expected one"
        )
    file = archive.extractfile(member)
    content = b"" if file is None else file.read()
    if len(content) != member.size:
        raise ValueError(f"tar member {member.name!r} ends at byte {len(content)} of {member.size}; download it again")
    return content


class _Limited(io.RawIOBase):
    """A stream that raises once more than `limit` bytes have been read from it; tarfile skips members by reading them."""

    def __init__(self, file: gzip.GzipFile, limit: int) -> None:
        self.file = file
        self.left = limit

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        block = self.file.read(self.left + 1 if size < 0 else min(size, self.left + 1))
        self.left -= len(block)
        if self.left < 0:
            raise ValueError("tar.gz content is larger than expected; it is not the expected archive")
        return block
