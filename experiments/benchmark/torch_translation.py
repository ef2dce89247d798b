"""The Multi30k translator in PyTorch (`nn.Transformer`) and in transformers (Marian), for the benchmark."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np
import torch
import transformers
from torch import nn

from experiments.command_line.devices import cores
from nn_core.data.packing import Marks
from nn_core.models.attention.positions import sinusoidal_positions

MARKS = Marks(pad=0, start=2, end=3)


class Size(NamedTuple):
    """The translator's sizes and the shapes that it is given."""

    vocabulary: int
    width: int
    heads: int
    layers: int
    features: int
    batch: int
    length: int


class Translator(nn.Module):
    """The original Transformer with the norm before each part and one embedding for sources, targets and head."""

    def __init__(self, size: Size):
        super().__init__()
        torch.set_num_threads(cores())
        self.embedding = nn.Embedding(size.vocabulary, size.width, padding_idx=MARKS.pad)
        nn.init.normal_(self.embedding.weight, std=size.width**-0.5)
        self.transformer = nn.Transformer(
            size.width, size.heads, size.layers, size.layers, size.features, 0.1, batch_first=True, norm_first=True
        )
        places, pairs = torch.arange(size.length)[:, None], torch.arange(0, size.width, 2)[None]
        angles = places / 10_000 ** (pairs / size.width)
        positions = torch.stack([angles.sin(), angles.cos()], dim=-1).reshape(size.length, size.width)
        self.register_buffer("positions", positions)
        self.scale = size.width**0.5

    def embed(self, ids: torch.Tensor) -> torch.Tensor:
        """Token vectors with their positions."""
        return self.embedding(ids) * self.scale + self.positions[: ids.shape[1]]

    def forward(self, source: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        """Logits by teacher forcing."""
        causal = nn.Transformer.generate_square_subsequent_mask(target.shape[1])
        hidden = self.transformer(
            self.embed(source),
            self.embed(target),
            tgt_mask=causal,
            src_key_padding_mask=source == MARKS.pad,
            memory_key_padding_mask=source == MARKS.pad,
            tgt_is_causal=True,
        )
        return hidden @ self.embedding.weight.T


def training_steps(size: Size, source: np.ndarray, target: np.ndarray, steps: int) -> Callable[[], None]:
    """A turn of Adam's steps with label smoothing."""
    model = Translator(size).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    sources, targets = torch.from_numpy(source).long(), torch.from_numpy(target).long()

    def run() -> None:
        for _ in range(steps):
            logits = model(sources, targets[:, :-1])
            loss = nn.functional.cross_entropy(logits.flatten(0, 1), targets[:, 1:].flatten(), label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()

    return run


def settings(size: Size, marks: Marks) -> dict[str, Any]:
    """What the configs of Marian and Pegasus have in common."""
    return {
        "vocab_size": size.vocabulary,
        "d_model": size.width,
        "encoder_layers": size.layers,
        "decoder_layers": size.layers,
        "encoder_attention_heads": size.heads,
        "decoder_attention_heads": size.heads,
        "encoder_ffn_dim": size.features,
        "decoder_ffn_dim": size.features,
        "pad_token_id": marks.pad,
        "eos_token_id": marks.end,
        "decoder_start_token_id": marks.start,
        "forced_eos_token_id": None,
        "scale_embedding": True,
    }


def writer(model: Any, source: np.ndarray, marks: Marks, **options: Any) -> Callable[[], torch.Tensor]:
    """A turn of transformers' `generate` with its cache."""
    torch.set_num_threads(cores())
    sources = torch.from_numpy(source).long()
    mask = (sources != marks.pad).long()

    def write() -> torch.Tensor:
        with torch.no_grad():
            return model.generate(input_ids=sources, attention_mask=mask, do_sample=False, **options)

    return write


def marian_decoding(size: Size, source: np.ndarray, beams: int) -> Callable[[], torch.Tensor]:
    """A turn of `generate`; every text gets its full length."""
    config = transformers.MarianConfig(**settings(size, MARKS), max_position_embeddings=max(size.length, 64))
    model = transformers.MarianMTModel(config).eval()
    return writer(model, source, MARKS, num_beams=beams, max_new_tokens=size.length, min_new_tokens=size.length)


def pegasus_decoding(
    size: Size, params: Any, source: np.ndarray, marks: Marks, beams: int
) -> tuple[Callable[[], torch.Tensor], Callable[[], list[list[int]]]]:
    """A turn of `generate` with our weights, until every search has ended; and the texts that it finds.

    Pegasus is Marian with the norm before each part, as our translator is.

    Args:
        size: of the translator; `length` is the most new tokens.
        params: ours, layers not scanned.
        source: (P, S) ids.
        marks: special tokens.
        beams: K >= 1.
    """
    places = max(size.length + 1, source.shape[1])
    more = {"activation_function": "relu", "max_position_embeddings": places}
    config = transformers.PegasusConfig(**settings(size, marks), **more)
    model = transformers.PegasusForConditionalGeneration(config).eval()
    model.load_state_dict(pegasus_state(params, config), strict=False)
    write = writer(model, source, marks, num_beams=beams, max_new_tokens=size.length, early_stopping="never")

    def texts() -> list[list[int]]:
        rows = [row[1:] for row in write().tolist()]
        return [row[: row.index(marks.end) + 1] if marks.end in row else row for row in rows]

    return write, texts


def pegasus_state(params: Any, config: Any) -> dict[str, torch.Tensor]:
    """Our translator's parameters by Pegasus' names."""
    tensors: dict[str, np.ndarray] = {"model.shared.weight": params["token_embedding"]["embedding"]}
    positions_1TD = sinusoidal_positions(jnp.arange(config.max_position_embeddings)[None], config.d_model)
    for side in ("encoder", "decoder"):
        base, tower = f"model.{side}", params[side]
        tensors[f"{base}.embed_tokens.weight"] = params["token_embedding"]["embedding"]
        tensors[f"{base}.embed_positions.weight"] = np.asarray(positions_1TD)[0]
        tensors |= _norm(f"{base}.layer_norm", tower["norm_out"])
        for i in range(config.encoder_layers):
            name, block = f"{base}.layers.{i}", tower["stack"][f"block_{i}"]
            kernels = np.split(np.asarray(block["attention"]["qkv"]["kernel"]), 3, axis=1)
            biases = np.split(np.asarray(block["attention"]["qkv"]["bias"]), 3)
            for part, kernel, bias in zip("qkv", kernels, biases, strict=True):
                tensors |= _dense(f"{name}.self_attn.{part}_proj", {"kernel": kernel, "bias": bias})
            tensors |= _dense(f"{name}.self_attn.out_proj", block["attention"]["out"])
            tensors |= _norm(f"{name}.self_attn_layer_norm", block["attention_norm"])
            tensors |= _dense(f"{name}.fc1", block["feed_forward"]["up"])
            tensors |= _dense(f"{name}.fc2", block["feed_forward"]["down"])
            tensors |= _norm(f"{name}.final_layer_norm", block["feed_forward_norm"])
            if side == "decoder":
                for part, ours in (("q_proj", "query"), ("k_proj", "key"), ("v_proj", "value"), ("out_proj", "out")):
                    tensors |= _dense(f"{name}.encoder_attn.{part}", block["cross_attention"][ours])
                tensors |= _norm(f"{name}.encoder_attn_layer_norm", block["cross_attention_norm"])
    return {name: torch.from_numpy(np.array(tensor)) for name, tensor in tensors.items()}


def _dense(name: str, ours: Any) -> dict[str, np.ndarray]:
    return {f"{name}.weight": np.asarray(ours["kernel"]).T, f"{name}.bias": np.asarray(ours["bias"])}


def _norm(name: str, ours: Any) -> dict[str, np.ndarray]:
    return {f"{name}.weight": np.asarray(ours["scale"]), f"{name}.bias": np.asarray(ours["bias"])}
