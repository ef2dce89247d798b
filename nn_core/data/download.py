"""Public files: taken from a local folder or the cache, or downloaded; only verified bytes get the final name.

Order of look-up: the folder NN_CORE_DATA_DIR, then the cache ($XDG_CACHE_HOME or ~/.cache)/nn_core/data, then the
source's mirrors in turn. With NN_CORE_OFFLINE=1 the mirrors are skipped: no socket is opened. A download goes to a `.part`
file beside its destination, at most as many bytes as the file has, is compared with the pinned sha256 and only then
renamed to the final name. So a killed or failed download leaves no bad file, and two at once wait for each other.
"""

import contextlib
import hashlib
import http.client
import os
import ssl
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from filelock import FileLock

from nn_core.data.archives import gunzip, unzip_member
from nn_core.files import move, user_path

_BLOCK = 1 << 16
_PACKING_SLACK = 1 << 16  # a packed file is rarely larger than its content, and never by more than this
_TRANSIENT = (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError, ssl.SSLError)
_SLOWEST = 20_000  # bytes per second below which a download is given up


class DownloadError(ValueError):
    """A file could not be obtained; the message is one line and says how to get it by hand."""


@dataclass(frozen=True)
class Source:
    """A public file: where it comes from and what its bytes must be.

    Attributes:
        filename: relative path with forward slashes, under which it is kept and looked for.
        urls: mirrors, tried in order.
        sha256: digests of the file as kept (unpacked, where `unpack` says so); the first is that of the mirrors, others
            are of copies in circulation that are accepted from a local folder.
        size: bytes of the file as kept.
        licence: licence or terms.
        unpack: "" keeps the file as it comes; "gzip" keeps its content; "zip:NAME" keeps the member NAME.
        allow_http: whether urls may be plain http (the digest still protects the content).
        bounded: whether `size` is only the most that it may have.
    """

    filename: str
    urls: tuple[str, ...]
    sha256: tuple[str, ...]
    size: int
    licence: str
    unpack: str = ""
    allow_http: bool = False
    bounded: bool = False


@dataclass(frozen=True)
class Patience:
    """Seconds without a byte before giving up, tries per mirror, seconds before the second try (then doubled)."""

    timeout: float = 15.0
    tries: int = 3
    pause: float = 1.0


def fetch(
    source: Source,
    *,
    data_dir: Path | None = None,
    cache_dir: Path | None = None,
    offline: bool | None = None,
    patience: Patience = Patience(),  # noqa: B008 (frozen)
) -> Path:
    """The path of the verified file, which is downloaded if necessary.

    Args:
        source: the file.
        data_dir: local folder to search first; None: the environment's NN_CORE_DATA_DIR, if set.
        cache_dir: where downloads are kept; None: ($XDG_CACHE_HOME or ~/.cache)/nn_core/data.
        offline: never open a socket; None: whether the environment has NN_CORE_OFFLINE=1.
        patience: timeouts and tries.
    Returns:
        The path of a file whose sha256 is one of the source's.
    Raises:
        DownloadError: a file in data_dir has other bytes; or no copy could be obtained: the message has the url, where to
            put the file by hand, and its sha256.
    """
    data_dir = data_dir if data_dir is not None else _folder_from_environment("NN_CORE_DATA_DIR")
    local = _find_local(source, data_dir) if data_dir is not None else None
    if local is not None:
        return local
    destination = (cache_dir or default_cache_dir()) / source.filename
    if _is_good(destination, source):
        return destination
    recipe = _recipe(source, destination)
    if offline if offline is not None else os.environ.get("NN_CORE_OFFLINE", "") not in ("", "0"):
        raise DownloadError(f"{source.filename} is not on this machine and NN_CORE_OFFLINE is set; {recipe}")
    try:
        destination.parent.mkdir(parents=True, exist_ok=True)
        with _lock(destination):
            if not _is_good(destination, source):
                _remove_leftovers(destination)
                _download(source, destination, patience)
    except OSError as error:
        raise DownloadError(f"cannot store {destination}: {_one_line(error)}; {recipe}") from error
    return destination


def default_cache_dir() -> Path:
    """($XDG_CACHE_HOME or ~/.cache)/nn_core/data."""
    return (_folder_from_environment("XDG_CACHE_HOME") or Path.home() / ".cache") / "nn_core" / "data"


def _folder_from_environment(name: str) -> Path | None:
    value = os.environ.get(name)
    return user_path(value) if value else None


def _recipe(source: Source, destination: Path) -> str:
    member = source.unpack.removeprefix("zip:")
    what = {"": "download", "gzip": "download and gunzip"}.get(source.unpack, f"download and take {member} out of")
    return (
        f"to get it by hand, {what} {source.urls[0]} to {destination} (or to {source.filename} in the folder "
        f"NN_CORE_DATA_DIR): {_told(source)}"
    )


def _told(source: Source) -> str:
    """What is known of the bytes."""
    return ("" if source.bounded else f"{source.size} bytes, ") + f"sha256 {source.sha256[0]}"


