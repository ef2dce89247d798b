"""R18: whatever goes wrong in a download, no bad file appears under the final name and the error says what to do."""

import contextlib
import dataclasses
import gzip
import hashlib
import io
import os
import socket
import subprocess
import sys
import time
import urllib.request
import zipfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from nn_core.data import download
from nn_core.data.address import fetch_address
from nn_core.data.download import DownloadError, Patience, Source, fetch
from nn_core.data.registry import SOURCES
from nn_core.data.table_file import read_table
from tests.faults import LocalServer

GOOD = bytes(range(251)) * 1009
HASTE = Patience(timeout=0.3, tries=3, pause=0.0)


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NN_CORE_DATA_DIR", "NN_CORE_OFFLINE", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "127.0.0.1")


def source_of(*urls: str, content: bytes = GOOD, **changes: Any) -> Source:
    fields: dict[str, Any] = dict(
        filename="folder/numbers.bin",
        urls=urls,
        sha256=(hashlib.sha256(content).hexdigest(),),
        size=len(content),
        licence="none",
        allow_http=True,
    )
    return Source(**(fields | changes))


def get(source: Source, tmp_path: Path) -> Path:
    return fetch(source, cache_dir=tmp_path / "cache", patience=HASTE)


def assert_nothing_left(tmp_path: Path) -> None:
    left = [path.name for path in (tmp_path / "cache").rglob("*") if path.is_file()]
    assert [name for name in left if not name.endswith(".lock")] == []


def assert_recipe(message: str, source: Source, tmp_path: Path) -> None:
    assert "\n" not in message
    for part in (source.urls[0], str(tmp_path / "cache" / source.filename), source.sha256[0], str(source.size)):
        assert part in message


def test_fetch_keeps_the_file_and_does_not_ask_again(tmp_path: Path) -> None:
    with LocalServer({"/a": [{"body": GOOD}]}) as server:
        source = source_of(server.url("/a"))
        path = get(source, tmp_path)
        assert path == tmp_path / "cache" / "folder" / "numbers.bin"
        assert path.read_bytes() == GOOD
        assert path.stat().st_mode & 0o777 == 0o644
        assert get(source, tmp_path) == path
        assert server.requests == ["/a"]


def test_default_cache_is_per_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert download.default_cache_dir() == tmp_path / "xdg" / "nn_core" / "data"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert download.default_cache_dir() == tmp_path / "home" / ".cache" / "nn_core" / "data"


FLIPPED = bytes([GOOD[0] ^ 1]) + GOOD[1:]
FAULTS: dict[str, tuple[Mapping[str, Any], str, int]] = {  # reply, words of the error, requests made
    "not found": ({"status": 404, "body": b"no"}, "404", 1),
    "server error": ({"status": 503}, "503", 3),
    "truncated": ({"body": GOOD, "send": 1000}, "cut off after 1000 of 253259 bytes", 3),
    "truncated without length": ({"body": GOOD[:-1], "length": False}, "wrong content", 1),
    "empty": ({"body": b""}, "wrong content", 1),
    "one bit": ({"body": FLIPPED}, "wrong content", 1),
    "too long": ({"body": GOOD + b"x"}, "253260 bytes, more than the 253259 expected", 1),
    "too long without length": ({"body": GOOD * 9, "length": False}, "more than the 253259 bytes", 1),
    "silent": ({"body": GOOD, "stall": 5}, "timed out", 3),
    "redirect to a file": ({"status": 302, "headers": {"Location": "file:///etc/passwd"}}, "", 1),
    "redirect to ftp": ({"status": 302, "headers": {"Location": "ftp://127.0.0.1/a"}}, "https is needed", 1),
    "redirect in a circle": ({"status": 302, "headers": {"Location": "/a"}}, "infinite loop", 5),
}


def test_a_table_by_its_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    packed = gzip.compress(b"size,price\n1,2\n")
    digest = hashlib.sha256(packed).hexdigest()
    with LocalServer({"/a%20b.csv.gz?x=1": [{"body": packed}], "/b.csv": [{"body": b"other"}]}) as server:
        address = server.url("/a%20b.csv.gz?x=1").replace("http", "HTTP")
        assert list(read_table(fetch_address(address, digest.upper())).columns) == ["size", "price"]
        assert fetch_address(address, digest).is_file() and len(server.requests) == 1  # kept
        with pytest.raises(DownloadError) as error:
            fetch_address(server.url("/b.csv"), digest)
    assert "wrong content (sha256 " in str(error.value) and str(error.value).endswith(
        f"NN_CORE_DATA_DIR): sha256 {digest}"
    )
    for words, message in (
        ((server.url("/b.csv"), "12"), "is not a sha256"),
        ((server.url("/"), digest), "names no file"),
    ):
        with pytest.raises(ValueError, match=message):
            fetch_address(*words)


