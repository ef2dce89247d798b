"""Images of one's own, read once for all members of a sweep."""

import hashlib
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
def own_images(digest: str, listing: Listing, size: tuple[int, ...]) -> Dataset:
    """Images, read once for every member of a sweep; the digest tells two contents of the same files apart."""
    del digest
    return read_listing(listing, size, host_bytes())


def listing_of(path: Path, section: ConfigDict) -> Listing:
    """The images of a folder of class folders, of one of parts with them, or of a table of file names and labels."""
    if path.is_dir():
        return list_parts(path, section.shares)
    table = read_table(path, separator=section.table.separator, encoding=section.table.encoding)
    return list_table(table, path.parent, section.target)


def digest_of_images(path: Path, listing: Listing) -> str:
    """The sha256 of all images and labels of a folder or table; the folder may move."""
    digest, root = hashlib.sha256(), path if path.is_dir() else path.parent
    for file, label in zip(listing.files, listing.labels, strict=True):
        name = file.relative_to(root) if file.is_relative_to(root) else file  # a table may name it absolutely
        digest.update(f"{name.as_posix()}:{label}:".encode())
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
    listing = listing_of(path, section)
    digest = check_digest(section, digest_of_images(path, listing), section.path)
    return own_images(digest, listing, tuple(section.image_size)), listing, digest
