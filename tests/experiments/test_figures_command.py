"""The pictures of the notes from the command: PNG and vector, axes named, mistakes in one line."""

import pytest

from experiments.figures import __main__ as command
from experiments.figures.course import IMAGES, NOT_DRAWN, PICTURES, blocks, diagrams, learning
from nn_core.transfer.cases import CASES
from tests.experiments.boxes import faults


@pytest.mark.parametrize("name", ["activation_functions", "softmax", "causal_mask", "attention_weights"])
def test_every_axis_has_its_names(name):
    axes = [axis for axis in PICTURES[name].draw().axes if axis.get_label() != "<colorbar>"]
    for axis in axes:
        sharing = [other for other in axes if axis is other or axis.get_shared_y_axes().joined(axis, other)]
        assert any(other.get_ylabel() for other in sharing)
    assert any(axis.get_xlabel() for axis in axes)


def test_a_picture_is_written_as_png_and_as_vector(tmp_path, capsys):
    assert command.main([f"--workdir={tmp_path}", "softmax"]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"softmax.png", "softmax.pdf"}
    assert capsys.readouterr().out == f"figure: {tmp_path / 'softmax.png'}\n"


def test_the_shapes_of_the_block_are_those_of_the_module():
    shape = (blocks.BATCH, blocks.TIME, blocks.WIDTH)
    assert set(blocks.shapes().values()) == {shape}


def test_the_convolutional_network_is_drawn_with_its_shapes_and_parameters():
    (axes,) = PICTURES["convolutional_network"].draw().axes
    captions = " ".join(text.get_text() for text in axes.texts)
    assert "106,058" in axes.get_title()
    for words in ("14 × 14 × 16\n160 p", "7 × 7 × 32\n4,640 p", "3 × 3 × 64\n18,496 p", "128\n73,856 p", "10\n650 p"):
        assert words in captions


def test_training_error_falls_with_every_degree():
    train_N, test_N = learning.errors(seed=0)
    assert all(train_N[1:] <= train_N[:-1] + 1e-9) and test_N.argmin() < len(test_N) - 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["softmx"], "did you mean softmax"),
        (["--prompt=x", "softmax"], "--prompt has no effect without --checkpoint"),
        ([f"--workdir={__file__}/x", "softmax"], "cannot be written"),
    ],
)
def test_mistakes_end_in_one_line(words, message, capsys):
    assert command.main(words) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_every_image_of_the_notes_is_drawn_or_named_with_the_reason():
    assert len(IMAGES) + len(NOT_DRAWN) == 37 and not IMAGES.keys() & NOT_DRAWN.keys()
    assert set(IMAGES.values()) <= set(PICTURES) and all(NOT_DRAWN.values())


LOOKED_AT = ("transfer_guide", "transfer_cases", "transformer", "feed_forward", "transformer_families")  # quick ones


@pytest.mark.parametrize(
    "name", [name if name in LOOKED_AT else pytest.param(name, marks=pytest.mark.slow) for name in PICTURES]
)
def test_no_text_of_a_picture_lies_over_another(name):
    assert not faults(PICTURES[name].draw())


def test_what_the_transfer_pictures_say_is_what_the_rules_do():
    assert list(diagrams.fates(CASES[2])) == ["convolution 1", "new head"]
    kinds = {number: set(diagrams.fates(case).values()) for number, case in CASES.items()}
    assert kinds[1] == kinds[2] == {"frozen", "new, trained"}
    assert kinds[3] == {"trained from there", "new, trained"} and kinds[4] == {"new, trained"}
