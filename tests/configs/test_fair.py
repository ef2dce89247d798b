"""Comparisons are fair: rows that cost differently say what they cost; fewer than eight seeds have a reason."""

import importlib
import re

import pytest

from experiments.command_line.arguments import CONFIGS
from experiments.studies import NAMES, STUDIES
from nn_core.evidence.statistics import MIN_SEEDS
from tests.experiments.test_sweep_figures import SWEEPS

# What a sweep varies -> the column that tells its cost.
COSTS = {
    **dict.fromkeys(("train.steps", "data.batch_size", "hparams.patience", "train.accumulate"), "gradients"),
    **dict.fromkeys(("model.name", "model.cell", "model.layers_num", "model.embedding_dim"), "parameters"),
}
# Studies whose settings do different amounts of work, and the column that says how much.
WORK = {
    "attention_variants": "milliseconds",
    "distillation": "gradients",
    "families": "parameters",
    "generation": "evaluations",
    "momentum": "gradients_needed",
    "perceptron": "epochs",
    "perceptron_vs_gradient_descent": "updates_total",
    "restarts": "evaluations",
    "transfer": "updates",
}
# The others: every setting takes the same steps on the same examples, or they are readings of one model.
SAME = {
    *("attention_scale", "bert_quick", "contextual_vectors", "document_vectors", "embeddings", "error_surface"),
    *("fasttext", "glove", "gradient_by_lag", "joint_space", "likelihood", "logistic_regression", "recommender"),
    *("spam", "transformer_parts", "word2vec", "worked_example", "xor"),
}


@pytest.mark.parametrize("name", SWEEPS)
def test_a_sweep_that_varies_the_work_tells_it(name):
    module = importlib.import_module(f"configs.{name}")
    config = module.get_config()
    sweep = module.get_sweep(config)
    varied = {path for one in sweep for path in one if len({repr(other.get(path)) for other in sweep}) > 1}
    assert {COSTS[path] for path in varied if path in COSTS} <= set(config.table)


def test_a_study_whose_settings_differ_in_work_tells_it():
    assert WORK.keys() | SAME == set(NAMES) and not WORK.keys() & SAME
    for name, column in WORK.items():
        table = importlib.import_module(f"configs.{name}").get_config().table
        assert column in STUDIES[name].columns and column in table, name


COMPARING = sorted({*SWEEPS, *NAMES} - {"worked_example"})  # nothing is random there


@pytest.mark.parametrize("name", COMPARING)
def test_a_comparison_has_eight_seeds_or_says_why_not(name):
    module = importlib.import_module(f"configs.{name}")
    config = module.get_config()
    sweep = module.get_sweep(config) if name in SWEEPS else [{"label": "one"}, {"label": "other"}]
    settings = {repr({path: value for path, value in one.items() if path != "seed"}) for one in sweep}
    text = (CONFIGS / f"{name}.py").read_text(encoding="utf-8")
    reason = re.search(r"num_seeds = \d+ +# \w+", text)
    assert config.num_seeds >= MIN_SEEDS or len(settings) == 1 or reason, f"{name} compares {config.num_seeds} seeds"
