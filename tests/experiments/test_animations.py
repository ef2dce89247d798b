"""Pictures that move: frames of small runs, no text over text, a file that is small, plays once and is short."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from experiments.figures import ANIMATIONS, RUN_FIGURES, STUDY_FIGURES, animations, draw, moving
from experiments.run import main
from experiments.run_directory import results
from experiments.run_directory.frames import read_frames, write_frame
from tests.experiments.boxes import overlaps


def arrays() -> dict[str, np.ndarray]:
    """What the runs of all of them hold, small."""
    side = np.linspace(-1.0, 1.0, 7)
    plane_772 = np.stack(np.meshgrid(side, side), axis=-1)
    path_K2 = np.linspace((0.9, 0.9), (0.0, 0.1), 11)
    points_52 = np.array([(-1.0, 0.5), (0.5, 1.0), (1.0, -1.0), (-0.5, -0.5), (0.2, 0.9)])
    found = {"inputs": points_52, "targets": np.array([0, 1, 1, 0, 1])}
    found |= {"history": np.array([(0.0, 0.0, 0.0), (1.0, 0.2, 0.1), (1.0, 0.5, 0.0)])}
    found |= {"labels": np.array(["perceptron", "gradient descent"]), "noises": np.array([0.0, 0.3])}
    for index in (0, 1):
        found |= {f"inputs_{index}": points_52, f"targets_{index}": found["targets"]}
        found |= {f"way_{index}_{place}": np.linspace((0, 0, 0), (1, place - 0.5, 0), 9) for place in (0, 1)}
    for name in ("neuron", "chain", "valleys"):
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
    frames_F77 = (np.arange(4)[:, None, None] > np.arange(49).reshape(7, 7) % 7).astype(np.uint8)
    for number in (0, 1):
        (tmp_path / "groups" / str(number)).mkdir(parents=True)
        for step, frame_77 in enumerate(frames_F77):
            padded = {"regions": np.stack([frame_77, frame_77])}
            write_frame(tmp_path / "groups" / str(number), 10 * step, (number,), padded)
    points_53 = np.column_stack([arrays()["inputs"], arrays()["targets"]])
    seen = {"regions": frames_F77[-1], "extent": np.array([-1.0, 1.0, -1.0, 1.0]), "points": points_53}
    rows = [{"member": place, "label": f"{place + 1} units", "seed": 0, "overrides": {}} | seen for place in (0, 1)]
    return results.Results(tmp_path, {"table": ("test_loss",)}, rows, [], arrays())


@pytest.mark.parametrize(
    ("name", "count"),
    [
        *(("perceptron", 3), ("xor", 3), ("error_surface", 11), ("two_minima", 11), ("momentum", 40)),
        *(("perceptron_vs_gradient_descent", 9), ("regions", 4)),
    ],
)
def test_frames_differ_and_nothing_lies_over_another_text(run, name, count):
    seen = []
    for figure in ANIMATIONS[name](run):
        if len(seen) in (0, count - 1):
            assert not overlaps(figure) and figure.axes[0].get_xlabel() and figure.axes[0].get_title()
        seen.append(figure.axes[0].get_title())
    assert count / 2 < len(set(seen)) == len(seen) <= count <= animations.MOST


MATRICES = {"confusion", "filters", "joint_space", "language_model", "spam", "translations"}  # no plane of two inputs


def test_every_figure_that_draws_a_map_or_a_boundary_of_a_plane_moves():
    of_a_plane = ("contourf(", "imshow(", "pcolormesh(", "plane.boundary(")
    folder = Path(animations.__file__).parent
    drawing = {
        path.stem
        for path in folder.glob("*.py")
        if any(mark in path.read_text(encoding="utf-8") for mark in of_a_plane)
    } - {"animations"}
    places = RUN_FIGURES | STUDY_FIGURES
    moving_files = {places[name].split(":")[0] for name in ANIMATIONS}
    assert drawing - MATRICES == moving_files - {"momentum"}  # a ball on a curve
    of_these = {name for name, place in places.items() if place.split(":")[0] in moving_files}
    assert of_these == set(ANIMATIONS)


def test_a_run_keeps_a_frame_at_every_evaluation_and_a_longer_one_adds_to_them(tmp_path):
    cadence = [f"--config.train.{name}=2" for name in ("eval_every", "log_every")]
    words = ["--config=underfit_overfit", "--sweep=false", f"--workdir={tmp_path / 'run'}", "--config.figures=()"]
    assert main([*words, *cadence, "--config.train.steps=4"]) == 0
    run = results.read(tmp_path / "run")
    steps, frames = read_frames(run.directory, "regions", 0)
    assert steps == [0, 2, 4] and np.array_equal(frames[-1], run.rows[0]["regions"])
    assert main([*words, *cadence, "--config.train.steps=6"]) == 0
    longer, again = read_frames(run.directory, "regions", 0)
    assert longer == [0, 2, 4, 6] and np.array_equal(again[2], frames[2])


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
