"""The report's page in a real browser: it loads without an error, shows every image, and fits a phone. Needs Chromium."""

import json
import re
import shutil
import subprocess

import pytest

from experiments.report.__main__ import produce
from tests.experiments.test_report import TINY

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PHONE, DESKTOP = 390, 1280  # CSS pixels

# The page stands in a frame of a given width: a headless window has a least width of its own.
PROBE = """<!doctype html><meta charset="utf-8"><iframe id="frame" style="width:{width}px;height:844px;border:0"></iframe>
<pre id="found"></pre><script>
const frame = document.getElementById("frame"), errors = [];
frame.onload = () => setTimeout(() => {{
  const page = frame.contentDocument, root = page.documentElement;
  document.getElementById("found").textContent = JSON.stringify({{
    width: Math.max(root.scrollWidth, page.body.scrollWidth),
    images: [...page.images].map(image => image.complete ? image.naturalWidth : 0),
    back: getComputedStyle(page.body).backgroundColor, text: getComputedStyle(page.body).color,
    errors: errors}});
}}, 500);
window.addEventListener("error", event => errors.push(event.message), true);
frame.srcdoc = {page};
</script>"""


def probe(page: str, folder, width: int, *flags: str) -> dict:
    """What the browser finds on a page that is `width` CSS pixels wide."""
    text = json.dumps(page).replace("</", "<\\/")
    wrapper = folder / "probe.html"
    wrapper.write_text(PROBE.format(width=width, page=text), encoding="utf-8")
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1400,900"]
    command += [f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=20000", *flags, "--dump-dom"]
    done = subprocess.run([*command, wrapper.as_uri()], capture_output=True, text=True, timeout=120)
    found = re.search(r'<pre id="found">(\{.*?\})</pre>', done.stdout, re.S)
    assert found, f"the browser gave no answer: {done.stderr[-500:]}"
    return json.loads(found[1].replace("&amp;", "&"))


def brightness(colour: str) -> float:
    """Mean of the three channels of rgb(...)."""
    return sum(map(float, re.findall(r"[\d.]+", colour)[:3])) / 3


@pytest.mark.slow
@pytest.mark.skipif(BROWSER is None, reason="no Chromium found; install it (Debian: apt-get install chromium)")
def test_a_browser_shows_the_page_on_a_phone_and_on_a_desk_in_light_and_dark(tmp_path):
    produce(TINY, TINY.claims, True, tmp_path, "python -m experiments.report --quick")
    page = (tmp_path / "index.html").read_text(encoding="utf-8")
    for width in (PHONE, DESKTOP):
        found = probe(page, tmp_path, width)
        assert found["width"] <= width and not found["errors"]
        assert found["images"] and min(found["images"]) > 100
        assert brightness(found["back"]) > 200 > 60 > brightness(found["text"])
    dark = probe(page, tmp_path, PHONE, "--blink-settings=preferredColorScheme=0")
    assert brightness(dark["back"]) < 60 < 200 < brightness(dark["text"]) and dark["width"] <= PHONE
    wide = page.replace("<main", '<div style="width:700px">wide</div><main', 1)
    assert wide != page and probe(wide, tmp_path, PHONE)["width"] > PHONE  # the probe can fail