@pytest.mark.parametrize("name", FAULTS)
def test_fault_leaves_no_file_and_gives_the_recipe(name: str, tmp_path: Path) -> None:
    reply, words, num_requests = FAULTS[name]
    with LocalServer({"/a": [reply]}) as server:
        source = source_of(server.url("/a"))
        with pytest.raises(DownloadError) as caught:
            get(source, tmp_path)
        assert words in str(caught.value)
        assert len(server.requests) == num_requests
    assert_recipe(str(caught.value), source, tmp_path)
    assert_nothing_left(tmp_path)


@pytest.mark.parametrize("name", FAULTS)
def test_next_mirror_makes_up_for_a_fault(name: str, tmp_path: Path) -> None:
    with LocalServer({"/a": [FAULTS[name][0]], "/b": [{"body": GOOD}]}) as server:
        path = get(source_of(server.url("/a"), server.url("/b")), tmp_path)
    assert path.read_bytes() == GOOD


def test_passing_fault_is_overcome_by_another_try(tmp_path: Path) -> None:
    replies = [{"body": GOOD, "send": 3}, {"status": 500}, {"body": GOOD}]
    with LocalServer({"/a": replies}) as server:
        assert get(source_of(server.url("/a")), tmp_path).read_bytes() == GOOD
        assert len(server.requests) == 3


def test_tries_are_spaced_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(download.time, "sleep", pauses.append)
    with LocalServer({"/a": [{"status": 500}]}) as server, pytest.raises(DownloadError):
        fetch(source_of(server.url("/a")), cache_dir=tmp_path, patience=Patience(1.0, tries=4, pause=0.5))
    assert pauses == [0.5, 1.0, 2.0]


def test_crawling_server_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    moments = iter(range(0, 10**6, 10))  # every look at the clock is ten seconds later; 253,259 bytes may take 13
    monkeypatch.setattr(download.time, "monotonic", lambda: next(moments))
    with LocalServer({"/a": [{"body": GOOD}]}) as server, pytest.raises(DownloadError, match="too slow"):
        get(source_of(server.url("/a")), tmp_path)
    assert_nothing_left(tmp_path)


def test_nobody_listens(tmp_path: Path) -> None:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    with pytest.raises(DownloadError, match="refused"):
        get(source_of(f"http://127.0.0.1:{port}/a"), tmp_path)


def test_http_needs_leave(tmp_path: Path) -> None:
    with LocalServer({"/a": [{"body": GOOD}]}) as server:
        with pytest.raises(DownloadError, match="where https is needed"):
            get(source_of(server.url("/a"), allow_http=False), tmp_path)
        assert server.requests == []
    with pytest.raises(DownloadError, match="file scheme"):
        get(source_of("file:///etc/passwd"), tmp_path)


def test_redirect_from_https_to_http_is_refused() -> None:
    handler = download._GuardedRedirects(allow_http=False)
    request = urllib.request.Request("https://a.example/x")
    with pytest.raises(download._Refusal, match="http scheme"):
        handler.redirect_request(request, io.BytesIO(), 302, "moved", Message(), "http://a.example/x")  # type: ignore[arg-type]
    onward = handler.redirect_request(request, io.BytesIO(), 302, "moved", Message(), "https://b.example/x")  # type: ignore[arg-type]
    assert onward is not None and onward.full_url == "https://b.example/x"


def test_redirect_is_followed(tmp_path: Path) -> None:
    with LocalServer({"/a": [{"status": 301, "headers": {"Location": "/b"}}], "/b": [{"body": GOOD}]}) as server:
        assert get(source_of(server.url("/a")), tmp_path).read_bytes() == GOOD


