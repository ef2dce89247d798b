"""The page: what it computes, and, in a real browser, that it writes, streams and stays on this machine."""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from experiments.demo import main
from experiments.pipeline import pipeline
from experiments.pipelines.models import load_model
from experiments.pipelines.page import prepared, written
from tests.experiments.pipelines.folders import write_pipeline_folder

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


def test_a_text_grows_with_its_candidates(tiny_run: Path) -> None:
    """Each picture goes on from the one before; shares sum to at most 1; greedy takes the first candidate."""
    seen = list(written(load_model(tiny_run), print, "Anna", 9, 0.0, 0, 1.0, 0.0, 1.0, 0))
    texts = [text for text, _ in seen]
    assert len(texts) > 2 and len(texts[-1]) == len("Anna") + 9
    assert all(after.startswith(before) for before, after in zip(texts, texts[1:], strict=False))
    for (text, shares), (after, _) in zip(seen, seen[1:], strict=False):
        first = next(iter(shares))
        assert 0 < sum(shares.values()) <= 1 + 1e-6 and max(shares, key=lambda name: shares[name]) == first
        assert first.startswith(repr(after[len(text)]))


def test_what_sample_refuses_or_tells_is_refused_and_told_here(tiny_run: Path) -> None:
    model, told = load_model(tiny_run), list[str]()
    with pytest.raises(ValueError, match="characters outside the vocabulary: '7'"):
        list(written(model, told.append, "7", 9, 0.0, 0, 1.0, 0.0, 1.0, 0))
    assert told == []
    list(written(model, told.append, "Anna", 14, 0.0, 0, 1.0, 0.0, 1.0, 0))
    assert len(told) == 1 and "goes past the context window" in told[0]


def test_an_encoder_decoder_writes_what_the_pipeline_writes(tmp_path: Path) -> None:
    folder = write_pipeline_folder(tmp_path, "texts")
    *_, (text, _) = written(load_model(folder), print, "the world", 9, 0.0, 0, 1.0, 0.0, 1.0, 0)
    assert [{"generated_text": text}] == pipeline("text2text-generation", folder)("the world", max_new_tokens=9)


def test_a_drawing_becomes_light_on_dark() -> None:
    drawn = np.full((40, 40, 4), 255, np.uint8)
    drawn[10:30, 18:22, :3] = 0
    found = prepared(drawn, (8, 8, 1))
    assert found.shape == (8, 8, 1) and found[4, 4, 0] > 0.3 and found[0, 0, 0] == 0
    transparent = np.zeros((40, 40, 4), np.uint8)
    assert prepared(transparent, (8, 8, 3)).max() == 0


def test_a_drawing_is_seen_as_a_file_is(tmp_path: Path) -> None:
    """The same pixels, from the pad and from a file: what the folder standardizes is standardized in both."""
    from experiments.pipelines.images import eyes

    seen = eyes(load_model(write_pipeline_folder(tmp_path, "images")), fit=True)
    pixels = (np.random.default_rng(0).uniform(size=seen.shape) * 255).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "x.png")
    from_file = seen.read(str(tmp_path / "x.png"))
    np.testing.assert_allclose(from_file, pixels / np.float32(255), atol=1e-6)
    assert seen.scores(from_file[None]).sum() == pytest.approx(1)


def test_the_hub_is_asked_before_gradio_is_kept_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    from experiments.pipelines import models

    told: list[str | None] = []

    def find(name: str) -> Path:
        told.append(os.environ.get("HF_HUB_OFFLINE"))
        raise ValueError(name)

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(models, "find", find)
    assert main(["--model=org/name"]) == 2 and told == [None]


