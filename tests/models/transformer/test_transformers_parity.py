"""T5 and BART of `transformers` with copied weights: logits, greedy decoding and beams, token by token."""

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nn_core.generation.beam import beam_search
from nn_core.generation.decode import completions, generate
from nn_core.models.transformer.encoder_decoder import EncoderDecoder
from nn_core.models.transformer.translation import make_decoder

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")

V, D, H, LAYERS, F = 53, 24, 4, 2, 40
PAD, END, START = 0, 1, 0
SOURCE = np.random.default_rng(0).integers(3, V, (5, 9)).astype(np.int32)
SOURCE[1, 5:] = SOURCE[3, 7:] = PAD
TARGET = np.random.default_rng(1).integers(3, V, (5, 6)).astype(np.int32)
NEW_TOKENS = 12


def tensors(model: Any) -> dict[str, np.ndarray]:
    return {name: leaf.detach().numpy() for name, leaf in model.state_dict().items()}


def kernel(*weights: np.ndarray) -> dict[str, np.ndarray]:
    return {"kernel": np.concatenate([weight.T for weight in weights], axis=1)}


def t5_tower(found: dict[str, np.ndarray], side: str, gated: bool) -> dict[str, Any]:
    last = 1 if side == "encoder" else 2
    stack: dict[str, Any] = {}
    for i in range(LAYERS):
        layer = f"{side}.block.{i}.layer"
        attention = f"{layer}.0.SelfAttention"
        up = ("wi_0", "wi_1") if gated else ("wi",)
        stack[f"block_{i}"] = {
            "attention": {
                "qkv": kernel(*(found[f"{attention}.{name}.weight"] for name in "qkv")),
                "out": kernel(found[f"{attention}.o.weight"]),
            },
            "attention_norm": {"scale": found[f"{layer}.0.layer_norm.weight"]},
            "feed_forward": {
                "up": kernel(*(found[f"{layer}.{last}.DenseReluDense.{name}.weight"] for name in up)),
                "down": kernel(found[f"{layer}.{last}.DenseReluDense.wo.weight"]),
            },
            "feed_forward_norm": {"scale": found[f"{layer}.{last}.layer_norm.weight"]},
        }
        if side == "decoder":
            names = {"query": "q", "key": "k", "value": "v", "out": "o"}
            stack[f"block_{i}"]["cross_attention"] = {
                ours: kernel(found[f"{layer}.1.EncDecAttention.{theirs}.weight"]) for ours, theirs in names.items()
            }
            stack[f"block_{i}"]["cross_attention_norm"] = {"scale": found[f"{layer}.1.layer_norm.weight"]}
    bias = found[f"{side}.block.0.layer.0.SelfAttention.relative_attention_bias.weight"]
    return {
        "stack": stack,
        "relative_bias": {"embedding": bias},
        "norm_out": {"scale": found[f"{side}.final_layer_norm.weight"]},
    }


def make_t5(tied: bool) -> tuple[EncoderDecoder, dict[str, Any], Any]:
    """v1.0 (tied, ReLU) or v1.1 (its own head, gated GELU), with heads wider than D / H."""
    torch.manual_seed(0)
    config = transformers.T5Config(
        vocab_size=V, d_model=D, d_kv=8, d_ff=F, num_layers=LAYERS, num_heads=H, dropout_rate=0.0,
        feed_forward_proj="relu" if tied else "gated-gelu", tie_word_embeddings=tied, pad_token_id=PAD,
        eos_token_id=END, decoder_start_token_id=START, initializer_factor=1.5,
    )  # fmt: skip
    theirs = transformers.T5ForConditionalGeneration(config).eval()
    found = tensors(theirs)
    params: dict[str, Any] = {"token_embedding": {"embedding": found["shared.weight"]}}
    params |= {side: t5_tower(found, side, gated=not tied) for side in ("encoder", "decoder")}
    if not tied:
        params["head"] = kernel(found["lm_head.weight"])
    ours = EncoderDecoder(
        V, 32, D, H, LAYERS, position="relative", norm="rms", use_bias=False, ffn="mlp" if tied else "geglu",
        ffn_features=F, activation=jax.nn.relu, head_features=8, scale_scores=False, scale_embedding=False,
        tied_head=tied, scale_logits=tied,
    )  # fmt: skip
    return ours, params, theirs


def dense(found: dict[str, np.ndarray], *names: str) -> dict[str, np.ndarray]:
    return {
        **kernel(*(found[f"{name}.weight"] for name in names)),
        "bias": np.concatenate([found[f"{name}.bias"] for name in names]),
    }


def norm(found: dict[str, np.ndarray], name: str) -> dict[str, np.ndarray]:
    return {"scale": found[f"{name}.weight"], "bias": found[f"{name}.bias"]}