def zipped(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("readme", b"read me")
        archive.writestr(name, content)
    return buffer.getvalue()


PACKED: dict[str, tuple[bytes, str]] = {
    "gzip": (gzip.compress(GOOD), "gzip"),
    "zip": (zipped("inner/name", GOOD), "zip:inner/name"),
}
BAD_PACKED: dict[str, tuple[bytes, str, str]] = {
    "gzip bomb": (gzip.compress(bytes(50_000_000)), "gzip", "larger than 253259 bytes"),
    "zip bomb": (zipped("inner/name", bytes(50_000_000)), "zip:inner/name", "larger than 253259 bytes"),
    "gzip cut": (gzip.compress(GOOD)[:-9], "gzip", "damaged gzip"),
    "no gzip": (GOOD, "gzip", "damaged gzip"),
    "zip cut": (zipped("inner/name", GOOD)[:-9], "zip:inner/name", "damaged zip"),
    "no such member": (zipped("other", GOOD), "zip:inner/name", "no member 'inner/name'"),
    "other content": (gzip.compress(FLIPPED), "gzip", "wrong content"),
}


@pytest.mark.parametrize("name", PACKED)
def test_packed_file_is_kept_unpacked(name: str, tmp_path: Path) -> None:
    body, unpack = PACKED[name]
    with LocalServer({"/a": [{"body": body}]}) as server:
        assert get(source_of(server.url("/a"), unpack=unpack), tmp_path).read_bytes() == GOOD
    assert sorted(path.name for path in (tmp_path / "cache" / "folder").iterdir()) == [
        "numbers.bin",
        "numbers.bin.lock",
    ]


@pytest.mark.parametrize("name", BAD_PACKED)
def test_bad_packed_file_is_refused(name: str, tmp_path: Path) -> None:
    body, unpack, words = BAD_PACKED[name]
    with LocalServer({"/a": [{"body": body}]}) as server, pytest.raises(DownloadError, match=words) as caught:
        get(source_of(server.url("/a"), unpack=unpack), tmp_path)
    assert "\n" not in str(caught.value)
    assert_nothing_left(tmp_path)


@pytest.fixture
def no_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.usefixtures("no_socket")
def test_offline_opens_no_socket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = source_of("http://127.0.0.1:9/a")
    with pytest.raises(AssertionError, match="socket"):
        get(source, tmp_path)
    monkeypatch.setenv("NN_CORE_OFFLINE", "1")
    with pytest.raises(DownloadError, match="NN_CORE_OFFLINE is set") as caught:
        get(source, tmp_path)
    assert_recipe(str(caught.value), source, tmp_path)
    monkeypatch.setenv("NN_CORE_OFFLINE", "0")
    with pytest.raises(AssertionError, match="socket"):
        get(source, tmp_path)


@pytest.mark.usefixtures("no_socket")
def test_cached_and_local_files_need_no_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NN_CORE_OFFLINE", "1")
    source = source_of("https://a.example/a")
    cached = tmp_path / "cache" / source.filename
    cached.parent.mkdir(parents=True)
    cached.write_bytes(GOOD)
    assert get(source, tmp_path) == cached
    local = tmp_path / "local"
    for name in ("numbers.bin", "folder/numbers.bin"):  # the bare name, then the path, which goes first
        (local / name).parent.mkdir(parents=True, exist_ok=True)
        (local / name).write_bytes(GOOD)
        monkeypatch.setenv("NN_CORE_DATA_DIR", str(local))
        assert get(source, tmp_path) == local / name


def test_copy_with_another_known_digest_is_accepted_locally_only(tmp_path: Path) -> None:
    other = b"another edition"
    digests = (hashlib.sha256(GOOD).hexdigest(), hashlib.sha256(other).hexdigest())
    (tmp_path / "numbers.bin").write_bytes(other)
    with LocalServer({"/a": [{"body": other}]}) as server:
        source = source_of(server.url("/a"), sha256=digests)
        assert fetch(source, data_dir=tmp_path) == tmp_path / "numbers.bin"
        with pytest.raises(DownloadError, match="wrong content"):
            get(source, tmp_path)


def test_local_file_with_other_bytes_is_an_error_and_stays(tmp_path: Path) -> None:
    (tmp_path / "numbers.bin").write_bytes(FLIPPED)
    source = source_of("https://a.example/a")
    with pytest.raises(DownloadError, match="has other bytes") as caught:
        fetch(source, data_dir=tmp_path)
    message = str(caught.value)
    assert "\n" not in message and hashlib.sha256(FLIPPED).hexdigest() in message and source.sha256[0] in message
    assert (tmp_path / "numbers.bin").read_bytes() == FLIPPED


def test_data_dir_that_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NN_CORE_DATA_DIR", str(tmp_path / "missing"))
    with pytest.raises(DownloadError, match="NN_CORE_DATA_DIR=.*is not a folder; create it"):
        fetch(source_of("https://a.example/a"))


@pytest.mark.parametrize("damage", [FLIPPED, GOOD[:100], b""])
def test_damaged_cache_heals(damage: bytes, tmp_path: Path) -> None:
    path = tmp_path / "cache" / "folder" / "numbers.bin"
    path.parent.mkdir(parents=True)
    path.write_bytes(damage)
    with LocalServer({"/a": [{"body": GOOD}]}) as server:
        assert get(source_of(server.url("/a")), tmp_path).read_bytes() == GOOD


@pytest.mark.parametrize("place", ["folder", "cache"])
def test_cache_that_cannot_be_written(place: str, tmp_path: Path) -> None:
    blocker = {"cache": tmp_path / "cache", "folder": tmp_path / "cache" / "folder"}[place]
    blocker.parent.mkdir(exist_ok=True)
    blocker.write_bytes(b"a file where a folder should be")
    source = source_of("http://127.0.0.1:9/a")
    with pytest.raises(DownloadError, match="cannot store") as caught:
        get(source, tmp_path)
    assert_recipe(str(caught.value), source, tmp_path)


def test_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object, **kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(download, "_copy", full)
    with LocalServer({"/a": [{"body": GOOD}]}) as server, pytest.raises(DownloadError, match="No space left"):
        get(source_of(server.url("/a")), tmp_path)
    assert_nothing_left(tmp_path)


FETCH = (
    "import sys; from pathlib import Path; from nn_core.data.download import *; import hashlib\n"
    "url, cache, digest, size = sys.argv[1:]\n"
    "s = Source('folder/numbers.bin', (url,), (digest,), int(size), '', allow_http=True)\n"
    "print(fetch(s, cache_dir=Path(cache), patience=Patience(timeout=20.0)))"
)


def start_fetch(url: str, tmp_path: Path) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        "-c",
        FETCH,
        url,
        str(tmp_path / "cache"),
        hashlib.sha256(GOOD).hexdigest(),
        str(len(GOOD)),
    ]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("NN_CORE_")}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)


