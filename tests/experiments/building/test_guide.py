"""experiments/README.md, followed literally: each block is a file that somebody writes, and then it is used."""

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from configs import base
from experiments.building.experiment import build
from experiments.building.records import Registry, extended
from experiments.building.registry import REGISTRY
from experiments.command_line.config_paths import apply
from experiments.report.claims import TABLES
from experiments.run_directory.results import Results
from experiments.training.plan import expand, group
from experiments.training.population import cut, train_population
from nn_core.evidence.claims import measure
from nn_core.formulas.checks import check

GUIDE = Path(__file__).parents[3] / "experiments" / "README.md"


@pytest.fixture
def block(tmp_path):
    """Writes a block of the guide to the file that it names, and imports it."""
    blocks = re.findall(r"```python\n# (\w+)\.py\n(.*?)```", GUIDE.read_text(encoding="utf-8"), flags=re.S)

    def read(name: str) -> ModuleType:
        path = tmp_path / f"{name}.py"
        path.write_text(dict(blocks)[name], encoding="utf-8")
        spec = importlib.util.spec_from_file_location(name, path)
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # Linen looks a module's annotations up there
        spec.loader.exec_module(module)
        return module

    yield read
    for name, _ in blocks:
        sys.modules.pop(name, None)


def small_config():
    config = base.experiment()
    config.data = base.examples("iris", train=61, validation=31, test=29)
    config.data.batch_size = 17
    config.hparams.learning_rate = 1e-2
    config.train.steps = config.train.eval_every = config.train.log_every = 2
    return config


def train(config, registry, folder):
    """The row of a run that is checked, built, trained for two steps and judged as the command does it."""
    groups = group(expand(config, None), registry)
    (population,) = cut(groups, folder, config)
    (row,) = train_population(population, lambda: False)
    return row


def test_a_model(block, tmp_path):
    own = block("own_model")
    registry = extended(REGISTRY, Registry({"maxout": own.MODEL}, {}))
    config = small_config()
    config.model = base.section(own.KEYS, width=5)
    row = train(config, registry, tmp_path / "run")
    assert row["status"] == "finished" and np.isfinite(row["test_loss"])
    config.model.pieces = 0
    with pytest.raises(ValueError, match=r"config.model.pieces=0 is outside \[1, inf\)"):
        build(config, registry)
    with pytest.raises(ValueError, match="config.model.name='maxout' is unknown; there are: mlp, cnn"):
        build(config)  # what is extended is a copy


def test_a_loss(block, tmp_path):
    own = block("own_loss")
    registry = extended(REGISTRY, Registry({}, {"focal": own.TASK}))
    config = small_config()
    config.task = base.classification("focal")
    config.model = base.mlp((5,))
    assert train(config, registry, tmp_path / "run")["test_accuracy"] >= 0


def test_a_study_and_its_figure(block, tmp_path):
    study, figure = block("own_study").STUDY, block("own_figure").coin
    config = base.study("coin", {"tosses": 10, "probability": 0.5})
    assert set(config.task) == {"name", *study.settings}
    outcome = study.run(config)
    assert len(outcome.rows) == config.num_seeds and set(study.columns) <= set(outcome.rows[0])
    run = Results(tmp_path, config.to_dict(), outcome.rows, [], outcome.arrays)
    assert figure(run).axes[0].get_xlabel() == "share of heads"


def test_records_of_a_config_file(block, tmp_path):
    own = block("own_extensions")
    config = own.get_config()
    config.train.steps = config.train.eval_every = config.train.log_every = 2
    row = train(config, extended(REGISTRY, own.get_extensions()), tmp_path / "run")
    assert row["status"] == "finished" and np.isfinite(row["test_loss"])


def test_a_claim_and_a_formula(block):
    rows = block("own_rows")
    (part,) = rows.CLAIM.parts
    assert rows.CLAIM.section in {section.slug for section in TABLES.sections}
    seen = [
        {"setting": name, "seed": seed, "status": "finished", "heads": heads, "validation_loss": 0.0}
        for name, heads in (("favoured", 0.8), ("fair", 0.5))
        for seed in range(3)
    ]
    found = measure(seen, part)
    assert np.allclose(np.subtract(found.a, found.b), 0.3)
    assert check([rows.FORMULA])[0].failure == ""


def test_a_name_that_is_taken_is_refused():
    with pytest.raises(ValueError, match="'mlp' is already the name of one of the models"):
        extended(REGISTRY, Registry({"mlp": REGISTRY.models["mlp"]}, {}))


def test_every_model_is_made_by_the_section_that_base_declares():
    for name, model in REGISTRY.models.items():
        assert model.keys["name"].default == name and model.serves


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model.name": "vit"}, "config.model.name='vit' does not go with this config, whose model lacks layers_num"),
        (
            {"task.name": "forecasting"},
            "config.task.name='forecasting' does not go with this config, whose task lacks season",
        ),
        ({"model.hidden_sizes": (3, 1.5)}, "config.model.hidden_sizes=(3, 1.5) must hold whole numbers >= 1"),
        ({"model.name": "gpt"}, "config.model.name='gpt' does not go with this config"),
    ],
)
def test_what_does_not_go_together_is_told(change, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        build(apply(small_config(), change))
