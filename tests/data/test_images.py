"""PNG and JPEG files: what is read, and one line for what is no image or not the right one."""

import random
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from nn_core.data.images import read_image, read_image_folder

# How a camera's sensor saw an upright picture, for EXIF's orientations 1 to 8.
TURNS = (
    lambda x: x,
    np.fliplr,
    lambda x: np.rot90(x, 2),
    np.flipud,
    np.transpose,
    lambda x: np.rot90(x, 1),  # stands on its side; to be turned clockwise
    lambda x: np.rot90(x, 2).T,
    lambda x: np.rot90(x, 3),
)
RGB = np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype(np.uint8)


def save(path: Path, pixels: np.ndarray, mode: str | None = None) -> Path:
    image = Image.fromarray(pixels)
    (image.convert(mode) if mode else image).save(path)
    return path


def test_colour_and_gray(tmp_path: Path) -> None:
    colour = read_image(save(tmp_path / "a.png", RGB), height=5, width=7, channels=3)
    assert colour.shape == (5, 7, 3) and colour.dtype == np.float32
    np.testing.assert_array_equal(np.round(colour * 255), RGB)
    gray = read_image(save(tmp_path / "b.png", RGB[..., 0]), channels=1)
    np.testing.assert_array_equal(np.round(gray[..., 0] * 255), RGB[..., 0])


def test_jpeg(tmp_path: Path) -> None:
    path = save(tmp_path / "a.jpg", np.full((8, 8, 3), 128, np.uint8))
    np.testing.assert_allclose(read_image(path), 128 / 255, atol=0.02)


@pytest.mark.parametrize(("mode", "channels"), [("1", 1), ("L", 1), ("P", 3), ("LA", 4), ("RGBA", 4)])
def test_pixel_formats(mode: str, channels: int, tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", RGB, mode)
    assert read_image(path).shape == (5, 7, channels) == read_image(path, channels=channels).shape


@pytest.mark.parametrize(("orientation", "turn"), tuple(enumerate(TURNS, start=1)))
@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_photograph_is_turned_as_its_camera_says(suffix: str, orientation: int, turn, tmp_path: Path) -> None:
    """The file holds what the sensor saw; the tag says how to turn it, in the table of the EXIF standard."""
    upright = np.kron(np.array([[0, 80, 160], [240, 40, 120]], np.uint8), np.ones((8, 8), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(turn(upright)).save(
        tmp_path / f"a.{suffix}", exif=exif, **{"quality": 95} if suffix == "jpg" else {}
    )
    image = read_image(tmp_path / f"a.{suffix}", height=16, width=24)
    np.testing.assert_allclose(image[..., 0] * 255, upright, atol=6)


def test_sixteen_bits(tmp_path: Path) -> None:
    deep = (np.arange(35).reshape(5, 7) * 1800).astype(np.uint16)
    image = read_image(save(tmp_path / "a.png", deep), channels=1)
    np.testing.assert_allclose(image[..., 0], deep / 65535, atol=1 / 255)
    assert read_image(tmp_path / "a.png", height=2, width=2, channels=3, fit=True).shape == (2, 2, 3)


def test_cmyk_jpeg(tmp_path: Path) -> None:
    Image.fromarray(np.full((8, 8, 3), 200, np.uint8)).convert("CMYK").save(tmp_path / "a.jpg")
    np.testing.assert_allclose(read_image(tmp_path / "a.jpg", channels=3), 200 / 255, atol=0.02)


def test_fit(tmp_path: Path) -> None:
    path = save(tmp_path / "a.png", np.full((6, 4, 3), 51, np.uint8))
    image = read_image(path, height=3, width=9, channels=1, fit=True)
    assert image.shape == (3, 9, 1)
    np.testing.assert_allclose(image, 0.2, rtol=1e-6)
    with pytest.raises(ValueError, match="fit=True needs a height and a width"):
        read_image(path, height=3, fit=True)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"height": 6}, r"has height 5, expected 6 \(7 x 5 pixels, width x height\)"),
        ({"width": 8}, "has width 7, expected 8"),
        ({"channels": 1}, r"has 3 channels \(RGB\), expected 1; convert it, or use fit"),
        ({"channels": 2}, "channels=2 is not one of 1, 3, 4"),
    ],
)
def test_another_size_or_number_of_channels(options: dict[str, int], words: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=words) as caught:
        read_image(save(tmp_path / "a.png", RGB), **options)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def png_header(width: int, height: int) -> bytes:
    chunk = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    header = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))
    data = b"IDAT" + zlib.compress(bytes(1000))
    return header + struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))