def bart_tower(found: dict[str, np.ndarray], side: str) -> dict[str, Any]:
    stack: dict[str, Any] = {}
    for i in range(LAYERS):
        layer = f"model.{side}.layers.{i}"
        stack[f"block_{i}"] = {
            "attention": {
                "qkv": dense(found, *(f"{layer}.self_attn.{name}_proj" for name in "qkv")),
                "out": dense(found, f"{layer}.self_attn.out_proj"),
            },
            "attention_norm": norm(found, f"{layer}.self_attn_layer_norm"),
            "feed_forward": {"up": dense(found, f"{layer}.fc1"), "down": dense(found, f"{layer}.fc2")},
            "feed_forward_norm": norm(found, f"{layer}.final_layer_norm"),
        }
        if side == "decoder":
            names = {"query": "q_proj", "key": "k_proj", "value": "v_proj", "out": "out_proj"}
            stack[f"block_{i}"]["cross_attention"] = {
                ours: dense(found, f"{layer}.encoder_attn.{theirs}") for ours, theirs in names.items()
            }
            stack[f"block_{i}"]["cross_attention_norm"] = norm(found, f"{layer}.encoder_attn_layer_norm")
    return {
        "stack": stack,
        # Its positions begin at 2.
        "position_embedding": {"embedding": found[f"model.{side}.embed_positions.weight"][2:]},
        "embedding_norm": norm(found, f"model.{side}.layernorm_embedding"),
    }


def make_bart() -> tuple[EncoderDecoder, dict[str, Any], Any]:
    torch.manual_seed(1)
    config = transformers.BartConfig(
        vocab_size=V, d_model=D, encoder_layers=LAYERS, decoder_layers=LAYERS, encoder_attention_heads=H,
        decoder_attention_heads=H, encoder_ffn_dim=F, decoder_ffn_dim=F, max_position_embeddings=32, dropout=0.0,
        pad_token_id=PAD, eos_token_id=END, bos_token_id=2, decoder_start_token_id=START, init_std=0.4,
        forced_eos_token_id=None,
    )  # fmt: skip
    theirs = transformers.BartForConditionalGeneration(config).eval()
    with torch.no_grad():
        theirs.final_logits_bias += torch.randn(1, V)
    found = tensors(theirs)
    params = {"token_embedding": {"embedding": found["model.shared.weight"]}}
    params |= {side: bart_tower(found, side) for side in ("encoder", "decoder")}
    params["head_bias"] = found["final_logits_bias"][0]
    ours = EncoderDecoder(
        V, 32, D, H, LAYERS, position="learned", norm_position="post", embedding_norm=True, ffn_features=F,
        head_bias=True, scale_embedding=False,
    )  # fmt: skip
    return ours, params, theirs


@pytest.fixture(scope="module", params=["t5", "t5_v1_1", "bart"])
def pair(request: pytest.FixtureRequest) -> Iterator[tuple[EncoderDecoder, dict[str, Any], Any, Any]]:
    model, params, theirs = make_bart() if request.param == "bart" else make_t5(tied=request.param == "t5")
    shapes = jax.eval_shape(model.init, jax.random.key(0), (SOURCE, TARGET))["params"]
    assert jax.tree.map(jnp.shape, params) == jax.tree.map(lambda leaf: leaf.shape, shapes)
    yield model, params, theirs, make_decoder(model)


def theirs_generate(theirs: Any, **options: Any) -> list[list[int]]:
    source = torch.tensor(SOURCE, dtype=torch.long)
    ids = theirs.generate(
        input_ids=source, attention_mask=(source != PAD).long(), max_new_tokens=NEW_TOKENS, do_sample=False, **options
    )
    return [cut(row[1:]) for row in ids.tolist()]


def cut(ids: list[int]) -> list[int]:
    return ids[: ids.index(END) + 1] if END in ids else ids


def test_logits(pair: tuple) -> None:
    model, params, theirs, _ = pair
    source, target = (torch.tensor(ids, dtype=torch.long) for ids in (SOURCE, TARGET))
    with torch.no_grad():
        expected = theirs(input_ids=source, attention_mask=(source != PAD).long(), decoder_input_ids=target).logits
    logits = jax.jit(model.apply)({"params": params}, (SOURCE, TARGET))
    spread = float(expected.std())
    assert spread > 0.3
    np.testing.assert_allclose(logits, expected.numpy(), atol=1e-4 * max(spread, 1.0))


def test_greedy(pair: tuple) -> None:
    _, params, theirs, decoder = pair
    found = generate(decoder, (params, SOURCE), [[START]] * 5, max_new_tokens=NEW_TOKENS, eos_id=END)
    texts = completions(found)
    assert texts == theirs_generate(theirs)
    assert len({tuple(text) for text in texts}) > 2


@pytest.mark.parametrize(("beams", "penalty", "early"), [(2, 1.0, False), (4, 0.6, False), (4, 1.0, True)])
def test_beams(pair: tuple, beams: int, penalty: float, early: bool) -> None:
    _, params, theirs, decoder = pair
    # Theirs stops early when as many texts as beams have ended, ours when as many as are wanted have.
    wanted = beams if early else 2
    options: dict[str, Any] = {"num_beams": beams, "length_penalty": penalty, "early_stopping": early}
    found = beam_search(
        decoder,
        (params, SOURCE),
        [[START]] * 5,
        max_new_tokens=NEW_TOKENS,
        eos_id=END,
        num_return_sequences=wanted,
        **options,
    )
    texts = [
        np.asarray(found.ids_PKN)[row, place, : found.lengths_PK[row, place]].tolist()
        for row in range(5)
        for place in range(wanted)
    ]
    assert texts == theirs_generate(theirs, num_return_sequences=wanted, **options)
