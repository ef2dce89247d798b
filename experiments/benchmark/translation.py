"""Training step and decoding of the Multi30k translator, against PyTorch's `nn.Transformer` and transformers' Marian.

Training: 64 sentences of 24 tokens on each side, Adam, dropout 0.1, label smoothing. Decoding: 64 sources, 24 new tokens
each, greedily and with 5 beams, both with caches. The parameters are random, so no search ends early. Captions: the first
64 of the validation file, until all searches have ended, by a translator that was trained (`configs/multi30k_quick.py` or
`multi30k.py`; without one this table is left out) and by transformers' Pegasus with the same weights. One session, turns
in alternation, ratios per round.
"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array, lax

from configs import multi30k
from experiments.benchmark.timing import alternate, installed, machine, median_ratio
from experiments.building.own_code import registry_of_run
from experiments.command_line.arguments import CHECKPOINTS
from experiments.run_directory.files import CONFIG
from experiments.run_directory.stored_run import load
from experiments.trained.translator import ask, translator
from nn_core.data.text_pairs import multi30k_pairs
from nn_core.generation.beam import BeamSearch, beam_search
from nn_core.generation.decode import generate
from nn_core.losses import cross_entropy
from nn_core.models.transformer.encoder_decoder import EncoderDecoder
from nn_core.models.transformer.translation import make_decoder, unstack_towers

BATCH, LENGTH, STEPS, BEAMS, ROUNDS = 64, 24, 5, 5, 5
START = 2
TRAIN = "python -m experiments.run --config=configs/multi30k_quick.py"
Contestants = dict[str, Callable[[], object]]


def make_model(dropout_rate: float | None) -> EncoderDecoder:
    """The config's model; every place of a cache is used."""
    config = multi30k.get_config()
    section = config.model
    return EncoderDecoder(
        config.data.vocabulary_size,
        LENGTH + 1,
        section.embedding_dim,
        section.heads_num,
        section.layers_num,
        ffn_features=section.ffn_features,
        activation=jax.nn.relu,
        dropout_rate=dropout_rate,
    )


def texts() -> tuple[np.ndarray, np.ndarray]:
    """Sources (64, 24) and targets (64, 25) without padding."""
    rng = np.random.default_rng(0)
    size = multi30k.get_config().data.vocabulary_size
    return tuple(rng.integers(4, size, (BATCH, LENGTH + extra)).astype(np.int32) for extra in (0, 1))  # type: ignore[return-value]


def training() -> Callable[[], None]:
    """A turn of one compiled call of several steps."""
    model, (source, target) = make_model(0.1), texts()
    params = jax.jit(model.init)(jax.random.key(0), (source, target[:, :-1]))["params"]
    optimizer = optax.adam(1e-3)

    def loss(params: Any, key: Array) -> Array:
        logits: Any = model.apply({"params": params}, (source, target[:, :-1]), False, rngs={"dropout": key})
        return cross_entropy(logits, jnp.asarray(target[:, 1:]), label_smoothing=0.1)

    @jax.jit
    def steps(state: Any, key: Array) -> Any:
        def step(state: Any, key: Array) -> tuple[Any, None]:
            slopes = jax.grad(loss)(state[0], key)
            updates, moments = optimizer.update(slopes, state[1], state[0])
            return (optax.apply_updates(state[0], updates), moments), None

        return lax.scan(step, state, jax.random.split(key, STEPS))[0]

    start = (params, optimizer.init(params))
    return lambda: jax.block_until_ready(steps(start, jax.random.key(1)))


def decoding(beams: int) -> Callable[[], None]:
    """A turn of the compiled loop."""
    model, (source, target) = make_model(None), texts()
    params = jax.jit(model.init)(jax.random.key(0), (source, target[:, :-1]))["params"]
    decoder, start = make_decoder(model), [[START]] * BATCH

    def run() -> None:
        if beams == 1:
            made: Any = generate(decoder, (params, source), start, max_new_tokens=LENGTH)
        else:
            made = beam_search(
                decoder, (params, source), start, num_beams=beams, num_return_sequences=1, max_new_tokens=LENGTH
            )
        jax.block_until_ready(made)

    return run


