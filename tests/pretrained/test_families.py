"""Folders of every family: numbers equal those of transformers (golden.npz), and the way back is bit for bit."""

import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from nn_core.generation.beam import beam_search
from nn_core.generation.decode import completions, generate
from nn_core.models.transformer import translation
from nn_core.models.transformer.language_model import make_decoder, token_losses
from nn_core.pretrained.export import export
from nn_core.pretrained.load import Pretrained, load
from tests.pretrained.folders import FOLDERS, inputs, write_folder
from tests.pretrained.oracle_python import ORACLE

GOLDEN = Path(__file__).with_name("golden.npz")
ROWS = (0, 36, 37, 38, 99, 499)
CAUSAL = ("gpt2", "llama", "mistral", "qwen2", "qwen3")
GRADIENTS = {"gpt2": "attention/qkv", "llama": "feed_forward/up"}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("folders")
    for name in FOLDERS:
        write_folder(root / name, name)
    return root


@cache
def loaded(folder: Path) -> Pretrained:
    return load(folder)


@cache
def golden() -> dict[str, np.ndarray]:
    return dict(np.load(GOLDEN))


def logits(model: Pretrained, inputs: np.ndarray) -> np.ndarray:
    return np.asarray(jax.jit(lambda params: model.module.apply({"params": params}, inputs))(model.params))


