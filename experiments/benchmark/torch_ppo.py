"""One iteration of PPO as anyone would write it in PyTorch, with a cached sampler: the peer of the benchmark.

The same work as ours: draw answers, score them with a reward model and a reference, GAE, epochs of minibatches with the
clipped objective and the clipped value loss, Adam, gradients clipped by their global norm.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from torch import nn
from torch.nn import functional as F

from experiments.benchmark.torch_gpt import GPT, Attention, Size


class Work(NamedTuple):
    """An iteration: answers of `new_tokens` to prompts of `prompt_tokens`, `epochs` passes in `minibatches` parts."""

    rows: int
    prompt_tokens: int
    new_tokens: int
    epochs: int
    minibatches: int


class Policy(nn.Module):
    """A GPT with a number for each token beside its logits."""

    def __init__(self, size: Size):
        super().__init__()
        self.gpt = GPT(size)
        self.head = nn.Linear(size.width, 1)
        nn.init.zeros_(self.head.weight)

    def hidden(self, ids: torch.Tensor) -> torch.Tensor:
        x = self.gpt.tokens(ids) + self.gpt.positions(torch.arange(ids.shape[1]))
        for block in self.gpt.blocks:
            x = block(x)
        return self.gpt.norm(x)

    def forward(self, ids: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        hidden = self.hidden(ids)
        return hidden @ self.gpt.tokens.weight.T, self.head(hidden)[..., 0]


def attend_cached(attention: Attention, x: torch.Tensor, cache: dict[str, torch.Tensor]) -> torch.Tensor:
    """Attention of new tokens to themselves and to what the cache holds; the cache takes them in."""
    batch, length, width = x.shape
    q, k, v = (
        part.view(batch, length, attention.heads, -1).transpose(1, 2) for part in attention.qkv(x).split(width, 2)
    )
    if "k" in cache:
        k, v = torch.cat([cache["k"], k], 2), torch.cat([cache["v"], v], 2)
    cache["k"], cache["v"] = k, v
    y = F.scaled_dot_product_attention(q, k, v, is_causal=length > 1)
    return attention.out(y.transpose(1, 2).reshape(batch, length, width))


@torch.no_grad()
def sample(policy: Policy, prompts: torch.Tensor, new_tokens: int) -> torch.Tensor:
    """Prompts and drawn answers; each new token costs one row through the network."""
    caches: list[dict[str, torch.Tensor]] = [{} for _ in policy.gpt.blocks]
    ids, fed = prompts, prompts
    for _ in range(new_tokens):
        places = torch.arange(ids.shape[1] - fed.shape[1], ids.shape[1])
        x = policy.gpt.tokens(fed) + policy.gpt.positions(places)
        for block, cache in zip(policy.gpt.blocks, caches, strict=True):
            x = x + attend_cached(block.attention, block.norm_1(x), cache)
            x = x + block.down(F.gelu(block.up(block.norm_2(x))))
        logits = policy.gpt.norm(x[:, -1]) @ policy.gpt.tokens.weight.T
        fed = torch.multinomial(logits.softmax(-1), 1)
        ids = torch.cat([ids, fed], 1)
    return ids


def token_log_probs(logits: torch.Tensor, ids: torch.Tensor, start: int) -> torch.Tensor:
    """ln p of the answers' tokens."""
    found = logits[:, start - 1 : -1].log_softmax(-1)
    return found.gather(2, ids[:, start:, None])[..., 0]


def advantages(rewards: torch.Tensor, values: torch.Tensor, decay: float = 0.95) -> torch.Tensor:
    """GAE, from the last token back."""
    found, last = torch.zeros_like(rewards), torch.zeros(rewards.shape[0])
    for t in reversed(range(rewards.shape[1])):
        following = values[:, t + 1] if t + 1 < rewards.shape[1] else 0.0
        last = rewards[:, t] + following - values[:, t] + decay * last
        found[:, t] = last
    return found


def iteration(size: Size, work: Work, vocabulary: int) -> Callable[[], None]:
    """A function that makes one iteration."""
    policy, reference, reward_model = (
        Policy(size),
        Policy(size).requires_grad_(False),
        Policy(size).requires_grad_(False),
    )
    optimizer = torch.optim.Adam(policy.parameters(), lr=1e-5)
    prompts = torch.randint(vocabulary, (work.rows, work.prompt_tokens))
    start = work.prompt_tokens

    def run() -> None:
        ids = sample(policy, prompts, work.new_tokens)
        with torch.no_grad():
            logits, values = policy(ids)
            old, values = token_log_probs(logits, ids, start), values[:, start - 1 : -1]
            kl = old - token_log_probs(reference(ids)[0], ids, start)
            rewards = -0.05 * kl
            rewards[:, -1] += reward_model(ids)[1][:, -1]
            advantage = advantages(rewards, values)
            returns = advantage + values
            advantage = (advantage - advantage.mean()) / (advantage.std() + 1e-8)
        for _ in range(work.epochs):
            for rows in torch.randperm(work.rows).chunk(work.minibatches):
                update(policy, optimizer, ids[rows], start, old[rows], values[rows], advantage[rows], returns[rows])

    return run


def update(policy: Policy, optimizer: Any, ids: torch.Tensor, start: int, *known: torch.Tensor) -> None:
    """One minibatch."""
    old, old_values, advantage, returns = known
    logits, values = policy(ids)
    values = values[:, start - 1 : -1]
    ratio = (token_log_probs(logits, ids, start) - old).exp()
    gain = torch.minimum(ratio * advantage, ratio.clamp(0.8, 1.2) * advantage).mean()
    near = old_values + (values - old_values).clamp(-0.5, 0.5)
    error = 0.5 * torch.maximum((values - returns) ** 2, (near - returns) ** 2).mean()
    optimizer.zero_grad()
    (0.1 * error - gain).backward()
    nn.utils.clip_grad_norm_(policy.parameters(), 1.0)
    optimizer.step()
