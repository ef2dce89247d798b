"""Files that a pipeline is asked about: on this machine or, as transformers takes them, at an address (F178)."""

import http.client
import os
import re
import string
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image

from experiments.pipelines.models import OFFLINE

ADDRESS = re.compile(r"https?://", re.IGNORECASE)
MOST_BYTES = 50_000_000
SILENCE, LONGEST = 15.0, 60.0  # seconds without a byte, and in all
_BLOCK = 1 << 16


@contextmanager
def at_hand(place: str | Path | Image.Image) -> Iterator[str]:
    """The path of a file; what stands at an address or in memory is there for as long as it is read, and is kept nowhere.

    Args:
        place: a path, an address that begins with http:// or https://, or an image of Pillow.
    Yields:
        The path. A ValueError that names it is raised again with the address in its place.
    Raises:
        ValueError: the address cannot be read, or the image not be written; says why in one line.
    """
    in_memory = isinstance(place, Image.Image)
    name = "the image" if in_memory else str(place)
    if not (in_memory or ADDRESS.match(name)):
        yield name
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        if isinstance(place, Image.Image):
            _write(place, path)
        else:
            path.write_bytes(_read(name))
        try:
            yield str(path)
        except ValueError as error:
            raise ValueError(str(error).replace(str(path), name)) from None


def _write(image: Image.Image, path: Path) -> None:
    try:
        image.save(path, "PNG")
    except OSError as error:
        raise ValueError(f"the image cannot be read ({error}); convert it to gray, RGB or RGBA") from None


def _read(address: str) -> bytes:
    if any(os.environ.get(variable, "0") not in ("", "0") for variable in OFFLINE):
        raise ValueError(f"{address} is an address and this process is offline; give the path of a file")
    started, content = time.monotonic(), bytearray()
    try:
        # Blanks and letters as a browser shows them; what is quoted already stays.
        quoted = urllib.parse.quote(address, safe=string.punctuation)
        request = urllib.request.Request(quoted, headers={"User-Agent": "nn_core"})
        with urllib.request.urlopen(request, timeout=SILENCE) as response:
            while block := response.read1(_BLOCK):
                content += block
                if len(content) > MOST_BYTES or time.monotonic() - started > LONGEST:
                    raise OSError(f"{len(content):,} bytes after {time.monotonic() - started:.0f} s are too many")
            if response.length:
                raise OSError(f"it ended {response.length:,} bytes too early")
    except (OSError, http.client.HTTPException, ValueError) as error:  # urllib's errors are of OSError
        reason = " ".join(str(error).split()) or type(error).__name__
        raise ValueError(f"{address} cannot be read ({reason}); download the file and give its path") from None
    return bytes(content)
