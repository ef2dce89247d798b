"""The same GPT written plainly in PyTorch, and that of transformers: the peers of the benchmarks.

Pre-norm blocks, GELU, causal scaled_dot_product_attention, no biases, the head tied to the token embedding, as nanoGPT.
"""

import contextlib
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn import functional as F


class Size(NamedTuple):
    """A GPT and its batch.

    Attributes:
        vocabulary: V.
        context: T.
        width: D.
        heads: a divisor of the width.
        layers: blocks.
        batch: B sequences a step.
        dropout: rate, 0 for none.
    """

    vocabulary: int
    context: int
    width: int
    heads: int
    layers: int
    batch: int
    dropout: float = 0.0


class Attention(nn.Module):
    """Causal self-attention."""

    def __init__(self, size: Size):
        super().__init__()
        self.heads, self.dropout = size.heads, size.dropout
        self.qkv = nn.Linear(size.width, 3 * size.width, bias=False)
        self.out = nn.Linear(size.width, size.width, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, length, width = x.shape
        q, k, v = (part.view(batch, length, self.heads, -1).transpose(1, 2) for part in self.qkv(x).split(width, dim=2))
        rate = self.dropout if self.training else 0.0
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True, dropout_p=rate)
        return self.out(y.transpose(1, 2).reshape(batch, length, width))


class Block(nn.Module):
    """x + attention(norm(x)), then x + mlp(norm(x))."""

    def __init__(self, size: Size):
        super().__init__()
        self.norm_1 = nn.LayerNorm(size.width, bias=False)
        self.attention = Attention(size)
        self.norm_2 = nn.LayerNorm(size.width, bias=False)
        self.up = nn.Linear(size.width, 4 * size.width, bias=False)
        self.down = nn.Linear(4 * size.width, size.width, bias=False)
        self.drop = nn.Dropout(size.dropout)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.drop(self.attention(self.norm_1(x)))
        return x + self.drop(self.down(F.gelu(self.up(self.norm_2(x)))))


class GPT(nn.Module):
    """Logits of the next token."""

    def __init__(self, size: Size):
        super().__init__()
        self.size = size
        self.tokens = nn.Embedding(size.vocabulary, size.width)
        self.positions = nn.Embedding(size.context, size.width)
        self.drop = nn.Dropout(size.dropout)
        self.blocks = nn.ModuleList(Block(size) for _ in range(size.layers))
        self.norm = nn.LayerNorm(size.width, bias=False)
        for parameter in self.parameters():
            if parameter.dim() == 2:
                nn.init.normal_(parameter, 0.0, 0.02)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.drop(self.tokens(ids) + self.positions(torch.arange(ids.shape[1], device=ids.device)))
        for block in self.blocks:
            x = block(x)
        return self.norm(x) @ self.tokens.weight.T


def device() -> str:
    """The GPU where PyTorch has one."""
    return "cuda" if torch.cuda.is_available() else "cpu"


def autocast() -> Any:
    """bfloat16 on a GPU; elsewhere unchanged."""
    return torch.autocast("cuda", torch.bfloat16) if device() == "cuda" else contextlib.nullcontext()


def wait() -> None:
    """Waits for the GPU."""
    if device() == "cuda":
        torch.cuda.synchronize()


def transformers_gpt(size: Size) -> nn.Module:
    """GPT-2 of transformers at this size."""
    from transformers import GPT2Config, GPT2LMHeadModel

    config = GPT2Config(
        vocab_size=size.vocabulary,
        n_positions=size.context,
        n_embd=size.width,
        n_layer=size.layers,
        n_head=size.heads,
        activation_function="gelu",
        resid_pdrop=size.dropout,
        embd_pdrop=size.dropout,
        attn_pdrop=size.dropout,
        bos_token_id=None,
        eos_token_id=None,
    )
    return GPT2LMHeadModel(config)


def training_steps(model: nn.Module, size: Size, ids: Any, steps: int) -> Callable[[], None]:
    """A function that trains for `steps` steps: random windows, AdamW, clipped gradients, as nanoGPT's loop."""
    model = model.to(device()).train()
    data = torch.as_tensor(ids, dtype=torch.int64)
    matrices = [p for p in model.parameters() if p.dim() >= 2]
    others = [p for p in model.parameters() if p.dim() < 2]
    groups = [{"params": matrices, "weight_decay": 0.1}, {"params": others, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=1e-3, betas=(0.9, 0.99), fused=device() == "cuda")

    def run() -> None:
        for _ in range(steps):
            starts = torch.randint(len(data) - size.context - 1, (size.batch,)).tolist()
            window = torch.stack([data[start : start + size.context + 1] for start in starts]).to(device())
            with autocast():
                output = model(window[:, :-1])
                logits = getattr(output, "logits", output)
                loss = F.cross_entropy(logits.flatten(0, 1), window[:, 1:].flatten())
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        wait()

    return run


def plain_sampling(model: nn.Module, size: Size, batch: int, new_tokens: int, top_k: int) -> Callable[[], None]:
    """nanoGPT's loop: the whole window through the network for every token."""
    model = model.to(device()).eval()

    @torch.inference_mode()
    def run() -> None:
        ids = torch.zeros((batch, 1), dtype=torch.int64, device=device())
        for _ in range(new_tokens):
            with autocast():
                logits = model(ids[:, -size.context :])[:, -1]
            lowest = logits.topk(min(top_k, size.vocabulary)).values[:, -1:]
            probabilities = logits.masked_fill(logits < lowest, -torch.inf).float().softmax(-1)
            ids = torch.cat([ids, torch.multinomial(probabilities, 1)], dim=1)
        wait()

    return run


def transformers_sampling(model: nn.Module, batch: int, new_tokens: int, top_k: int) -> Callable[[], None]:
    """transformers' generate with its cache."""
    model = model.to(device()).eval()

    @torch.inference_mode()
    def run() -> None:
        ids = torch.zeros((batch, 1), dtype=torch.int64, device=device())
        options = {"do_sample": True, "top_k": top_k, "max_new_tokens": new_tokens, "use_cache": True}
        with autocast():
            made = model.generate(ids, attention_mask=torch.ones_like(ids), pad_token_id=0, **options)  # type: ignore[operator]
        assert made.shape == (batch, 1 + new_tokens)
        wait()

    return run
