"""The site in a real browser: no error, nothing cut off at 360 and 1280 pixels, light and dark, the search, axe-core.

Needs Chromium; the check by axe-core also its file: NN_CORE_AXE=axe.min.js (npm pack axe-core).
"""

import html
import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from experiments.report.__main__ import produce
from tests.experiments.test_report import TINY, names

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
AXE = os.environ.get("NN_CORE_AXE", "")
PHONE, DESKTOP = 360, 1280  # CSS pixels
LIGHT, DARK = "--blink-settings=preferredColorScheme=1", "--blink-settings=preferredColorScheme=0"
PAGES = ("index.html", "first.html", "second.html", "slips.html", "methods.html")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no Chromium found; install it (Debian: apt-get install chromium)"),
]
# The page stands in a frame of a given width: a headless window has a least width of its own.
PROBE = """<!doctype html><meta charset="utf-8"><iframe id="frame" src="{page}" style="width:{width}px;height:900px"></iframe>
<pre id="found"></pre><script>
const AXE = {axe}, frame = document.getElementById("frame"), errors = [];
const cut = (box) => box.getBoundingClientRect().right > {width} + 1 || (box.clientWidth && box.scrollWidth > box.clientWidth + 1);
frame.onload = () => setTimeout(async () => {{
  const page = frame.contentDocument, root = page.documentElement;
  frame.contentWindow.addEventListener("error", event => errors.push(event.message));
  for (const part of page.querySelectorAll("details")) part.open = true;
  for (const image of page.images) image.loading = "eager";
  await Promise.all([...page.images].map(image => image.decode()));
  const query = page.getElementById("query");
  query.value = "{query}";
  query.dispatchEvent(new Event("input"));
  const hits = [...page.querySelectorAll("#found a")].map(link => link.getAttribute("href"));
  let violations = [];
  if (AXE) {{
    const script = page.createElement("script");
    script.textContent = AXE;
    page.head.append(script);
    violations = (await frame.contentWindow.axe.run(page)).violations.map(one => `${{one.id}}: ${{one.nodes[0].html}}`);
  }}
  document.getElementById("found").textContent = JSON.stringify({{
    width: root.scrollWidth, hits, violations, errors,
    cut: [...page.querySelectorAll("table, tbody th, td, p, li, pre, h1, h2, h3, h4")].filter(cut).map(box => box.outerHTML),
    images: [...page.images].map(image => image.currentSrc.split("/").pop()),
    back: getComputedStyle(page.body).backgroundColor, text: getComputedStyle(page.body).color}});
}}, 500);
</script>"""


def probe(site: Path, page: str, width: int, *flags: str, query: str = "", axe: str = "") -> dict:
    """What the browser finds on a page that is `width` CSS pixels wide."""
    wrapper = site / "probe.html"
    script = json.dumps(axe).replace("</", "<\\/")
    wrapper.write_text(PROBE.format(page=page, width=width, query=query, axe=script), encoding="utf-8")
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--window-size=1400,1000"]
    command += ["--allow-file-access-from-files", f"--user-data-dir={site / 'profile'}", *flags]
    command += ["--virtual-time-budget=30000", "--dump-dom", wrapper.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180, encoding="utf-8")
    found = re.search(r'<pre id="found">(\{.*?\})</pre>', done.stdout, re.S)
    assert found, f"the browser gave no answer: {done.stderr[-500:]}"
    return json.loads(html.unescape(found[1]))


def brightness(colour: str) -> float:
    """Mean of the three channels of rgb(...)."""
    return sum(map(float, re.findall(r"[\d.]+", colour)[:3])) / 3


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    produce(TINY, names(TINY), True, folder, "python -m experiments.report --quick")
    return folder


@pytest.mark.parametrize("page", PAGES)
def test_nothing_is_cut_off_on_a_phone_and_on_a_desk(site, page):
    for width in (PHONE, DESKTOP):
        found = probe(site, page, width, LIGHT)
        assert found["width"] <= width and not found["cut"] and not found["errors"]


def test_the_probe_can_fail(site):
    text = (site / "first.html").read_text(encoding="utf-8")
    (site / "wide.html").write_text(text.replace("<h1", '<p style="width:700px">wide</p><h1', 1), encoding="utf-8")
    found = probe(site, "wide.html", PHONE)
    assert found["width"] > PHONE and len(found["cut"]) == 1


def test_colours_and_pictures_follow_the_system(site):
    light, dark = (probe(site, "first.html", PHONE, scheme) for scheme in (LIGHT, DARK))
    assert brightness(light["back"]) > 200 > 60 > brightness(light["text"])
    assert brightness(dark["back"]) < 60 < 200 < brightness(dark["text"])
    assert "A1.svg" in light["images"] and "A1-dark.svg" in dark["images"]


def test_the_search_box_finds_a_formula(site):
    assert probe(site, "index.html", PHONE, query="learning DECAY")["hits"] == ["second.html#formula-F064"]
    assert probe(site, "index.html", PHONE, query="no such word")["hits"] == []


@pytest.mark.skipif(not AXE, reason="NN_CORE_AXE names no file; npm pack axe-core, and set it to package/axe.min.js")
@pytest.mark.parametrize("page", PAGES)
def test_axe_finds_nothing(site, page):
    axe = Path(AXE).read_text(encoding="utf-8")
    for width, scheme in ((PHONE, LIGHT), (DESKTOP, DARK)):
        assert not probe(site, page, width, scheme, query="claim", axe=axe)["violations"]
    text = (site / page).read_text(encoding="utf-8").replace('<html lang="en">', "<html>")
    (site / "broken.html").write_text(text, encoding="utf-8")
    assert "html-has-lang" in probe(site, "broken.html", PHONE, axe=axe)["violations"][0]  # it can fail
