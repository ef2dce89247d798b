"""A file of one's own by its address: downloaded once, verified by its digest, kept in the cache."""

import re
from pathlib import Path, PurePosixPath
from urllib.parse import urlparse

from nn_core.data.download import Source, fetch

_MAX_BYTES = 1 << 32
_DIGEST = re.compile(r"[0-9a-f]{64}")


def fetch_address(address: str, digest: str) -> Path:
    """The path of the verified file.

    Args:
        address: https or http.
        digest: sha256 of the file, 64 hexadecimal digits; it also names the place in the cache.
    Raises:
        ValueError: no digest, or an address without a file name.
        DownloadError: the file cannot be had, or is another one.
    """
    digest = digest.lower()
    if not _DIGEST.fullmatch(digest):
        raise ValueError(f"config.data.digest={digest!r} is not a sha256; give its 64 hexadecimal digits")
    name = PurePosixPath(urlparse(address).path).name
    if not name:
        raise ValueError(
            f"config.data.path={address} names no file; give the address of one, such as https://…/rows.csv"
        )
    source = Source(
        filename=f"addresses/{digest[:16]}/{name}",
        urls=(address,),
        sha256=(digest,),
        size=_MAX_BYTES,
        licence="the user's own",
        allow_http=address.lower().startswith("http://"),
        bounded=True,
    )
    return fetch(source)
