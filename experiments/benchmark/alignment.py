"""An iteration of PPO: 64 answers of 32 tokens, 4 epochs of 4 minibatches, 4 layers of width 128.

Ours is one compiled step, draws included; the peer is a plain PyTorch loop with a cached sampler. Then a population of 8
seeds against one run. One session, turns in alternation, ratios per round. Then GRPO in groups of 8 against TRL's trainer,
which no longer has a PPO; its iterations stand between two series of ours.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.benchmark.gpt import matmul_rate
from experiments.benchmark.timing import alternate, installed, machine, median_ratio, seconds
from nn_core.alignment.experience import GRPO, PPO, Policy
from nn_core.alignment.heads import LAST, SCORE, with_head
from nn_core.alignment.judgement import Speaker
from nn_core.alignment.policy_task import make_policy_task, with_coefficient
from nn_core.models.transformer.gpt import GPT
from nn_core.models.transformer.language_model import make_decoder, parameter_count
from nn_core.optimizers import make_optimizer
from nn_core.training.population import make_members, place, populate
from nn_core.training.program import Settings, make_program

ROUNDS = 7
ROWS, PROMPT, NEW, EPOCHS, MINIBATCHES = 64, 12, 32, 4, 4
LAYERS, HEADS, WIDTH, VOCABULARY = 4, 4, 128, 512
SEEDS = 8
GROUP, COUNTED = 8, 4
HPARAMS = {"learning_rate": 1e-5, "beta": 0.05, "clip_range": 0.2, "clip_norm": 1.0}
OF_PPO = {"value_clip": 0.5, "value_coefficient": 0.1, "discount": 1.0, "gae_decay": 0.95}
NO_END = -1  # every answer has all of its tokens, as in the peer


def make_policy(method: str) -> tuple[Policy, GPT]:
    """The structure of the iteration, and its model."""
    group = GROUP if method == GRPO else 1
    model = GPT(VOCABULARY, PROMPT + NEW, WIDTH, HEADS, LAYERS, use_bias=False, tied_head=True)
    speaker = Speaker(model, make_decoder(model), NEW, NO_END, 0)
    policy = Policy(
        method=method,
        speaker=speaker,
        width=WIDTH,
        reward_model=model,
        pooling=LAST,
        rule=None,
        prompts=ROWS // group,
        group=group,
        epochs=EPOCHS,
        minibatches=MINIBATCHES,
        estimator="k3",
        weigh="token",
        missing_end=0.0,
    )
    return policy, model


def ours(num_seeds: int, method: str = PPO) -> Callable[[], None]:
    """A turn of one compiled iteration for some seeds at once."""
    policy, model = make_policy(method)
    task = make_policy_task(policy, lambda hparams: model)
    factory = with_coefficient(lambda hparams: make_optimizer("adam", hparams, lambda step: jnp.ones(())))
    program, mesh = populate(make_program(task, factory, Settings(1)), num_seeds)
    params = model.init(jax.random.key(1), jnp.zeros((1, 2), jnp.int32))["params"]
    data: dict[str, Any] = {
        "train_prompts": np.random.default_rng(0).integers(0, VOCABULARY, (policy.prompts, PROMPT)).astype(np.int32),
        "train_lengths": np.full(policy.prompts, PROMPT, np.int32),
        "train_truth": np.full(policy.prompts, -1, np.int32),
        "reference_params": params,
        "reward_params": with_head(params, SCORE, WIDTH),
    }
    data = place(data, mesh, by_member=False)
    known = HPARAMS | (OF_PPO if method == PPO else {})
    keys, hparams = place(make_members(range(num_seeds), [known] * num_seeds), mesh, by_member=True)
    state, own = [program.start(keys, hparams, data)], program.prepare(keys, data)

    def run() -> None:
        state[0], metrics = program.advance(state[0], keys, hparams, own, data, np.int32(2**30))
        jax.block_until_ready(metrics)

    return run


def flops_per_iteration() -> float:
    """Products alone: 2 FLOP per parameter and token forward, 4 more backward; 4 and 8 T D a layer for the attention."""
    _, model = make_policy(PPO)
    length, tokens = PROMPT + NEW, ROWS * (PROMPT + NEW)
    parameters = parameter_count(model) - length * WIDTH  # positions do not multiply
    forward = tokens * (2 * parameters + 4 * LAYERS * length * WIDTH)
    scored = 3  # by the policy as it was, the reference and the reward model
    return forward * (1 + scored + 3 * EPOCHS)  # the draw reads each token once, too


def main() -> None:
    """Prints the table."""
    print(machine())
    contestants = {"nn_core": ours(1), f"nn_core, {SEEDS} seeds": ours(SEEDS)}
    if installed("torch"):
        from experiments.benchmark import torch_gpt, torch_ppo

        size = torch_gpt.Size(VOCABULARY, PROMPT + NEW, WIDTH, HEADS, LAYERS, ROWS)
        work = torch_ppo.Work(ROWS, PROMPT, NEW, EPOCHS, MINIBATCHES)
        contestants["PyTorch, cached sampler"] = torch_ppo.iteration(size, work, VOCABULARY)
    for function in contestants.values():
        function()
    rate = matmul_rate("float32")
    rates = [rate()]
    times = dict(zip(contestants, alternate(list(contestants.values()), ROUNDS, pause=0.3), strict=True))
    rates.append(rate())
    print(f"one iteration of PPO: {ROWS} answers of {NEW} tokens, {EPOCHS} epochs of {MINIBATCHES} minibatches")
    for name, measured in times.items():
        ratio = "" if name == "nn_core" else f"   {median_ratio(measured, times['nn_core']):.2f} times as long"
        used = flops_per_iteration() * (SEEDS if "seeds" in name else 1) / float(np.median(measured)) / max(rates)
        print(f"  {name:24s} {np.median(measured) * 1e3:8.0f} ms   MFU {used:4.0%}{ratio}")
    print(f"  MFU: share of {max(rates) / 1e9:,.0f} GFLOP/s, the measured rate of one large matrix product")
    if installed("trl"):
        beside_trl()


def beside_trl() -> None:
    """Prints iterations of GRPO, ours before and after those of TRL."""
    from experiments.benchmark import torch_gpt, torch_ppo, trl_grpo

    run = ours(1, GRPO)
    run()
    own = [seconds(run) for _ in range(COUNTED)]
    size = torch_gpt.Size(VOCABULARY, PROMPT + NEW, WIDTH, HEADS, LAYERS, ROWS)
    theirs = trl_grpo.iterations(size, torch_ppo.Work(ROWS, PROMPT, NEW, EPOCHS, MINIBATCHES), GROUP)(COUNTED)
    own += [seconds(run) for _ in range(COUNTED)]
    one, other = float(np.median(own)), float(np.median(theirs))
    print(f"\none iteration of GRPO, the same sizes, {ROWS // GROUP} prompts with {GROUP} answers each")
    print(f"  nn_core                  {one * 1e3:8.0f} ms")
    print(f"  TRL's GRPOTrainer        {other * 1e3:8.0f} ms   {other / one:.2f} times as long")