def peers(beams: int) -> Contestants:
    """Turns of the peers that are installed; beams 0: training."""
    if not installed("torch"):
        return {}
    from experiments.benchmark import torch_translation

    model, (source, target) = make_model(None), texts()
    size = torch_translation.Size(*structure(model), batch=BATCH, length=LENGTH)
    if beams == 0:
        return {"PyTorch, eager": torch_translation.training_steps(size, source, target, STEPS)}
    return {"transformers": torch_translation.marian_decoding(size, source, beams)}


def captions(beams: int) -> Contestants:
    """Turns that translate captions by a trained translator; none without one."""
    places = [CHECKPOINTS / name for name in ("multi30k", "multi30k_quick")]
    place = next((place for place in places if (place / CONFIG).is_file()), None)
    if place is None:
        print(f"\nno captions: {places[1]} holds no run; train one: {TRAIN}")
        return {}
    stored = load(place)
    model, marks, _ = translator(stored, registry_of_run(stored.held))
    asked = ask(model, multi30k_pairs().test[0][:BATCH], marks)
    source, longest = asked.params[1], stored.config.sample.max_new_tokens
    options = {"num_beams": beams, "num_return_sequences": 1, "max_new_tokens": longest, "eos_id": marks.end}

    def search() -> BeamSearch:
        return jax.block_until_ready(beam_search(model.decoder, asked.params, [[marks.start]] * BATCH, **options))

    found: Contestants = {"nn_core": search}
    if installed("transformers"):
        from experiments.benchmark import torch_translation

        made: Any = jax.device_get(search())
        params = unstack_towers(jax.device_get(stored.params))
        size = torch_translation.Size(*structure(model.module), batch=BATCH, length=longest)
        turn, texts = torch_translation.pegasus_decoding(size, params, np.asarray(source), marks, beams)
        ours = [row[:length].tolist() for row, length in zip(made.ids_PKN[:, 0], made.lengths_PK[:, 0], strict=True)]
        equal = sum(one == other for one, other in zip(ours, texts(), strict=True))
        lengths = f"{np.mean(made.lengths_PK[:, 0]):.1f} new tokens, at most {np.max(made.lengths_PK[:, 0])}"
        print(f"\ncaptions of {place.name}: {lengths}; {equal} of {BATCH} texts are equal to those of transformers")
        found["transformers"] = turn
    return found


def structure(model: Any) -> tuple[int, int, int, int, int]:
    """Vocabulary, width, heads, layers and features of a translator."""
    features = model.ffn_features or 4 * model.embedding_dim
    return model.vocabulary_size, model.embedding_dim, model.heads_num, model.layers_num, features


def main() -> None:
    """Prints the tables."""
    print(machine())
    tables = {
        f"training, {BATCH} sentences of {LENGTH} tokens, {STEPS} steps": ({"nn_core": training()} | peers(0), STEPS),
        f"greedy, {BATCH} sentences": ({"nn_core": decoding(1)} | peers(1), 1),
        f"{BEAMS} beams, {BATCH} sentences": ({"nn_core": decoding(BEAMS)} | peers(BEAMS), 1),
        f"{BEAMS} beams, {BATCH} captions until all have ended": (captions(BEAMS), 1),
    }
    for name, (contestants, parts) in tables.items():
        if not contestants:
            continue
        for function in contestants.values():
            function()
        times = dict(zip(contestants, alternate(list(contestants.values()), ROUNDS, pause=0.3), strict=True))
        print(f"\n{name}")
        for peer, measured in times.items():
            each = 1e3 * float(np.median(measured)) / parts
            ratio = (
                "" if peer == "nn_core" else f"   nn_core is {median_ratio(measured, times['nn_core']):.2f}x as fast"
            )
            print(f"  {peer:16s} {each:10,.1f} ms{ratio}", flush=True)
