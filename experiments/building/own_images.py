"""Images of one's own, read once for all members of a sweep."""

import hashlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

from ml_collections import ConfigDict

from experiments.building.digests import check_digest, digest_of_file
from experiments.building.memory import host_bytes
from nn_core.data.dataset import Dataset
from nn_core.data.image_files import Listing, list_parts, list_table, read_listing
from nn_core.data.table_file import read_table
from nn_core.files import user_path


@lru_cache(maxsize=2)
def own_images(
    path: Path, digest: str, target: str | None, size: tuple[int, ...], shares: tuple[float, ...]
) -> tuple[Dataset, Listing]:
    """Images and where they come from; the same object for every member of a sweep."""
    del digest
    listing = listing_of(path, target, shares)
    return read_listing(listing, size, host_bytes()), listing


def listing_of(path: Path, target: str | None, shares: Sequence[float]) -> Listing:
    """The images of a folder of class folders, of one of parts with them, or of a table of file names and labels."""
    return list_parts(path, shares) if path.is_dir() else list_table(read_table(path), path.parent, target)


def digest_of_images(path: Path, target: str | None, shares: Sequence[float]) -> str:
    """The sha256 of all images and labels of a folder or table; the folder may move."""
    digest = hashlib.sha256()
    listing = listing_of(path, target, shares)
    for file, label in zip(listing.files, listing.labels, strict=True):
        digest.update(f"{file.relative_to(path if path.is_dir() else path.parent).as_posix()}:{label}:".encode())
        digest.update(bytes.fromhex(digest_of_file(file)))
    return digest.hexdigest()


def load_own_images(config: ConfigDict) -> tuple[Dataset, Listing, str]:
    """The images of a config with a path.

    Raises:
        ValueError: no folder, labels or images, images of several sizes, or other images than the digest's.
    """
    section = config.data
    path = user_path(section.path)
    if not path.exists():
        raise ValueError(f"config.data.path={section.path} does not exist; give a folder with a sub-folder per class")
    digest = check_digest(section, digest_of_images(path, section.target, section.shares), section.path)
    return *own_images(path, digest, section.target, tuple(section.image_size), tuple(section.shares)), digest
