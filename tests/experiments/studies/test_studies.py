"""Every study runs, here or beside its own tests, fills its table's columns, draws readable figures, and refuses in one line."""

from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ml_collections import config_dict

from experiments import studies
from experiments.figures import FIGURES
from experiments.run import main
from experiments.studies import transformer_parts
from nn_core.data.splits import SplitSizes, split_indices
from tests.experiments.studies.runs import IN_OWN_FILE, REDUCED, check_study, reduced, run_of

# Encoders that are trained, and many ways to decode, take seconds to compile.
LARGE = ("bert_quick", "contextual_vectors", "families", "generation", "transformer_parts")
SHOWN = [
    pytest.param(name, marks=[pytest.mark.slow] if name in LARGE else []) for name in REDUCED if name not in IN_OWN_FILE
]


@pytest.mark.parametrize("name", SHOWN)
def test_a_study_fills_the_columns_of_its_table_and_its_figures_name_their_axes(name):
    check_study(name)


def test_no_study_is_left_out():
    beside = {"distillation", "transfer"}  # which have reduced runs of their own
    assert REDUCED.keys() | beside == set(studies.NAMES) and not beside & REDUCED.keys()


def test_every_other_study_is_checked_in_one_file_beside_this_one():
    files = [
        path.read_text(encoding="utf-8")
        for path in Path(__file__).parent.glob("test_*.py")
        if path.name != "test_studies.py"
    ]
    for name in IN_OWN_FILE:
        assert sum("check_study(" in text and f'"{name}"' in text for text in files) == 1, name


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("bert_quick", {}),
        ("contextual_vectors", {}),
        ("attention_variants", {"task.variants": ("linear",)}),
        ("families", {"task.learning_rates": (6e-3,)}),  # the mean over the seeds would choose among several
    ],
)
def test_a_seed_among_others_is_the_seed_alone(name, changes):
    settings = REDUCED[name] | changes
    among = [row for row in run_of(name, settings).rows if row.get("seed") == 1]
    alone = [row for row in run_of(name, settings | {"seed": 1, "num_seeds": 1}).rows if row.get("seed") == 1]
    assert [row["label"] for row in among] == [row["label"] for row in alone] and among
    for one, other in zip(among, alone, strict=True):
        numbers = {key for key in one if isinstance(one[key], float)}
        assert numbers and all(one[key] == pytest.approx(other[key], rel=1e-5, abs=1e-7) for key in numbers)


def test_a_figure_is_drawn_by_its_own_study_only():
    assert studies.drawable("xor", FIGURES) == ["comparison", "xor"]
    others = studies.drawable("classification", FIGURES)
    of_studies = {figure for name in REDUCED for figure in studies.STUDIES[name].figures}
    assert "learning_curves" in others and not of_studies & set(others)


def test_the_command_prints_the_table_draws_and_then_knows_that_it_is_done(tmp_path, capsys):
    words = ["--config=worked_example", f"--workdir={tmp_path / 'run'}"]
    assert main(words) == 0
    first = capsys.readouterr().out
    assert "0.000456825" in first and (tmp_path / "run/figures/worked_example.png").stat().st_size > 10_000
    assert main(words) == 0
    again = capsys.readouterr().out
    assert "is finished" in again and "0.000456825" in again


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--config=perceptron", "--config.task.gates=('nandy',)"], "'nandy'"),
        (
            ["--config=perceptron", "--config.task.gaps=(0.1,-1.0)"],
            "task.gaps=(0.1, -1.0) must hold numbers in [0, 10]",
        ),
        (["--config=perceptron", "--config.task.gaps=()"], "task.gaps=() must hold numbers in [0, 10], at least one"),
        (["--config=perceptron", "--config.task.gaps=('a',)"], "must hold numbers in [0, 10]"),
        (["--config=perceptron", "--config.task.max_epochs=0"], "task.max_epochs=0 is outside [1, 100000]"),
        (["--config=perceptron", "--config.task.max_epoch=3"], "did you mean task.max_epochs"),
        (["--config=perceptron", "--config.table=('bond',)"], "did you mean bound?"),
        (["--config=perceptron", "--config.figures=('xor',)"], "config.figures='xor' is unknown"),
        (
            ["--config=perceptron", "--config.figures=('learning_curves',)"],
            "config.figures='learning_curves' is unknown",
        ),
        (["--config=digits", "--config.figures=('perceptron',)"], "config.figures='perceptron' is unknown"),
        (["--config=perceptron", "--config.task.name=momentum"], "use --config=configs/momentum.py"),
        (["--config=perceptron", "--config.task.name=classification"], "config.task.name='classification' is unknown"),
        (["--config=digits", "--config.task.name=perceptron"], "use --config=configs/perceptron.py"),
        (["--config=perceptron", "--config.seed=4294967290"], "exceeds 4294967296"),
        (["--config=perceptron_vs_gradient_descent", "--config.task.learning_rate=nan"], "is outside (0, inf)"),
        (["--config=xor", "--config.task.widths=(2,2.5)"], "must hold whole numbers"),
        (["--config=xor", "--config.task.momentum=1"], "task.momentum=1.0 is outside [0, 1)"),
        (["--config=error_surface", "--config.task.learning_rates=(1.0,)"], "must hold 3 numbers"),
        (["--config=momentum", "--config.task.starts_left=(-3.0,-5.0)"], "the lower one first"),
        (["--config=restarts", "--config.task.evaluations=30"], "does not pay for one descent of 31 evaluations"),
        (["--config=restarts", "--config.task.chains=(1,1000)", "--config.task.evaluations=2000"], "fewer than 3"),
        (["--config=likelihood", "--config.task.heads=10"], "task.heads=10 must be between 1 and 9"),
        (["--config=likelihood", "--config.task.learning_rate=8"], "must be below 8"),
        (["--config=bert_quick", "--config.task.width=12"], "config.task.width=12: the longest text has"),
        (["--config=bert_quick", "--config.task.whole_words=True"], "has no effect while words are tokens"),
        (["--config=bert_quick", "--config.task.pieces=20"], "config.task.pieces=20 is too small"),
        (["--config=contextual_vectors", "--config.task.width=12"], "config.task.width=12: the longest text has"),
        (
            ["--config=families", "--config.task.texts=300000"],
            "300,800 texts for generation, which has 200,000 different",
        ),
        (
            ["--config=families", "--config.task.labelled=5000"],
            "5,800 texts for classification, which has 5,000 different",
        ),
        (["--config=attention_variants", "--config.task.variants=()"], "config.task.variants=() is empty"),
        (["--config=attention_variants", "--config.task.positions=()"], "config.task.positions=() is empty"),
        (
            ["--config=attention_variants", "--config.task.lengths=(65536,)", "--config.task.heads=4096"],
            "takes at least",
        ),
        (
            ["--config=t5_quick", "--config.data.options.num_examples=50000"],
            "config.data.options.num_examples=50000 is out",
        ),
        (["--config=worked_example", "--config.task.inputs=(1.0,2.0,3.0)"], "differ in length"),
    ],
)
def test_every_mistake_is_one_line_and_exit_code_2(words, message, capsys, tmp_path):
    assert main([*words, f"--workdir={tmp_path / 'run'}"]) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1 and "Traceback" not in captured.err
    assert not (tmp_path / "run").exists()


