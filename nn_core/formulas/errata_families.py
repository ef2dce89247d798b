"""Errata of the three families of transformers (S42 to S42d of the course's list of slips)."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from nn_core.formulas.erratum import Erratum, Figures
from nn_core.formulas.ledger import normal
from nn_core.models.recurrent.cells import CELLS, cell_step
from nn_core.models.transformer.encoder import Encoder, Pretraining
from nn_core.models.transformer.encoder_decoder import EncoderDecoder
from nn_core.models.transformer.gpt import GPT

LAG = 63  # tokens between the first and the last one
LAYERS = 2
IDS_1T = np.arange(1, 8, dtype=np.int32)[None]


def _shapes(model: nn.Module, *inputs: Any) -> Any:
    return jax.eval_shape(model.init, jax.random.key(0), *inputs)["params"]


def _drawn(model: nn.Module, *inputs: Any) -> Any:
    leaves, tree = jax.tree.flatten(_shapes(model, *inputs))
    return jax.tree.unflatten(tree, [0.3 * normal(400 + i, *leaf.shape) for i, leaf in enumerate(leaves)])


def bert_has_no_decoder() -> Figures:
    """S42: blocks with cross-attention in BERT with its heads, and in T5."""
    bert = _shapes(Pretraining(Encoder(9, 8, 8, 2, LAYERS)), IDS_1T)
    t5 = _shapes(EncoderDecoder(9, 8, 8, 2, LAYERS, position="relative"), (IDS_1T, IDS_1T))
    names = {
        name: [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(params)]
        for name, params in (("bert", bert), ("t5", t5))
    }
    return {
        name: len({path.split("['cross_attention']")[0] for path in paths if "['cross_attention']" in path})
        for name, paths in names.items()
    }


def decoder_only_reads_the_source() -> Figures:
    """S42b: how far the last logits move when the first token does, in a decoder that was given source and target; and
    the first logits when the last token does."""
    model = GPT(9, 8, 8, 2, LAYERS)
    params = _drawn(model, IDS_1T)
    run: Any = jax.jit(lambda ids: model.apply({"params": params}, ids))
    changed = IDS_1T.copy()
    changed[0, 0] = 8
    last = IDS_1T.copy()
    last[0, -1] = 8
    return {
        "forwards": jnp.abs(run(IDS_1T) - run(changed))[0, -1].max(),
        "backwards": jnp.abs(run(IDS_1T) - run(last))[0, 0].max(),
    }


def long_range() -> Figures:
    """S42c: the slope of the last state by the first input, 63 tokens away: one layer of causal attention, an RNN."""
    model = GPT(9, LAG + 1, 8, 2, 1)
    ids = np.ones((1, LAG + 1), np.int32)
    params = _drawn(model, ids)
    embedded = 0.3 * normal(398, LAG + 1, 8)

    def attend(x_TD: jax.Array) -> jax.Array:
        table = {**params, "token_embedding": {"embedding": x_TD}}
        wide: Any = model.clone(vocabulary_size=LAG + 1, position="none")
        return wide.apply({"params": table}, np.arange(LAG + 1, dtype=np.int32)[None], method="hidden")[0, -1].sum()

    kernel = 0.5 * normal(399, 8, 8) / 8**0.5

    def recur(x_TD: jax.Array) -> jax.Array:
        cell = CELLS["vanilla"]
        state = jax.lax.scan(
            lambda h, x: (cell_step(cell, jnp.asarray(kernel), (h,), x[None])[0], None), jnp.zeros((1, 8)), x_TD
        )[0]
        return state.sum()

    slopes = {name: jax.jit(jax.grad(read))(embedded)[0] for name, read in (("attention", attend), ("rnn", recur))}
    return {name: jnp.abs(slope).max() for name, slope in slopes.items()} | {"lag": LAG}


def decoder_without_cross_attention() -> Figures:
    """S42d: how far the logits of a target move when its source does, in a decoder of the parts that are listed, which is
    one whose cross-attention adds nothing, and with it."""
    model, inputs = EncoderDecoder(9, 8, 8, 2, LAYERS), (IDS_1T, IDS_1T)
    params = _drawn(model, inputs)
    listed = jax.tree_util.tree_map_with_path(
        lambda path, leaf: 0.0 * leaf if "cross_attention" in jax.tree_util.keystr(path) else leaf, params
    )
    run: Any = jax.jit(lambda params, source: model.apply({"params": params}, (source, IDS_1T)))
    return {
        name: jnp.abs(run(table, IDS_1T) - run(table, IDS_1T[:, ::-1])).max()
        for name, table in (("listed", listed), ("whole", params))
    }


ERRATA: tuple[Erratum, ...] = (
    Erratum(
        "S42",
        "C",
        "encoder-decoder models, for instance BERT and T5",
        "BERT is an encoder; T5 and BART are encoder-decoders",
        bert_has_no_decoder,
        "of two layers of each, {bert:.0f} of BERT read a source by cross-attention, {t5:.0f} of T5",
        lambda f: f["bert"] == 0 and f["t5"] == LAYERS,
    ),
    Erratum(
        "S42b",
        "C",
        "a decoder alone is less suited to translation",
        "it can translate: the source stands before the target; the first translator was an encoder-decoder",
        decoder_only_reads_the_source,
        "in a decoder the first token moves the last logits by {forwards:.3f}, the last one the first by {backwards:.0f}: "
        "a target reads all of its source",
        lambda f: f["forwards"] > 1e-3 and f["backwards"] == 0.0,
    ),
    Erratum(
        "S42c",
        "C",
        "a decoder alone may struggle with long-range dependencies",
        "what limits it is the context window: within it every token is one step away",
        long_range,
        "over {lag:.0f} tokens the slope is {attention:.0e} through causal attention and {rnn:.0e} through an RNN",
        lambda f: f["attention"] > 1e3 * f["rnn"],
    ),
    Erratum(
        "S42d",
        "A",
        "a decoder: embeddings, positions, masked attention, feed-forward layers",
        "the decoder of a translator attends to its source too, in every block",
        decoder_without_cross_attention,
        "the source read backwards moves the logits of a target by {listed:.0f} with the parts that are listed, by {whole:.3f} "
        "with cross-attention",
        lambda f: f["listed"] == 0.0 and f["whole"] > 1e-4,
    ),
)
