"""The Multi30k translator in PyTorch (`nn.Transformer`) and in transformers (Marian), for the benchmark."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
import transformers
from torch import nn

from experiments.command_line.devices import cores

PAD, START = 0, 2


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
        self.embedding = nn.Embedding(size.vocabulary, size.width, padding_idx=PAD)
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
            src_key_padding_mask=source == PAD,
            memory_key_padding_mask=source == PAD,
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


def marian_decoding(size: Size, source: np.ndarray, beams: int) -> Callable[[], None]:
    """A turn of transformers' `generate` with its cache; every text gets its full length."""
    torch.set_num_threads(cores())
    config = transformers.MarianConfig(
        vocab_size=size.vocabulary,
        d_model=size.width,
        encoder_layers=size.layers,
        decoder_layers=size.layers,
        encoder_attention_heads=size.heads,
        decoder_attention_heads=size.heads,
        encoder_ffn_dim=size.features,
        decoder_ffn_dim=size.features,
        max_position_embeddings=max(size.length, 64),
        pad_token_id=PAD,
        eos_token_id=3,
        decoder_start_token_id=START,
        forced_eos_token_id=None,
        scale_embedding=True,
    )
    model = transformers.MarianMTModel(config).eval()
    sources = torch.from_numpy(source).long()
    options = {"num_beams": beams, "max_new_tokens": size.length, "min_new_tokens": size.length, "do_sample": False}

    def run() -> None:
        with torch.no_grad():
            model.generate(input_ids=sources, attention_mask=(sources != PAD).long(), **options)

    return run