def test_a_gradient_through_time_vanishes_explodes_or_is_carried_by_an_open_gate():
    """Large enough weights explode, small ones vanish, and a gate held open does neither (F114)."""
    rows = {row["label"]: row for row in reduced("gradient_by_lag").rows if row["seed"] == 0}
    assert rows["vanilla: weights x 0.8"]["lag_90"] < -6 and rows["vanilla: weights x 2"]["lag_90"] > 3
    assert all(abs(rows[f"{cell}: bias 4"]["lag_90"]) < 2 for cell in ("LSTM", "GRU"))


def test_the_factor_keeps_gradients_of_wide_heads_and_hardly_matters_in_narrow_ones():
    """F119, C15: at d_k = 64 softmax saturates without it; at 4 it does not yet."""
    rows = {(row["label"], row["seed"]): row for row in reduced("attention_scale").rows}
    for seed in (0, 1):
        wide, narrow = ([rows[f"{name}: d_k {width}", seed] for name in ("scaled", "not scaled")] for width in (64, 4))
        assert wide[0]["gradient"] > wide[1]["gradient"] and wide[0]["saturated"] < wide[1]["saturated"]
        assert wide[1]["largest_weight"] > 0.7 > wide[0]["largest_weight"] and narrow[1]["saturated"] < 0.05


@pytest.mark.slow
def test_ways_to_write_are_compared_on_the_same_prompts():
    """F197: the most probable tokens are more probable than draws, and every way but the text itself has its cost."""
    by_label = {}
    for row in reduced("generation").rows:
        by_label.setdefault(row["label"], []).append(row)
    assert len(by_label) == 8 and all(len(rows) == 2 for rows in by_label.values())
    for greedy, drawn in zip(by_label["greedy"], by_label["multinomial"], strict=True):
        assert greedy["log_probability"] > drawn["log_probability"]
    assert by_label["beam search 2"][0]["evaluations"] == 2 and "evaluations" not in by_label["the text itself"][0]


def test_images_are_standardized_by_those_that_are_learned():
    """F042: nothing of the test images is in the training, and their unit changes nothing."""
    task = config_dict.ConfigDict({name.removeprefix("task."): v for name, v in REDUCED["transformer_parts"].items()})
    rng = np.random.default_rng(0)
    images, labels = rng.normal(size=(85, 8, 8)).astype(np.float32), np.arange(85) % 10
    key = jax.random.key(1)
    sizes = SplitSizes(task.train_examples, task.validation_examples, task.test_examples)
    test_N = np.asarray(split_indices(jax.random.split(key, 3)[0], labels, sizes, transformer_parts.CLASSES)["test"])
    spoiled = images.copy()
    spoiled[test_N] *= 100
    model = transformer_parts.make_model(task, 1, True, True)
    run = jax.jit(lambda images: transformer_parts.learn(model, task, images, jnp.asarray(labels), key, 3e-3))
    plain, other, scaled = (jax.device_get(run(x)) for x in (images, spoiled, 3 * images + 7))
    assert plain["train_loss"] == other["train_loss"] and plain["test_loss"] != other["test_loss"]
    np.testing.assert_allclose(scaled["train_loss"], plain["train_loss"], rtol=1e-3)