@pytest.mark.parametrize("name", CAUSAL)
def test_logits_of_language_models(folders: Path, name: str) -> None:
    """500 tokens: short prompts hide faults of rotations and windows."""
    model = loaded(folders / name)
    ids = inputs()["short" if name == "gpt2" else "long"]
    found = logits(model, ids)
    found = found if name == "gpt2" else found[:, list(ROWS)]
    np.testing.assert_allclose(found, golden()[f"{name}_logits"], atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", ["llama", pytest.param("qwen3", marks=pytest.mark.slow)])
def test_half_precision_is_as_near_to_single_as_that_of_transformers(folders: Path, name: str) -> None:
    """bfloat16 rounds otherwise in every order of sums: its distance from float32 is what can be compared."""
    model = load(folders / name, dtype="bfloat16")
    module = model.module.clone(dtype=jnp.bfloat16)
    found = module.apply({"params": model.params}, inputs()["long"])[:, list(ROWS)].astype(np.float32)
    exact = golden()[f"{name}_logits"]
    ours, theirs = (np.sqrt(np.mean((half - exact) ** 2)) for half in (found, golden()[f"{name}_half"]))
    assert 0.002 < ours / exact.std() and ours < 1.25 * theirs


@pytest.mark.parametrize("name", ["vit", "deit", "deit_one_head", "vit_base", "deit_base"])
def test_logits_of_image_classifiers(folders: Path, name: str) -> None:
    found = logits(loaded(folders / name), inputs()["pixels"])
    np.testing.assert_allclose(found, golden()[f"{name}_logits"], atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", ["gpt2", "llama"])
def test_gradients(folders: Path, name: str) -> None:
    model = loaded(folders / name)
    ids = inputs()["short" if name == "gpt2" else "long"]

    def loss(params: Any) -> jax.Array:
        return token_losses(model.module, params, ids[:, :-1], ids[:, 1:]).mean()

    gradient = jax.jit(jax.grad(loss))(model.params)["stack"]["block_0"]
    part, layer = GRADIENTS[name].split("/")
    kernel = np.asarray(gradient[part][layer]["kernel"])
    found = kernel if name == "gpt2" else kernel[:, kernel.shape[1] // 2 :].T
    np.testing.assert_allclose(found, golden()[f"{name}_gradient"], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("name", ["gpt2", "mistral", "qwen3"])
def test_greedy_texts(folders: Path, name: str) -> None:
    """20 tokens behind 13, so that the gap-filling padding of finished rows does not matter; id 1 ends a text."""
    model, prompts = loaded(folders / name), inputs()["short"]
    decoder = make_decoder(model.module)
    found = completions(generate(decoder, model.params, prompts.tolist(), max_new_tokens=20, eos_id=1))
    for row, wanted in zip(found, golden()[f"{name}_greedy"][:, 13:], strict=True):
        assert row + [0] * (len(wanted) - len(row)) == wanted.tolist()


def test_a_text_ends_at_the_first_of_several_end_tokens(folders: Path) -> None:
    """As Llama 3 has three of them: a text is cut behind whichever comes first."""
    model, prompts = loaded(folders / "gpt2"), inputs()["short"].tolist()
    decoder = make_decoder(model.module)
    whole = completions(generate(decoder, model.params, prompts, max_new_tokens=20))
    ends = (whole[0][3], whole[1][5])
    found = completions(generate(decoder, model.params, prompts, max_new_tokens=20, eos_id=ends))
    for row, cut in zip(whole, found, strict=True):
        assert cut == row[: next(i for i, token in enumerate(row) if token in ends) + 1]


@pytest.mark.parametrize("name", ["gpt2", pytest.param("llama", marks=pytest.mark.slow)])
def test_beams(folders: Path, name: str) -> None:
    model, prompts = loaded(folders / name), inputs()["short"]
    search = beam_search(
        make_decoder(model.module),
        model.params,
        prompts.tolist(),
        num_beams=3,
        max_new_tokens=20,
        eos_id=1,
        length_penalty=0.0,
    )
    ids, lengths = np.asarray(search.ids_PKN)[:, 0], np.asarray(search.lengths_PK)[:, 0]
    for row, length, wanted in zip(ids, lengths, golden()[f"{name}_beams"][:, 13:], strict=True):
        assert row[:length].tolist() + [0] * (len(wanted) - length) == wanted.tolist()


ENCODERS = {
    "bert": ("prediction_logits", "seq_relationship_logits"),
    "bert_words": ("logits",),
    "bert_untied": ("logits",),
    "bert_follows": ("logits",),
    "bert_pooled": ("last_hidden_state", "pooler_output"),
    "bert_text": ("logits",),
    "bert_tokens": ("logits",),
    "bert_span": ("start_logits", "end_logits"),
    "roberta": ("logits",),
    "roberta_untied": ("logits",),
    "roberta_xlm": ("logits",),
    "roberta_text": ("logits",),
    "roberta_tokens": ("logits",),
    "roberta_span": ("start_logits", "end_logits"),
    "distilbert": ("last_hidden_state",),
    "distilbert_words": ("logits",),
    "distilbert_text": ("logits",),
    "distilbert_tokens": ("logits",),
    "distilbert_span": ("start_logits", "end_logits"),
}


@pytest.mark.parametrize("name", ENCODERS)
def test_encoders_with_padding_and_segments(folders: Path, name: str) -> None:
    model, asked = loaded(folders / name), inputs()
    padding = asked["padding"]
    ids = np.where(padding, model.settings.values["pad_token_id"], asked["texts"])
    segments = asked["segments"] if name.startswith("bert") else None
    found = jax.jit(lambda params: model.module.apply({"params": params}, ids, segments))(model.params)
    found = np.moveaxis(found, 1, 0) if name.endswith("_span") else found if isinstance(found, tuple) else (found,)
    for key, value in zip(ENCODERS[name], map(np.array, found), strict=True):
        if value.ndim > 1 and value.shape[1] == 17:
            value[padding] = 0
        np.testing.assert_allclose(value, golden()[f"{name}_{key}"], atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", ["t5", *(pytest.param(name, marks=pytest.mark.slow) for name in ("flan", "mt5"))])
def test_encoder_decoders(folders: Path, name: str) -> None:
    """Scaled outputs of a tied head, and an untied one; texts, greedily and by beams."""
    model, asked = loaded(folders / name), inputs()
    source = np.where(asked["padding"], 0, asked["texts"])
    module, variables = model.module, {"params": model.params}
    memory = np.array(module.apply(variables, source, method="encode"))
    memory[asked["padding"]] = 0
    np.testing.assert_allclose(memory, golden()[f"{name}_memory"], atol=1e-4, rtol=0)
    found = module.apply(variables, (source, asked["targets"]))
    np.testing.assert_allclose(found, golden()[f"{name}_logits"], atol=1e-4, rtol=0)
    decoder, params = translation.make_decoder(module), (model.params, source)
    texts = completions(generate(decoder, params, [[0], [0]], max_new_tokens=20, eos_id=1))
    for row, wanted in zip(texts, golden()[f"{name}_greedy"][:, 1:].tolist(), strict=True):
        assert row + [0] * (len(wanted) - len(row)) == wanted
    search = beam_search(decoder, params, [[0], [0]], num_beams=3, max_new_tokens=20, eos_id=1, length_penalty=0.0)
    lengths = np.asarray(search.lengths_PK)[:, 0]
    for row, length, wanted in zip(
        np.asarray(search.ids_PKN)[:, 0], lengths, golden()[f"{name}_beams"][:, 1:], strict=True
    ):
        assert row[:length].tolist() + [0] * (len(wanted) - length) == wanted.tolist()


@pytest.mark.parametrize("name", FOLDERS)
def test_the_way_back_is_bit_for_bit(folders: Path, tmp_path: Path, name: str) -> None:
    model = loaded(folders / name)
    export(tmp_path / name, model.module, model.params)
    again = load(tmp_path / name)
    assert again.module == model.module and again.family == model.family
    assert jax.tree.structure(again.params) == jax.tree.structure(model.params)
    jax.tree.map(np.testing.assert_array_equal, again.params, model.params)


@pytest.mark.slow
@pytest.mark.skipif(not ORACLE.is_file(), reason="needs a Python with torch and transformers: NN_CORE_ORACLE_PYTHON")
def test_golden_numbers_are_what_transformers_says_of_what_we_export(folders: Path, tmp_path: Path) -> None:
    """Twice: of the generator's folders, and of the ones that go through our parameters and back."""
    for name in FOLDERS:
        model = loaded(folders / name)
        export(tmp_path / "back" / name, model.module, model.params)
    for root in (folders, tmp_path / "back"):
        out = tmp_path / "answers.npz"
        paths = [str(root / name) for name in FOLDERS]
        command = [str(ORACLE), "-m", "tests.pretrained.oracle", str(out), *paths]
        subprocess.run(command, check=True, capture_output=True, cwd=Path(__file__).parents[2])
        answers = np.load(out)
        assert set(answers.files) == set(golden())
        for key in answers.files:
            np.testing.assert_allclose(answers[key], golden()[key], atol=2e-5, rtol=1e-4, err_msg=key)
