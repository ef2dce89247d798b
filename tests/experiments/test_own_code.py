"""A config file outside the clone brings records of its own; the run directory knows the file."""

import json
import runpy
import sys

import jax.numpy as jnp
import numpy as np
import pytest
from PIL import Image

from experiments import predict, run
from experiments.building.own_code import change_of, registry_of_run, with_own
from experiments.building.registry import REGISTRY
from experiments.figures import __main__ as figures

OWN = '''"""A laboratory of its own."""

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
import optax
from matplotlib.figure import Figure

from configs import base
from configs.base import CLASSIFICATION, Key
from configs.grid import axis
from experiments.building import supervised
from experiments.building.records import EXAMPLES, ROWS, Kind, Model, Registry, Use
from experiments.studies.base import Outcome, Study
from nn_core.data.dataset import make_dataset
from nn_core.optimizers import Rule
from nn_core.tasks.heads import Head

KEYS = {"name": Key("own_net", "a layer"), "width": Key(5, "units", "[1, inf)"), "activation": Key("cube", "of the layer")}


class OwnNet(nn.Module):
    num_outputs: int
    width: int
    activation: object

    @nn.compact
    def __call__(self, inputs_BD, deterministic=True):
        return nn.Dense(self.num_outputs)(self.activation(nn.Dense(self.width)(inputs_BD)))


def make(config, sizes):
    activation = sizes.activations[config.model.activation]
    return lambda hparams: OwnNet(sizes.num_outputs, config.model.width, activation)


def losses(logits_BC, labels_B, smoothing):
    return optax.softmax_cross_entropy_with_integer_labels(logits_BC, labels_B) ** 2


def correct(logits_BC, labels_B):
    return (jnp.argmax(logits_BC, axis=-1) == labels_B).astype(jnp.float32)


HEAD = Head(lambda num_classes: num_classes, losses, correct, scores=jax.nn.softmax)


def stripes(*, count: int = 40):
    rng = np.random.default_rng(0)
    labels = np.arange(count) % 2
    images = rng.uniform(0, 0.2, (count, 4, 4, 1))
    images[labels == 1, ::2] += 0.8
    return make_dataset(images, labels, target_names=("plain", "striped"))


def picture(results):
    figure = Figure()
    figure.subplots().plot([row["test_loss"] for row in results.rows])
    return figure


def count(config):
    return Outcome([{"label": "twice", "seed": 0, "value": 2.0 * config.task.number}], {})


def get_config():
    config = base.experiment()
    config.name = "own"
    config.task = base.section(CLASSIFICATION, name="squared")
    config.model = base.section(KEYS)
    config.data = base.examples("stripes", train=20, validation=10, test=10, count=40)
    config.data.batch_size = 10
    config.data.standardize = "none"
    config.optimizer.name = "signs"
    config.hparams.learning_rate = 0.01
    config.train.steps = 20
    config.train.eval_every = config.train.log_every = 10
    config.figures = ("picture",)
    return config


def get_sweep(config):
    return axis("seed", range(2))


def get_extensions():
    return Registry(
        models={"own_net": Model(KEYS, {EXAMPLES: Use(make, reads=ROWS)})},
        tasks={"squared": Kind(CLASSIFICATION, EXAMPLES, supervised.build, HEAD)},
        activations={"cube": lambda x: x**3},
        optimizers={"signs": lambda hparams: Rule(optax.scale_by_sign(), False, 1.0)},
        sources={"stripes": stripes},
        figures={"picture": picture},
        studies={"doubling": Study(count, settings={"number": ""}, columns=("value",), figures=())},
    )
'''


@pytest.fixture(scope="module")
def own(tmp_path_factory):
    folder = tmp_path_factory.mktemp("own")
    (folder / "lab.py").write_text(OWN, encoding="utf-8")
    assert run.main([f"--config={folder / 'lab.py'}", f"--workdir={folder / 'run'}"]) == 0
    return folder


def test_a_sweep_over_own_records_runs_and_draws(own):
    assert (own / "run" / "figures" / "picture.png").is_file()
    about = json.loads((own / "run" / "config.json").read_text(encoding="utf-8"))["extensions"]
    assert about["file"] == str((own / "lab.py").resolve()) and len(about["sha256"]) == 64


