"""Encoder-decoders: leaks by gradients, sources behind their padding, the cache of the source, every setting decoded."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nn_core.generation import beam
from nn_core.generation.beam import beam_search
from nn_core.generation.decode import begin, completions, generate, generate_chunk, result
from nn_core.generation.filters import Sampling
from nn_core.models.transformer.encoder_decoder import EncoderDecoder
from nn_core.models.transformer.translation import attention_maps, make_decoder, unstack_towers
from tests.jitted import drawn, method

V, CONTEXT, D, S, T = 17, 13, 12, 7, 5
START, END = 1, 2
rng = np.random.default_rng(0)
SOURCE = rng.integers(3, V, (3, S)).astype(np.int32)
SOURCE[1, 4:] = 0
SOURCE[2, 6:] = 0
TARGET = rng.integers(3, V, (3, T)).astype(np.int32)

ORIGINAL = EncoderDecoder(V, CONTEXT, D, 3, 2, norm_position="post", activation=jax.nn.relu)
T5 = EncoderDecoder(
    V,
    CONTEXT,
    D,
    3,
    2,
    position="relative",
    norm="rms",
    use_bias=False,
    ffn="geglu",
    head_features=6,
    scale_scores=False,
    scale_embedding=False,
    tied_head=False,
)
BART = EncoderDecoder(
    V, CONTEXT, D, 3, 2, position="learned", norm_position="post", embedding_norm=True, head_bias=True,
    scale_embedding=False,
)  # fmt: skip
LINEAR = EncoderDecoder(V, CONTEXT, D, 3, 1, position="rotary", attention="linear", attention_dropout=False)
LOCAL = EncoderDecoder(V, CONTEXT, D, 3, 1, position="alibi", window=3, global_tokens=1, kv_heads_num=1)
MODELS = {"original": ORIGINAL, "t5": T5, "bart": BART, "linear": LINEAR, "local": LOCAL}
DECODERS = {name: make_decoder(model) for name, model in MODELS.items()}


def params_of(name: str) -> dict:
    return drawn(MODELS[name], (SOURCE, TARGET), stddev=0.5)["params"]


def logits_of(name: str, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    return np.asarray(method(MODELS[name])({"params": params_of(name)}, (source, target)))


@pytest.mark.parametrize("name", ["original", "t5"])
def test_a_target_token_sees_no_later_one_and_all_of_the_source(name: str) -> None:
    model, params = MODELS[name], jax.tree.map(jnp.asarray, params_of(name))
    tables = {"source": params["token_embedding"]["embedding"]}
    params = {**params, "target_embedding": params["token_embedding"]}
    model = model.clone(target_vocabulary_size=V)
    tables["target"] = params["target_embedding"]["embedding"]
    source, target = np.arange(3, 3 + S, dtype=np.int32)[None], np.arange(3, 3 + T, dtype=np.int32)[None]

    def probe(tables: dict, place: int) -> jax.Array:
        changed = {
            **params,
            "token_embedding": {"embedding": tables["source"]},
            "target_embedding": {"embedding": tables["target"]},
        }
        hidden = model.apply({"params": changed}, source, method="encode")
        read = model.apply({"params": changed}, target, hidden, (source > 0)[:, None, None], method="decode")
        return jnp.sum(read[0, place] * jnp.arange(1.0, D + 1))

    slopes = jax.jit(jax.vmap(jax.grad(probe), (None, 0)))(tables, np.arange(T))
    seen_TT = np.abs(np.asarray(slopes["target"])[:, 3 : 3 + T]).sum(axis=2)
    assert not np.triu(seen_TT, 1).any()
    assert (np.tril(seen_TT) > 0).sum() == T * (T + 1) // 2
    assert (np.abs(np.asarray(slopes["source"])[:, 3 : 3 + S]).sum(axis=2) > 0).all()


def test_no_bit_depends_on_what_stands_behind_a_source() -> None:
    table = np.array(params_of("original")["token_embedding"]["embedding"])
    table[0] += 7.0
    changed = {**params_of("original"), "token_embedding": {"embedding": table}}
    outputs = np.asarray(method(ORIGINAL)({"params": changed}, (SOURCE, TARGET)))
    # The head is tied to the table: only the logit of the padding itself is another one.
    np.testing.assert_array_equal(outputs[..., 1:], logits_of("original", SOURCE, TARGET)[..., 1:])


@pytest.mark.parametrize("name", MODELS)
def test_greedy_decoding_with_the_cache_takes_the_whole_networks_most_probable_tokens(name: str) -> None:
    generation = generate(DECODERS[name], (params_of(name), SOURCE), [[START]] * 3, max_new_tokens=8)
    texts = np.asarray([[START, *text] for text in completions(generation)], np.int32)
    logits = logits_of(name, SOURCE, texts)[:, :-1]
    np.testing.assert_array_equal(logits.argmax(axis=-1), texts[:, 1:])
    expected = np.take_along_axis(np.asarray(jax.nn.log_softmax(logits)), texts[:, 1:, None], -1)[..., 0]
    np.testing.assert_allclose(np.asarray(generation.log_probs_BN)[:, :8], expected, atol=2e-5)


def test_a_prompt_is_read_into_the_cache_and_the_window_moves_on() -> None:
    prompts = [[START, 5, 6, 7], [START], [START, 9]]
    generation = generate(DECODERS["t5"], (params_of("t5"), SOURCE), prompts, max_new_tokens=30)
    texts = completions(generation)
    assert [len(text) for text in texts] == [30] * 3
    for row, prompt in enumerate(prompts):
        text = np.asarray([prompt + texts[row]], np.int32)[:, :CONTEXT]
        logits = logits_of("t5", SOURCE[row : row + 1], text)[0]
        np.testing.assert_array_equal(logits.argmax(axis=-1)[len(prompt) - 1 : -1], text[0, len(prompt) :])


def test_one_beam_is_greedy_and_pieces_are_the_whole() -> None:
    params = (params_of("original"), SOURCE)
    greedy = generate(DECODERS["original"], params, [[START]] * 3, max_new_tokens=9, eos_id=END)
    beam = beam_search(DECODERS["original"], params, [[START]] * 3, num_beams=1, max_new_tokens=9, eos_id=END)
    np.testing.assert_array_equal(beam.ids_PKN[:, 0], greedy.ids_BN)
    options = {"key": jax.random.key(3), "sampling": Sampling(top_k=5), "max_new_tokens": 9, "eos_id": END}
    whole = generate(DECODERS["original"], params, [[START]] * 3, num_return_sequences=2, **options)
    request, progress = begin(DECODERS["original"], params, [[START]] * 3, num_return_sequences=2, **options)
    for count in (2, 1, 6):
        progress = generate_chunk(DECODERS["original"], params, request, progress, count)
    np.testing.assert_array_equal(result(progress).ids_BN, whole.ids_BN)


def test_beams_change_places_and_leave_the_source_where_it_is() -> None:
    decoder = DECODERS["original"]
    cache = decoder.init_cache((params_of("original"), SOURCE), 3)
    moved = decoder.reorder(cache, jnp.array([2, 0, 1]))
    for (path, before), after in zip(
        jax.tree.leaves_with_path(cache.layers), jax.tree.leaves(moved.layers), strict=True
    ):
        if path[-1].key in ("memory_key", "memory_value"):
            assert after is before
        else:
            np.testing.assert_array_equal(after, np.asarray(before)[[2, 0, 1]])
    assert moved.keep_BS is cache.keep_BS


def test_rows_of_one_source_share_its_keys_and_write_what_rows_of_their_own_write() -> None:
    decoder, params = DECODERS["original"], params_of("original")
    shared = decoder.repeat(decoder.init_cache((params, SOURCE), 3), 2)
    own = decoder.init_cache((params, np.repeat(SOURCE, 2, axis=0)), 6)
    assert sum(leaf.shape[0] == 3 for leaf in jax.tree.leaves(shared.layers)) >= 2
    ids_B = np.array([START, 4, START, 5, 6, 4], np.int32)
    for position in range(3):
        places_B = np.full(6, position, np.int32)
        shared, found_BV = decoder.step((params, SOURCE), shared, ids_B, places_B)
        own, expected_BV = decoder.step((params, SOURCE), own, ids_B, places_B)
        np.testing.assert_allclose(found_BV, expected_BV, rtol=1e-5, atol=1e-6)
        ids_B = np.asarray(expected_BV.argmax(axis=-1), np.int32)


def test_beams_of_many_sources_find_what_beams_of_one_find(monkeypatch: pytest.MonkeyPatch) -> None:
    """Their limits differ: when most searches have ended the batch shrinks, and each keeps its own source."""
    monkeypatch.setattr(beam, "MANY_PROMPTS", 16)
    rng, params = np.random.default_rng(3), params_of("original")
    sources = rng.integers(3, V, (17, S)).astype(np.int32)
    prompts = [[START, *range(3, 3 + row % 9)] for row in range(17)]
    options = {"num_beams": 3, "max_length": 11, "num_return_sequences": 1}
    many = beam_search(make_decoder(ORIGINAL), (params, sources), prompts, **options)
    assert set(np.asarray(many.lengths_PK[:, 0]).tolist()) == set(range(2, 11))
    for row in (0, 1, 5, 8, 9, 16):
        one = beam_search(DECODERS["original"], (params, sources[row : row + 1]), prompts[row : row + 1], **options)
        length = int(one.lengths_PK[0, 0])
        np.testing.assert_array_equal(one.ids_PKN[0, 0, :length], many.ids_PKN[row, 0, :length])
        np.testing.assert_allclose(one.scores_PK[0], many.scores_PK[row], rtol=1e-5)


def test_a_wide_beam_finds_what_exhaustive_search_finds() -> None:
    tiny = EncoderDecoder(4, 4, 4, 1, 1)
    source = np.array([[3, 1, 2]], np.int32)
    params = drawn(tiny, (source, source), stddev=1.0)["params"]
    length, texts = 3, []
    logits = method(tiny)
    every = np.stack(np.meshgrid(*[np.arange(4)] * length, indexing="ij"), -1).reshape(-1, length)
    targets = np.concatenate([np.full((64, 1), START), every], axis=1).astype(np.int32)
    log_probs = np.asarray(jax.nn.log_softmax(logits({"params": params}, (np.repeat(source, 64, 0), targets))))
    texts = np.take_along_axis(log_probs[:, :-1], targets[:, 1:, None], -1)[..., 0].sum(axis=1)
    search = beam_search(make_decoder(tiny), (params, source), [[START]], num_beams=64, max_new_tokens=length)
    np.testing.assert_array_equal(np.asarray(search.ids_PKN)[0, 0, :length], every[texts.argmax()])
    np.testing.assert_allclose(np.asarray(search.log_probs_PK)[0, :64], np.sort(texts)[::-1], atol=1e-5)


def test_attention_maps_are_weights_that_see_no_padding_and_no_later_token() -> None:
    maps = attention_maps(ORIGINAL, params_of("original"), SOURCE, TARGET)
    assert {name: x.shape for name, x in maps.items()} == {
        "encoder": (2, 3, 3, S, S),
        "decoder": (2, 3, 3, T, T),
        "cross": (2, 3, 3, T, S),
    }
    for weights in maps.values():
        np.testing.assert_allclose(np.asarray(weights).sum(axis=-1), 1.0, atol=1e-5)
    assert not np.triu(np.asarray(maps["decoder"]), 1).any()
    assert not np.asarray(maps["cross"])[:, 1, :, :, 4:].any()
    with pytest.raises(ValueError, match="no softmax weights"):
        attention_maps(LINEAR, params_of("linear"), SOURCE, TARGET)


def test_scanned_layers_are_the_same_function_and_decode_alike() -> None:
    scanned = T5.clone(scan_layers=True, remat=True)
    params = drawn(scanned, (SOURCE, TARGET), stddev=0.5)["params"]
    flat = unstack_towers(params)
    np.testing.assert_allclose(
        method(T5)({"params": flat}, (SOURCE, TARGET)), method(scanned)({"params": params}, (SOURCE, TARGET)), atol=1e-5
    )
    options = {"max_new_tokens": 5}
    ids = generate(make_decoder(scanned), (params, SOURCE), [[START]] * 3, **options).ids_BN
    np.testing.assert_array_equal(ids, generate(DECODERS["t5"], (flat, SOURCE), [[START]] * 3, **options).ids_BN)


def test_the_source_is_read_once() -> None:
    """A step's program holds no product with the whole source: its keys and values are in the cache."""
    params = params_of("original")
    cache = jax.eval_shape(partial(DECODERS["original"].init_cache, batch_size=3), (params, SOURCE))
    keys = cache.layers["decoder"]["stack"]["block_0"]["cross_attention"]["memory_key"]
    assert keys.shape == (3, 3, S, D // 3)
    ids = jax.ShapeDtypeStruct((3,), jnp.int32)
    without_encoder = {name: leaf for name, leaf in params.items() if name != "encoder"} | {
        "encoder": {"stack": {"block_0": {}}}
    }
    jax.eval_shape(DECODERS["original"].step, (without_encoder, None), cache, ids, ids)


def test_one_source_for_each_prompt() -> None:
    with pytest.raises(ValueError, match="3 sources for batch_size=2"):
        generate(DECODERS["t5"], (params_of("t5"), SOURCE), [[START]] * 2, max_new_tokens=2)


@pytest.mark.parametrize("name", ["original", "t5", "bart"])
def test_pairs_packed_in_one_row_are_the_pairs_alone(name: str) -> None:
    lengths = ((7, 5), (4, 3), (6, 4))
    source = np.zeros((1, 20), np.int32)
    target, source_pairs, target_pairs = (
        np.zeros((1, 15), np.int32),
        np.zeros((1, 20), np.int32),
        np.zeros((1, 15), np.int32),
    )
    at = np.zeros(2, int)
    places = []
    for row, (s, t) in enumerate(lengths):
        source[0, at[0] : at[0] + s], source_pairs[0, at[0] : at[0] + s] = SOURCE[row, :s], row + 1
        target[0, at[1] : at[1] + t], target_pairs[0, at[1] : at[1] + t] = TARGET[row, :t], row + 1
        places.append(slice(at[1], at[1] + t))
        at += (s, t)
    model = MODELS[name].clone(context_size=20)
    params = drawn(model, (source, target), stddev=0.5)["params"]
    packed = np.asarray(method(model)({"params": params}, (source, target, source_pairs, target_pairs)))
    alone = np.asarray(method(model)({"params": params}, (SOURCE, TARGET)))
    for row, (_, t) in enumerate(lengths):
        np.testing.assert_allclose(packed[0, places[row]], alone[row, :t], atol=2e-5)
