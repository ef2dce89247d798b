import jax
import numpy as np
import pytest

from nn_core.data.sequence_sources import load_sequences
from nn_core.data.sequences import END_ID, PAD_ID, START_ID
from nn_core.generation.decode import completions, generate
from nn_core.models.embeddings import Embedding
from nn_core.models.recurrent.layers import Recurrent
from nn_core.models.recurrent.networks import SequenceToSequence, make_sequence_decoder
from nn_core.tasks.records import Trained
from nn_core.tasks.sequence_records import decoded, fit_linear, forecasts, word_table
from tests.jitted import drawn, method

SEASON, WINDOW = 5, 7
HORIZON = 11


def series(noise):
    """A sawtooth with noise, its windows, and the splits in the order of time."""
    values = np.arange(60) % SEASON + noise * np.random.default_rng(0).normal(size=60)
    windows = np.lib.stride_tricks.sliding_window_view(values.astype(np.float32), WINDOW + 1)
    places = np.arange(len(windows))
    data = {"inputs": windows[:, :-1, None], "targets": windows[:, -1]}
    return data | {"train": places[:20], "validation": places[20:36], "test": places[36:]}, windows


@jax.jit
def forecasts_of_last_season(data, linear_X):
    """Of a model that repeats the value of a season ago."""
    trained = Trained(lambda inputs: inputs[:, -SEASON], None, data, 0)
    return forecasts(trained, linear_X, season=SEASON, horizon=HORIZON, num_paths=200)


def test_a_model_that_repeats_the_season_is_the_seasonal_forecast():
    data, windows = series(0.3)
    found = forecasts_of_last_season(data, fit_linear(windows[:20, :-1], windows[:20, -1]))
    errors = windows[36:, -1 - SEASON] - windows[36:, -1]
    np.testing.assert_allclose(found["rmse"], np.sqrt(np.mean(errors**2)), rtol=1e-5)
    assert found["rmse"] == found["season_rmse"] and found["last_value_rmse"] > 1
    noise = np.sqrt(np.mean((windows[20:36, -1 - SEASON] - windows[20:36, -1]) ** 2))
    low, median, high, truth = np.asarray(found["horizon"]).T
    np.testing.assert_array_equal(truth, windows[36:47, -1])
    # One step ahead the paths are the forecast and its noise: half of the band is 1.645 of its deviation.
    assert 0.7 < (high - low)[0] / (2 * 1.645 * noise) < 1.3
    assert abs(median[0] - windows[36, -1 - SEASON]) < 0.3 * noise
    # Ten steps ahead two noises have been added, after a season one: sqrt(3) against 1 is less than 1.3 against 0.7.
    assert (high - low)[10] > 1.2 * (high - low)[0]
    assert 0.6 <= float(found["coverage"]) <= 1


def test_a_model_that_is_right_has_no_error_and_no_band():
    data, windows = series(0.0)
    found = forecasts_of_last_season(data, fit_linear(windows[:20, :-1], windows[:20, -1]))
    for name in ("rmse", "season_rmse", "horizon_season_rmse"):
        assert float(found[name]) == 0, name
    assert float(found["linear_rmse"]) < 1e-4 and float(found["horizon_rmse"]) < 1e-5
    assert np.ptp(np.asarray(found["horizon"]), axis=1).max() < 1e-5


def test_the_table_of_words_is_the_most_frequent_tag():
    data = {
        "inputs": np.array([[1, 2], [1, 2], [1, 0], [2, 1], [1, 0]]),
        "targets": np.array([[0, 2], [0, 1], [1, -1], [2, 0], [1, -1]]),
        "train": np.array([0, 1, 2, 3]),
        "test": np.array([4, 3, 1]),
    }
    # Word 1 is mostly 0, word 2 mostly 2: right on (2, 0) of the fourth, on 0 of the second, on nothing of the last.
    found = jax.jit(word_table, static_argnums=(1, 2))(data, 3, 3)
    np.testing.assert_allclose(found["table_accuracy"], 3 / 5)


EXAMPLES = 24


@pytest.fixture(scope="module")
def translator():
    """A model, its parameters, sequences, and `decoded` of these parameters and of their negatives, as one program."""
    found = load_sequences("addition", num_examples=40, max_digits=1)
    model = SequenceToSequence(
        Recurrent("gru", 9), Recurrent("gru", 9), Embedding(14, 5), Embedding(14, 5), source_pad_id=0
    )
    inputs = tuple(map(np.asarray, found.inputs))
    params = drawn(model, inputs, stddev=0.5)["params"]
    data = {"inputs": inputs, "targets": np.asarray(found.targets), "test": np.arange(40)}
    two = jax.tree.map(lambda leaf: np.stack([leaf, -leaf]), params)

    def tell(params, data):
        ids = {"start_id": START_ID, "end_id": END_ID, "pad_id": PAD_ID}
        asked = {"num_examples": EXAMPLES, "num_beams": 3, "length_penalty": 1.0}
        return decoded(make_sequence_decoder(model), params, data, **asked, **ids)

    population = jax.jit(jax.vmap(tell, in_axes=(0, None)))
    return model, params, data, lambda data: jax.device_get(population(two, data))


def test_decoding_inside_a_program_is_decoding(translator):
    model, params, data, tell = translator
    found, other = tell(data)["decoded"]
    source_NS = data["inputs"][0][:EXAMPLES]
    starts = [[START_ID]] * EXAMPLES
    made = completions(
        generate(make_sequence_decoder(model), (params, source_NS), starts, max_new_tokens=3, eos_id=END_ID)
    )
    for texts, source, ids in zip(found, source_NS, made, strict=True):
        np.testing.assert_array_equal(texts[0][: len(source)], source)
        assert texts[1][: len(ids)].tolist() == ids and (texts[1][len(ids) :] == 0).all()
    assert (other[:, 1:] != found[:, 1:]).any()


def test_greedy_decoding_is_exact_where_teacher_forcing_is(translator):
    """The claim that "exact" of the task rests on: it needs no decoding to know what greedy decoding would write."""
    model, params, data, tell = translator
    greedy = tell(data)["decoded"][0, :, 1]
    # Take as truth what it writes itself for every second source: it is right there, whatever else it does.
    half = np.arange(EXAMPLES) % 2 == 0
    ended = np.cumsum(greedy == END_ID, axis=1) - (greedy == END_ID)
    truth = np.where(ended > 0, -1, greedy)
    truth = np.where(half[:, None], truth, data["targets"][:EXAMPLES])
    targets = np.concatenate([truth, data["targets"][EXAMPLES:]]).astype(data["targets"].dtype)
    read = np.concatenate([np.full((40, 1), START_ID), np.maximum(targets, 0)[:, :-1]], axis=1)
    changed = data | {"inputs": (data["inputs"][0], read.astype(data["inputs"][1].dtype)), "targets": targets}
    found = tell(changed)
    forced = np.argmax(method(model)({"params": params}, changed["inputs"]), axis=-1)[:EXAMPLES]
    assert forced.shape == truth.shape
    exact = np.all((forced == truth) | (truth < 0), axis=1)
    assert 0.5 <= np.mean(exact) < 1
    np.testing.assert_allclose(found["greedy_exact"][0], np.mean(exact))