def _find_local(source: Source, folder: Path) -> Path | None:
    """The good copy in the user's folder, under its path or its bare name; None if there is no file of that name."""
    if not folder.is_dir():
        raise DownloadError(f"NN_CORE_DATA_DIR={str(folder)!r} is not a folder; create it or unset the variable")
    name = PurePosixPath(source.filename)
    present = [path for path in (folder / name, folder / name.name) if path.is_file()]
    for path in present:
        if _is_good(path, source):
            return path
    if not present:
        return None
    found = f"{present[0].stat().st_size} bytes, sha256 {_digest(present[0])}"
    raise DownloadError(
        f"{present[0]} has other bytes ({found}) than {source.filename} should have ({_told(source)}); "
        f"remove it to download the file, or replace it by the one from {source.urls[0]}"
    )


def _is_good(path: Path, source: Source) -> bool:
    try:
        return path.is_file() and _digest(path) in source.sha256
    except OSError as error:
        raise DownloadError(f"cannot read {path}: {_one_line(error)}; make it readable or remove it") from error


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextlib.contextmanager
def _lock(destination: Path) -> Iterator[None]:
    """Waits until no other process downloads this file; the system frees the lock of a killed one."""
    with FileLock(destination.with_name(destination.name + ".lock")):
        yield


def _remove_leftovers(destination: Path) -> None:
    """Deletes the parts of killed downloads; while the lock is held, no running download can own them."""
    for part in destination.parent.glob(f"{destination.name}.*.part"):
        part.unlink(missing_ok=True)


def _download(source: Source, destination: Path, patience: Patience) -> None:
    failures = []
    for url in source.urls:
        for attempt in range(patience.tries):
            if attempt:
                time.sleep(patience.pause * 2 ** (attempt - 1))
            try:
                _download_once(source, url, destination, patience)
                return
            except _Refusal as refusal:
                reason, again = str(refusal), refusal.again
            except _TRANSIENT as error:
                reason = _one_line(error)
                again = not isinstance(error, urllib.error.HTTPError) or error.code >= 500 or error.code == 429
                if isinstance(error, urllib.error.HTTPError):
                    error.close()
            if not again:
                break
        failures.append(f"{url}: {reason}")
    raise DownloadError(f"cannot download {source.filename} ({'; '.join(failures)}); {_recipe(source, destination)}")


class _Refusal(Exception):
    """The answer is not the file; `again` says whether the same url is worth another try."""

    def __init__(self, reason: str, again: bool) -> None:
        super().__init__(reason)
        self.again = again


def _download_once(source: Source, url: str, destination: Path, patience: Patience) -> None:
    _check_scheme(url, source.allow_http)
    limit = source.size + (_PACKING_SLACK if source.unpack else 0)
    descriptor, name = tempfile.mkstemp(prefix=destination.name + ".", suffix=".part", dir=destination.parent)
    part = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            with _open(url, source, patience) as response:
                _copy(response, file, limit, deadline=time.monotonic() + patience.timeout + limit / _SLOWEST)
        if source.unpack:
            part.write_bytes(_unpacked(part.read_bytes(), source))
        digest = _digest(part)
        if digest != source.sha256[0]:
            raise _Refusal(f"wrong content (sha256 {digest})", again=False)
        part.chmod(0o644)  # mkstemp makes it private, but the cache may be a shared one
        move(part, destination)
    finally:
        part.unlink(missing_ok=True)


def _unpacked(packed: bytes, source: Source) -> bytes:
    try:
        if source.unpack == "gzip":
            return gunzip(packed, limit=source.size)
        return unzip_member(packed, source.unpack.removeprefix("zip:"), limit=source.size)
    except ValueError as error:
        raise _Refusal(_one_line(error), again=False) from error


def _copy(response: http.client.HTTPResponse, file: IO[bytes], limit: int, deadline: float) -> None:
    """Copies the answer, at most `limit` bytes, and notices if it ends too early or is far too slow."""
    announced = response.length
    if announced is not None and announced > limit:
        raise _Refusal(f"it has {announced} bytes, more than the {limit} expected", again=False)
    received = 0
    while block := response.read1(_BLOCK):
        received += len(block)
        if received > limit:
            raise _Refusal(f"it has more than the {limit} bytes expected", again=False)
        if time.monotonic() > deadline:
            raise _Refusal(f"too slow: {received} bytes before the time limit", again=False)
        file.write(block)
    if announced is not None and received < announced:
        raise _Refusal(f"cut off after {received} of {announced} bytes", again=True)


def _open(url: str, source: Source, patience: Patience) -> http.client.HTTPResponse:
    request = urllib.request.Request(url, headers={"User-Agent": "nn_core"})
    return urllib.request.build_opener(_GuardedRedirects(source.allow_http)).open(request, timeout=patience.timeout)


class _GuardedRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect may not lead from https to http."""

    def __init__(self, allow_http: bool) -> None:
        self.allow_http = allow_http

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        _check_scheme(newurl, self.allow_http)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def _check_scheme(url: str, allow_http: bool) -> None:
    scheme = urllib.parse.urlsplit(url).scheme
    if scheme != "https" and not (scheme == "http" and allow_http):
        raise _Refusal(f"{scheme or 'no'} scheme at {url}, where https is needed", again=False)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
