"""Pictures that move: frames of small runs, no text over text, a file that is small, plays once and is short."""

import numpy as np
import pytest
from PIL import Image

from experiments.figures import ANIMATIONS, animations, draw, moving
from experiments.run_directory import results
from tests.experiments.boxes import overlaps


def arrays() -> dict[str, np.ndarray]:
    """What the runs of all of them hold, small."""
    side = np.linspace(-1.0, 1.0, 7)
    plane_772 = np.stack(np.meshgrid(side, side), axis=-1)
    path_K2 = np.linspace((0.9, 0.9), (0.0, 0.1), 11)
    points_52 = np.array([(-1.0, 0.5), (0.5, 1.0), (1.0, -1.0), (-0.5, -0.5), (0.2, 0.9)])
    found = {"inputs": points_52, "targets": np.array([0, 1, 1, 0, 1])}
    found |= {"history": np.array([(0.0, 0.0, 0.0), (1.0, 0.2, 0.1), (1.0, 0.5, 0.0)])}
    for name in ("neuron", "valleys"):
        found |= {f"{name}_plane": plane_772, f"{name}_heights": (plane_772**2).sum(axis=-1)}
        found |= {f"{name}_paths": np.stack([path_K2, -path_K2, path_K2[::-1]])}
        found |= {f"{name}_points": np.array([(0.0, 0.1), (0.9, 0.9)]), f"{name}_kinds": np.array([0, 0])}
    curve = np.linspace(-5.0, 5.0, 31)
    found |= {"curve": curve, "heights": curve**2 / 10, "momenta": np.array([0.0, 0.9])}
    found |= {f"{name}_path": np.stack([np.linspace(-4.0, 0.0, 151)] * 2) for name in ("heavy_ball", "Nesterov")}
    steep = np.stack([1 / (1 + np.exp(-k * plane_772[..., 0])) for k in (0.0, 1.0, 9.0)])
    return found | {
        "side": side,
        "frames_steps": np.array([0, 3, 17]),
        "frames_output": steep,
        "frames_hidden": steep[:, None],
    }


@pytest.fixture
def run(tmp_path):
    return results.Results(tmp_path, {}, [], [], arrays())


@pytest.mark.parametrize(("name", "count"), [("perceptron", 3), ("xor", 3), ("two_minima", 11), ("momentum", 40)])
def test_frames_differ_and_nothing_lies_over_another_text(run, name, count):
    seen = []
    for figure in ANIMATIONS[name](run):
        if len(seen) in (0, count - 1):
            assert not overlaps(figure) and figure.axes[0].get_xlabel() and figure.axes[0].get_title()
        seen.append(figure.axes[0].get_title())
    assert count / 2 < len(set(seen)) == len(seen) <= count <= animations.MOST


def test_the_file_plays_once_in_less_than_five_seconds_and_ends_with_the_last_frame(tmp_path):
    frames = [np.full((20, 30, 3), 40 * k, np.uint8) for k in range(5)]
    with Image.open(moving.write(frames, tmp_path / "a.webp")) as image:
        assert image.size == (30, 20) and image.n_frames == 5 and image.info["loop"] == 1
        image.seek(4)
        assert np.asarray(image.convert("RGB"))[0, 0].tolist() == [160] * 3
        assert image.info["duration"] * 5 <= 1000 * moving.SECONDS
    assert animations.MOST * moving.FASTEST <= moving.SECONDS <= 5
    noise = np.random.default_rng(0).integers(0, 256, (12, 200, 300, 3), dtype=np.uint8)
    with pytest.raises(ValueError, match="more than 500000; draw fewer"):
        moving.write(noise, tmp_path / "b.webp")
    assert not (tmp_path / "b.webp").exists()


def test_a_run_draws_it_beside_its_figure(run, monkeypatch):
    figure = next(animations.perceptron(run))
    monkeypatch.setattr("experiments.figures.FIGURES", {"perceptron": lambda run: figure})
    monkeypatch.setattr("experiments.run_directory.results.read", lambda directory: run)
    assert [path.name for path in draw(run.directory, ("perceptron",))] == ["perceptron.png", "perceptron.webp"]
