"""Folders of GPT-2's and BERT's size against transformers: the same weights, in turns, as ratios.

An encoder of BERT-base's shape reads 16 texts of 128 tokens; GPT-2 (124 million parameters) writes 100 tokens, greedily;
its folder of 500 MB is loaded, and its first token written. transformers runs eagerly, and compiled where that works.
The weights are random: speed does not depend on them.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from experiments.benchmark.timing import alternate, installed, machine, median_ratio
from nn_core.activations import gelu_tanh
from nn_core.generation.decode import completions, generate
from nn_core.models.transformer.encoder import Encoder, HiddenStates
from nn_core.models.transformer.gpt import GPT
from nn_core.models.transformer.language_model import make_decoder
from nn_core.pretrained.export import export
from nn_core.pretrained.load import load

BATCH, LENGTH, NEW_TOKENS, ROUNDS = 16, 128, 100, 5
PROMPT = list(range(100, 116))
BERT = HiddenStates(
    Encoder(
        vocabulary_size=30_522,
        context_size=512,
        embedding_dim=768,
        heads_num=12,
        layers_num=12,
        norm_epsilon=1e-12,
        ffn_features=3072,
    )
)
GPT2 = GPT(
    vocabulary_size=50_257,
    context_size=1024,
    embedding_dim=768,
    heads_num=12,
    layers_num=12,
    activation=gelu_tanh,
    norm_epsilon=1e-5,
    ffn_features=3072,
    tied_head=True,
    head_bias=False,
)
Contestants = dict[str, Callable[[], Any]]


def write_folder(folder: Path, module: Any) -> Path:
    """A folder with random weights."""
    ids_11 = jnp.zeros((1, 1), jnp.int32)
    params = jax.jit(module.init)(jax.random.key(0), ids_11)["params"]
    return export(folder, module, params, settings={"bos_token_id": None, "eos_token_id": None, "pad_token_id": 0})


def encoders(folder: Path) -> Contestants:
    """Turns that read a batch of texts."""
    ids = np.random.default_rng(0).integers(1, 30_522, (BATCH, LENGTH)).astype(np.int32)
    model = load(folder)
    apply = jax.jit(lambda params, ids: model.module.apply({"params": params}, ids))
    found: Contestants = {"nn_core": lambda: jax.block_until_ready(apply(model.params, ids))}
    if installed("transformers"):
        import torch
        import transformers

        peer = transformers.BertModel.from_pretrained(folder, add_pooling_layer=False).eval()
        tokens = torch.tensor(ids).long()
        mask = torch.ones_like(tokens)

        def read(reader: Any) -> Callable[[], Any]:
            def turn() -> Any:
                with torch.inference_mode():
                    return reader(tokens, attention_mask=mask).last_hidden_state

            return turn

        found |= {"transformers": read(peer), "transformers, compiled": read(torch.compile(peer))}
    return found


def writers(folder: Path) -> Contestants:
    """Turns that write 100 tokens."""
    model = load(folder)
    decoder = make_decoder(model.module)  # type: ignore[arg-type]

    def ours() -> None:
        (row,) = completions(generate(decoder, model.params, [PROMPT], max_new_tokens=NEW_TOKENS))
        assert len(row) == NEW_TOKENS

    found: Contestants = {"nn_core": ours}
    if installed("transformers"):
        import torch
        import transformers

        peer = transformers.GPT2LMHeadModel.from_pretrained(folder).eval()
        prompt = torch.tensor([PROMPT])

        def theirs() -> None:
            with torch.inference_mode():
                ids = peer.generate(
                    prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=NEW_TOKENS, do_sample=False
                )
            assert ids.shape[1] == len(PROMPT) + NEW_TOKENS

        found["transformers"] = theirs
    return found


def loaders(folder: Path, first_token: bool) -> Contestants:
    """Turns that load the folder, and perhaps write a token; the programs are compiled before."""
    decoder = make_decoder(GPT2)

    def ours() -> None:
        params = load(folder).params
        if first_token:
            completions(generate(decoder, params, [PROMPT], max_new_tokens=1))
        jax.block_until_ready(params)

    found: Contestants = {"nn_core": ours}
    if installed("transformers"):
        import safetensors.torch
        import torch
        import transformers

        def theirs() -> Any:
            if not first_token:  # its tensors are pages of the file until they are read
                return sum(
                    float(one.sum()) for one in safetensors.torch.load_file(folder / "model.safetensors").values()
                )
            peer, prompt = transformers.GPT2LMHeadModel.from_pretrained(folder).eval(), torch.tensor([PROMPT])
            with torch.inference_mode():
                return peer.generate(prompt, attention_mask=torch.ones_like(prompt), max_new_tokens=1, do_sample=False)

        found["transformers" if first_token else "safetensors.torch"] = theirs
    return found


def compare(title: str, contestants: Contestants) -> None:
    """Prints medians, and how much faster we are."""
    print(f"\n{title}")
    ready: Contestants = {}
    for name, function in contestants.items():
        try:
            function()
        except Exception as error:  # a compiler that is missing here
            print(f"  {name:24s} does not run here: {str(error).splitlines()[0][:80]}")
        else:
            ready[name] = function
    times = dict(zip(ready, alternate(list(ready.values()), ROUNDS, pause=0.3), strict=True))
    for name, measured in times.items():
        ratio = "" if name == "nn_core" else f"   nn_core is {median_ratio(measured, times['nn_core']):.2f}x as fast"
        print(f"  {name:24s} {float(np.median(measured)) * 1000:10,.0f} ms{ratio}", flush=True)


def main() -> None:
    """Prints the tables."""
    print(machine())
    with tempfile.TemporaryDirectory() as place:
        bert, gpt2 = write_folder(Path(place) / "bert", BERT), write_folder(Path(place) / "gpt2", GPT2)
        compare(f"an encoder of BERT-base's shape, {BATCH} x {LENGTH} tokens", encoders(bert))
        compare(f"GPT-2, 124 million parameters, {NEW_TOKENS} tokens", writers(gpt2))
        compare("its folder of 500 MB: loading", loaders(gpt2, first_token=False))
        compare("the same, first token included", loaders(gpt2, first_token=True))
