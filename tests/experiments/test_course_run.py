"""The course's character GPT as a run: its numbers, its chart, its device, and what its attention looks at."""

import io

import jax
import numpy as np
from matplotlib.colors import same_color

from configs import gpt_shakespeare
from experiments.command_line.arguments import OPTIONS, parse
from experiments.figures import FIGURES
from experiments.figures.language_model import attention
from experiments.figures.style import COLOURS
from experiments.run import main
from experiments.run_directory import results
from nn_core.models.transformer.language_model import attention_maps
from tests.experiments import tiny


def test_it_has_the_seven_keys_and_the_hyper_parameters_of_the_notes():
    """F133, F155: of the seven, the vocabulary is the text's; the notes name all and give no number but the context."""
    config = gpt_shakespeare.get_config()
    keys = {"embedding_dim", "heads_num", "layers_num", "use_bias"}
    assert keys <= set(config.model) and config.data.context_size == 64 and config.hparams.dropout_rate > 0
    assert (config.data.batch_size, config.train.steps) == (64, 5000)
    assert (config.train.sample_every, config.train.eval_every, config.train.log_every) == (100, 10, 1)
    assert (config.sample.prompt, config.data.split_ratio) == ("\n", 0.9)
    assert (config.optimizer.name, config.hparams.learning_rate) == ("adamw", 1e-3)
    assert parse(["--config=gpt_shakespeare", "--config.train.steps=200"], OPTIONS).config.train.steps == 200


def test_its_chart_is_the_one_of_the_notes_over_steps(tiny_run):
    """F166, S47: two labelled lines over the steps at which they were measured, drawn without a display."""
    figure = FIGURES["training_and_validation_loss"](results.read(tiny_run))
    (axes,) = figure.axes
    assert tuple(figure.get_size_inches()) == (7, 5)
    assert axes.get_title() == "Training and Validation Loss" and axes.get_xlabel() == "step"
    rows = results.read(tiny_run).metrics
    lines = zip(axes.get_lines(), ("batch_loss", "validation_loss"), ([1, 2, 3, 4, 5, 6], [0, 3, 6]), strict=True)
    for line, column, steps in lines:
        assert line.get_xdata().tolist() == steps
        np.testing.assert_allclose(line.get_ydata(), [row[column] for row in rows if column in row])
    assert not same_color(COLOURS[0], COLOURS[1])
    legend = axes.get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["Training Loss", "Validation Loss"]
    assert legend._loc == legend.codes["center left"]
    assert all(line.get_visible() for line in axes.xaxis.get_gridlines() + axes.yaxis.get_gridlines())
    written = io.BytesIO()
    figure.savefig(written, format="png")
    assert written.getvalue().startswith(b"\x89PNG")


def test_it_says_on_which_device_it_runs(tiny_run, capsys):
    """F160: the tests run with JAX_PLATFORMS=cpu; a finished run is described by the same line."""
    assert jax.devices()[0].platform == "cpu"
    assert main([*tiny.arguments(tiny_run.parent, workdir=tiny_run), "--dry_run"]) == 0
    assert "run: 1 device (cpu)" in capsys.readouterr().out


def test_each_row_of_its_attention_is_named_by_its_token(tiny_model):
    """F123: a map for each layer and head; the root of the weights is drawn, and nothing above the diagonal."""
    prompt = "the cat"
    figure = attention(tiny_model, prompt)
    heads = [axes for axes in figure.axes if axes.get_title().startswith("layer ")]
    maps = np.asarray(attention_maps(tiny_model.module, tiny_model.params, tiny_model.tokenizer.encode(prompt)[None]))
    assert len(heads) == maps.shape[0] * maps.shape[2]
    for axes, map_TT in zip(heads, maps[:, 0].reshape(-1, *maps.shape[3:]), strict=True):
        assert [label.get_text() for label in axes.get_yticklabels()] == list(prompt.replace(" ", "␣"))
        drawn_TT = axes.images[0].get_array()
        np.testing.assert_allclose(drawn_TT**2, map_TT, atol=1e-6)
        assert not np.triu(drawn_TT, 1).any()


def test_its_results_say_whether_tokens_or_positions_dominate(tiny_run, tiny_model):
    """F127: the ratio of the trained vectors over the first window of the validation text."""
    (row,) = results.read(tiny_run).rows
    ids = tiny_model.tokenizer.encode(tiny.TEXT[int(0.9 * len(tiny.TEXT)) :])[None, : tiny.CONTEXT]
    tables = [tiny_model.params[f"{name}_embedding"]["embedding"] for name in ("token", "position")]
    tokens, positions = (np.linalg.norm(table, axis=-1) for table in tables)
    np.testing.assert_allclose(row["embedding_ratio"], tokens[ids].mean() / positions.mean(), rtol=1e-5)