@pytest.mark.parametrize("kind", ["text", "empty", "cut", "folder", "missing", "gif", "huge", "bomb"])
def test_what_is_no_image(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    words = "is not a readable PNG or JPEG image"
    if kind == "text":
        path.write_text("no image")
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "cut":
        path.write_bytes(save(path, RGB).read_bytes()[:-30])
    elif kind == "folder":
        path.mkdir()
    elif kind == "missing":
        words = "there is no image .*a.png; check the path"
    elif kind == "gif":
        Image.fromarray(RGB).save(path, format="GIF")
    elif kind == "huge":  # refused by its header, before memory is taken
        path.write_bytes(png_header(5001, 5000))
        words = "has 25005000 pixels, more than 25000000"
    else:
        path.write_bytes(png_header(100_000, 100_000))
        words = r"is not a readable PNG or JPEG image \(Image size .10000000000 pixels. exceeds limit"
    with pytest.raises(ValueError, match=words) as caught:
        read_image(path)
    assert "\n" not in str(caught.value) and str(caught.value).count("a.png") == 1


def test_random_damage_gives_value_error_only(tmp_path: Path) -> None:
    rng = random.Random(1)
    for name in ("a.png", "a.jpg"):
        original = save(tmp_path / name, RGB).read_bytes()
        for _ in range(120):
            data = bytearray(original)
            for _ in range(rng.randint(1, 5)):
                data[rng.randrange(len(data))] = rng.randrange(256)
            (tmp_path / name).write_bytes(data)
            try:
                read_image(tmp_path / name)
            except ValueError as error:
                assert "\n" not in str(error)


def test_folder_per_class(tmp_path: Path) -> None:
    for label, name, value in (("zebra", "1.png", 0), ("ant", "b.PNG", 51), ("ant", "a.png", 102)):
        (tmp_path / label).mkdir(exist_ok=True)
        save(tmp_path / label / name, np.full((2, 3, 3), value, np.uint8))
    (tmp_path / "ant" / "notes.txt").write_text("left out")
    (tmp_path / "ant" / "._a.png").write_bytes(b"\0\5\x16\7 what macOS keeps beside a file")
    (tmp_path / ".hidden").mkdir()
    (tmp_path / "list.csv").write_text("left out")
    data = read_image_folder(tmp_path, height=2, width=3)
    assert data.target_names == ("ant", "zebra") and data.targets.tolist() == [0, 0, 1]
    assert data.inputs.shape == (3, 2, 3, 3)
    np.testing.assert_allclose(data.inputs[:, 0, 0, 0], [0.4, 0.2, 0.0], rtol=1e-6)  # sorted by class and name
    with pytest.raises(ValueError, match="has 3 images, more than limit=2"):
        read_image_folder(tmp_path, height=2, width=3, limit=2)
    with pytest.raises(ValueError, match="a.png has height 2, expected 4"):
        read_image_folder(tmp_path, height=4, width=3)
    with pytest.raises(ValueError, match="height=0 is out of range"):
        read_image_folder(tmp_path, height=0, width=3)


def test_folders_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="missing is not a folder"):
        read_image_folder(tmp_path / "missing", height=2, width=2)
    (tmp_path / "one").mkdir()
    with pytest.raises(ValueError, match="has 1 sub-folders; give it one per class, at least 2"):
        read_image_folder(tmp_path, height=2, width=2)
    (tmp_path / "two").mkdir()
    with pytest.raises(ValueError, match="one has no image; put .png, .jpg, .jpeg files there"):
        read_image_folder(tmp_path, height=2, width=2)