def test_killed_half_way(tmp_path: Path) -> None:
    folder = tmp_path / "cache" / "folder"
    with LocalServer({"/a": [{"body": GOOD, "stall": 30}, {"body": GOOD}]}) as server:
        process = start_fetch(server.url("/a"), tmp_path)
        try:
            wait_for(lambda: any(part.stat().st_size for part in folder.glob("*.part")))
        finally:
            process.kill()
            process.communicate()
        assert not (folder / "numbers.bin").exists()
        assert get(source_of(server.url("/a")), tmp_path).read_bytes() == GOOD
    assert sorted(path.name for path in folder.iterdir()) == ["numbers.bin", "numbers.bin.lock"]


def test_two_processes_at_once_download_once(tmp_path: Path) -> None:
    with LocalServer({"/a": [{"body": GOOD, "stall": 0.5}]}) as server:
        processes = [start_fetch(server.url("/a"), tmp_path) for _ in range(2)]
        outputs = [process.communicate(timeout=30)[0] for process in processes]
        assert [process.returncode for process in processes] == [0, 0]
        assert server.requests == ["/a"]
    path = tmp_path / "cache" / "folder" / "numbers.bin"
    assert outputs == [f"{path}\n"] * 2 and path.read_bytes() == GOOD


def test_many_threads_at_once(tmp_path: Path) -> None:
    with LocalServer({"/a": [{"body": GOOD, "stall": 0.05}]}) as server, ThreadPoolExecutor(5) as pool:
        paths = list(pool.map(lambda _: get(source_of(server.url("/a")), tmp_path), range(5)))
        assert {path.read_bytes() for path in paths} == {GOOD}
        assert len(server.requests) == 1


def test_registry_is_well_formed() -> None:
    names = [source.filename for source in SOURCES.values()]
    assert len(set(names)) == len(names)
    for source in SOURCES.values():
        assert source.size > 0 and source.licence and source.urls
        assert all(len(bytes.fromhex(digest)) == 32 for digest in source.sha256)
        assert ".." not in source.filename and not source.filename.startswith("/")
        assert source.urls[0].startswith("https://")
        assert source.allow_http == any(url.startswith("http://") for url in source.urls)
        assert source.unpack in ("", "gzip") or source.unpack.startswith("zip:")


def test_registry_matches_the_real_files(shared_data: Path) -> None:
    present = ("shakespeare", "sms_spam", "mnist_t10k_images", "mnist_t10k_labels", "multi30k_train_en")
    for name in (*present, "multi30k_train_fr", "multi30k_val_en", "multi30k_val_fr"):
        source = SOURCES[name]
        path = fetch(source, data_dir=shared_data, offline=True)
        assert path == shared_data / source.filename
        assert path.stat().st_size == source.size or name == "sms_spam"


@pytest.mark.network
@pytest.mark.parametrize("name", [name for name, source in SOURCES.items() if source.size < 20_000_000])
def test_every_mirror_has_the_file(name: str, tmp_path: Path) -> None:
    for number, url in enumerate(SOURCES[name].urls):
        fetch(dataclasses.replace(SOURCES[name], urls=(url,)), cache_dir=tmp_path / str(number))