def test_a_stored_run_is_shown_again_and_predicts_with_its_own_code(own, capsys):
    assert run.main([f"--config={own / 'lab.py'}", f"--workdir={own / 'run'}"]) == 0
    assert "is finished" in capsys.readouterr().out
    pixels = np.zeros((4, 4), np.uint8)
    pixels[::2] = 230
    Image.fromarray(pixels).save(own / "new.png")
    assert predict.main([f"--checkpoint={own / 'run'}", "--member=1", "--top_k=1", str(own / "new.png")]) == 0
    assert '"label": "striped"' in capsys.readouterr().out


def test_its_own_figure_is_drawn_again(own):
    (own / "run" / "figures" / "picture.png").unlink()
    assert figures.main([f"--checkpoint={own / 'run'}", "picture"]) == 0
    assert (own / "run" / "figures" / "picture.png").is_file()


@pytest.mark.parametrize("place", ["/of/another machine/lab.py", "C:\\labs\\lab.py"])
def test_the_file_may_stand_where_the_command_is_typed(own, place, tmp_path, monkeypatch):
    """As after a run directory and its file were copied to another machine."""
    held = json.loads((own / "run" / "config.json").read_text(encoding="utf-8"))
    held["extensions"]["file"] = place
    monkeypatch.chdir(tmp_path)
    (tmp_path / "lab.py").write_text(OWN + "\n# another\n", encoding="utf-8")
    with pytest.raises(ValueError, match="lab.py is gone, .* in the folder where it now is"):
        registry_of_run(held)
    (tmp_path / "lab.py").write_text(OWN, encoding="utf-8")
    assert "cube" in registry_of_run(held).activations and change_of(held) is None


def test_a_file_that_has_changed_or_is_gone_is_told(own, capsys):
    asked = [f"--checkpoint={own / 'run'}", "--member=1", str(own / "new.png")]
    Image.fromarray(np.zeros((4, 4), np.uint8)).save(own / "new.png")
    (own / "lab.py").write_text(OWN + "\n# a change\n", encoding="utf-8")
    assert predict.main(asked) == 0 and "lab.py has changed since the run began" in capsys.readouterr().err
    again = [f"--config={own / 'lab.py'}", f"--workdir={own / 'run'}"]
    assert run.main(again) == 0
    told = capsys.readouterr()
    assert "is finished" in told.out and "lab.py has changed since the run began" in told.err
    (own / "lab.py").unlink()
    assert predict.main(asked) == 2 and "lab.py is gone" in capsys.readouterr().err
    (own / "moved.py").write_text(OWN, encoding="utf-8")
    assert run.main([f"--config={own / 'moved.py'}", f"--workdir={own / 'run'}"]) == 0
    told = capsys.readouterr()
    assert "is finished" in told.out and "changed" not in told.err
    (own / "moved.py").rename(own / "lab.py")


