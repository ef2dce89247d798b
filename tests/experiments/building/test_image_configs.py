"""Image models through the command: augmentation is for training only, and what does not fit is refused in one line."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs import base, digits_cnn
from experiments.building.experiment import build, set_hparams
from experiments.building.records import IMAGES
from experiments.building.registry import REGISTRY
from experiments.building.supervised import load_arrays
from experiments.run import main
from nn_core.tasks.heads import HEADS


def small_config():
    config = digits_cnn.get_config()
    config.model = base.cnn(channels=(3,), hidden_sizes=(5,))
    config.hparams.dropout_rate = None
    config.data.train, config.data.validation, config.data.test = 20, 10, 10
    config.data.batch_size = 20
    return config


def test_training_images_are_changed_by_the_key_and_evaluation_is_not():
    config = small_config()
    task, still = build(config).task, config.copy_and_resolve_references()
    still.data.augmentation.shift = 0
    plain = build(still)
    hparams = {name: jnp.float32(value) for name, value in set_hparams(config).items()}

    @jax.jit
    def start(data):
        data = data | task.prepare(data, jax.random.key(0))
        params = task.init(jax.random.key(1), hparams)
        return data, params, [one.evaluate(params, data, hparams, "train")["loss"][0] for one in (task, plain.task)]

    @jax.jit
    def losses(data, seed):
        batch = task.batch(data, {"indices": jnp.arange(20)})
        return [one.loss(params, batch, hparams, jax.random.key(seed))[0] for one in (task, plain.task)]

    data, params, found = jax.device_get(start(plain.data))
    changed, still = zip(*(losses(data, seed) for seed in (2, 3, 2)), strict=True)
    assert changed[0] != changed[1] and changed[0] == changed[2]
    assert still[0] == still[1] == still[2] != changed[0]
    assert found[0] == found[1] and np.isclose(found[0] / 20, still[0], rtol=1e-5)


@pytest.mark.parametrize("name", ["cnn", "vit"])
@pytest.mark.parametrize(("data", "shape"), [("digits", (1797, 8, 8, 1)), ("shapes", (12, 28, 28, 1))])
def test_images_reach_the_models_as_images(name, data, shape):
    config = small_config()
    config.model = getattr(base, name)()
    config.data.name = data
    if data == "shapes":
        config.data.options.num_examples = 12
    inputs, targets, _ = load_arrays(config, HEADS["classification"], IMAGES, REGISTRY)
    assert inputs.shape == shape and len(targets) == shape[0]
    assert inputs.min() >= 0 and inputs.max() <= 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--config.data.standardize=feature"], "use data.standardize='all' or 'none'"),
        (["--config.data.augmentation.shift=8"], "config.data.augmentation.shift=8 must be below the sides of (8, 8)"),
        (["--config.data.augmentation.crop=0.0"], "config.data.augmentation.crop=0.0 is outside (0, 1]"),
        (["--config.data.augmentation.flip=2.0"], "config.data.augmentation.flip=2.0 is outside [0, 1]"),
        (["--config.model.channels=(4,4,4,4)"], "images of 8 x 8 are too small for 4 convolutions"),
        (["--config.model.channels=(4,0)"], "config.model.channels=(4, 0) must hold whole numbers >= 1"),
        (["--config.model.kernel_size=0"], "config.model.kernel_size=0 is outside [1, inf)"),
        (["--config.model.normalization=batch"], "normalization='batch' is unknown"),
        (["--config.model.normalization=group", "--config.model.num_groups=5"], "num_groups=5 does not divide 32"),
        (["--config.model.activation=rely"], "did you mean relu"),
        (
            ["--config.data.name=iris", "--config.data.train=64", "--config.data.validation=9", "--config.data.test=9"],
            "config.model.name='cnn' reads images and data 'iris' has rows of 4 numbers",
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(words, message, tmp_path, capsys):
    assert main(["--config=configs/digits_cnn.py", f"--workdir={tmp_path / 'run'}", *words]) == 2
    err = capsys.readouterr().err
    assert message in err and err.count("\n") == 1
    assert not (tmp_path / "run").exists()