@pytest.mark.parametrize(
    ("words", "said"),
    [([], "--model is missing"), (["--model=nowhere"], "nowhere"), (["--model=x", "--port=80"], "port=80")],
)
def test_mistakes(capsys: pytest.CaptureFixture[str], words: list[str], said: str) -> None:
    assert main(words) == 2
    error = capsys.readouterr().err
    assert said in error and error.count("\n") == 1


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class Browser:
    """A headless Chromium, spoken to by its own protocol."""

    def __init__(self, folder: Path, address: str):
        websocket = pytest.importorskip("websocket")
        port = free_port()
        flags = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            f"--user-data-dir={folder}",
            "--remote-allow-origins=*",
        ]
        flags += [f"--remote-debugging-port={port}", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"]
        self.process = subprocess.Popen([str(CHROMIUM), *flags, "about:blank"], stderr=subprocess.DEVNULL)
        pages = wait(lambda: fetch(f"http://127.0.0.1:{port}/json"))
        page = next(one for one in pages if one["type"] == "page")
        self.socket = websocket.create_connection(page["webSocketDebuggerUrl"], timeout=60)
        self.number, self.asked = 0, []
        self.call("Network.enable")
        self.call("Page.navigate", url=address)

    def call(self, method: str, **parameters: Any) -> Any:
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv())
            if message.get("method") == "Network.requestWillBeSent":
                self.asked.append(message["params"]["request"]["url"])
            if message.get("id") == self.number:
                return message["result"]

    def run(self, script: str) -> Any:
        return self.call("Runtime.evaluate", expression=script, returnByValue=True)["result"].get("value")

    def close(self) -> None:
        self.socket.close()
        self.process.terminate()
        self.process.wait(20)


def fetch(address: str) -> Any:
    try:
        return json.load(urllib.request.urlopen(address, timeout=5))
    except (OSError, ValueError):
        return None


def wait(look: Any, seconds: float = 120) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.3)
    raise AssertionError("it did not come")


SET = """(() => {{ const box = document.querySelector('#{name} textarea, #{name} input');
if (!box) return false; const proto = box.tagName == 'TEXTAREA' ? HTMLTextAreaElement : HTMLInputElement;
Object.getOwnPropertyDescriptor(proto.prototype, 'value').set.call(box, {value});
box.dispatchEvent(new Event('input', {{bubbles: true}})); return true; }})()"""


def set_value(browser: Browser, name: str, value: Any) -> None:
    wait(lambda: browser.run(SET.format(name=name, value=json.dumps(value))))


@contextlib.contextmanager
def served(tmp_path: Path, model: Path) -> Iterator[str]:
    """The address of a page that is served until the block ends."""
    pytest.importorskip("gradio")
    pytest.importorskip("websocket")
    port = free_port()
    command = [sys.executable, "-m", "experiments.demo", f"--model={model}", f"--port={port}"]
    with (tmp_path / "log").open("w", encoding="utf-8") as log:
        process = subprocess.Popen(command, cwd=Path(__file__).parents[2], stderr=log, stdout=log)
    address = f"http://127.0.0.1:{port}/"

    def there() -> bool:
        try:
            return urllib.request.urlopen(address, timeout=5).status == 200
        except OSError:
            return False

    try:
        wait(there)
        yield address
    finally:
        process.terminate()
        process.wait(20)


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_a_browser_writes_a_text(tiny_run: Path, tmp_path: Path) -> None:
    with served(tmp_path, tiny_run) as address, contextlib.closing(Browser(tmp_path / "browser", address)) as browser:
        set_value(browser, "prompt", "Anna")
        wait(
            lambda: browser.run(
                "(() => { const b = document.querySelector('#write'); if (!b) return false; b.click(); return true })()"
            )
        )
        text = "document.querySelector('#text textarea').value"
        wait(lambda: len(browser.run(text) or "") >= len("Anna") + 60)
        assert browser.run(text).startswith("Anna")
        assert "%" in browser.run("document.querySelector('#candidates').innerText")
        outside = [url for url in browser.asked if not url.startswith((address, "data:", "blob:", "about:"))]
        assert not outside, outside


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium")
def test_a_browser_compares_sentences(tmp_path: Path) -> None:
    folder = write_pipeline_folder(tmp_path, "vectors")
    with served(tmp_path, folder) as address, contextlib.closing(Browser(tmp_path / "browser", address)) as browser:
        set_value(browser, "one", "the world")
        set_value(browser, "other", "the world")
        wait(
            lambda: browser.run(
                "(() => { const b = document.querySelector('#compare'); if (!b) return false; b.click(); return true })()"
            )
        )
        wait(lambda: abs(float(browser.run("document.querySelector('#cosine input').value") or 0) - 1) < 1e-4)