def test_a_study_of_ones_own_runs(own, tmp_path, capsys):
    text = OWN.replace("def get_config():", "def old():") + (
        "\n\ndef get_config():\n"
        "    config = base.study('doubling', {'number': 4})\n    config.figures = ()\n    config.table = ('value',)\n    return config\n"
    )
    (tmp_path / "study.py").write_text(text, encoding="utf-8")
    assert run.main([f"--config={tmp_path / 'study.py'}", f"--workdir={tmp_path / 'run'}", "--sweep=false"]) == 0
    assert "8" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('models={"own_net"', 'models={"mlp"', "'mlp' is already the name of one of the models"),
        (
            'activations={"cube"',
            'activations={"relu": jnp.sin, "cube"',
            "'relu' is already the name of one of the activ",
        ),
        ('figures={"picture"', 'figures={"confusion": picture, "picture"', "'confusion' is already the name of one of"),
        ('activations={"cube"', 'activations={"mine": 3, "cube"', "'mine' of activations is int; give a function"),
        ('models={"own_net"', 'models={"mine": 3, "own_net"', "'mine' of models is int; give a Model of"),
        ('studies={"doubling"', 'studies={"mine": 3, "doubling"', "'mine' of studies is int; give a Study of"),
        ("    return Registry(", "    return dict(", "get_extensions() returns dict; return a Registry"),
        ("def get_config():\n", "def get_config():\n    return {}\n", "get_config() returns dict; return a config of"),
        ('config.optimizer.name = "signs"', 'config.optimizer.name = "sings"', "did you mean signs?"),
    ],
)
def test_names_that_are_taken_are_refused_and_nothing_is_left(old, new, message, tmp_path, capsys):
    (tmp_path / "lab.py").write_text(OWN.replace(old, new), encoding="utf-8")
    assert run.main([f"--config={tmp_path / 'lab.py'}", f"--workdir={tmp_path / 'run'}"]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1 and not (tmp_path / "run").exists()


def test_it_may_import_the_files_beside_it_from_anywhere(tmp_path, monkeypatch, capsys):
    """In a folder with a blank, and with a name that another module has: that one stays what it is."""
    folder = tmp_path / "own ü"
    folder.mkdir()
    for name in ("cubes_of_mine", "json"):
        (folder / f"{name}.py").write_text("cube = lambda x: x**3\n", encoding="utf-8")
    text = """from configs import digits
from cubes_of_mine import cube
import json
from experiments.building.records import Registry

def get_config():
    config = digits.get_config()
    config.model.activation = "cube"
    return config

def get_extensions():
    return Registry(activations={"cube": cube if "dumps" in vars(json) else None})
"""
    (folder / "mine.py").write_text(text, encoding="utf-8")
    monkeypatch.setattr("sys.path", [*sys.path])
    words = [
        "--config.train.steps=2",
        "--config.train.eval_every=2",
        "--config.train.log_every=2",
        "--config.figures=()",
    ]
    assert run.main([f"--config={folder / 'mine.py'}", f"--workdir={tmp_path / 'run'}", *words]) == 0
    monkeypatch.delitem(sys.modules, "cubes_of_mine")
    held = json.loads((tmp_path / "run" / "config.json").read_text(encoding="utf-8"))
    assert float(registry_of_run(held).activations["cube"](2.0)) == 8.0


def test_nothing_outlives_the_command(own):
    assert with_own(None, own) is REGISTRY and "own_net" not in REGISTRY.models and "cube" not in REGISTRY.activations
    assert float(REGISTRY.activations["relu"](jnp.float32(-1))) == 0


def test_a_new_config_file_runs(tmp_path, capsys):
    path = tmp_path / "my_sweep.py"
    assert run.main([f"--new={path}"]) == 0 and f"--config={path}" in capsys.readouterr().out
    assert run.main([f"--new={path}"]) == 2 and "is there already" in capsys.readouterr().err
    assert run.main([f"--new={tmp_path / 'my-sweep.txt'}"]) == 2
    assert run.main([f"--new={tmp_path / 'b.py'}", "--config.train.steps", "5"]) == 2
    assert "does nothing else; leave --config.train.steps=5 out" in capsys.readouterr().err
    (tmp_path / "my files").mkdir()
    blank = tmp_path / "my files" / "a.py"
    assert run.main(["--new", str(blank)]) == 0 and f'experiments.run "--config={blank}"\n' in capsys.readouterr().out
    assert f'\npython -m experiments.run "--config={blank}"\n' in runpy.run_path(str(blank))["__doc__"]
    quick = ["--config.train.steps=2", "--config.train.eval_every=1", "--config.train.log_every=1", "--sweep=false"]
    assert run.main([f"--config={path}", f"--workdir={tmp_path / 'run'}", *quick]) == 0
    capsys.readouterr()
    assert run.main([f"--config={path}", f"--workdir={tmp_path / 'more'}", "--dry_run", "--config.num_seeds=8"]) == 0
    assert "sweep: 16 runs" in capsys.readouterr().out
    words = [f"--config={path}", f"--workdir={tmp_path / 'part'}", "--sweep=false", "--part=1/2"]
    assert run.main(words) == 2 and "--part=1/2 is for a sweep" in capsys.readouterr().err
