import io
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from configs import gpt_quick
from experiments import sample
from experiments.building.registry import REGISTRY
from experiments.run_directory.files import ENTRIES
from experiments.run_directory.lock import HOLDER, LOCK
from experiments.trained import writer
from experiments.training import samples
from nn_core.generation.decode import Generation, completions, generate
from nn_core.generation.filters import Sampling
from nn_core.text.interface import REPLACEMENT
from nn_core.text.tokenizers import make_tokenizer
from tests.experiments import tiny
from tests.experiments.programs import PROGRAMS

OPTIONS = {name: option.default for name, option in sample.OPTIONS.items()}


def written(model, *prompts: str, sampling=None, greedy=False, **options) -> tuple[str, str]:
    """What `sample` writes, and its line about it, without restoring the model again."""
    chosen = OPTIONS | {"num_beams": 1} | options
    request = writer.prepare(model, prompts, chosen)
    out = io.StringIO()
    if chosen["num_beams"] > 1:
        told = writer.search(model, request, chosen, out)
    else:
        # A temperature that is given, if only as 1, is the program that the run has written its samples with.
        told = writer.stream(model, request, {"temperature": 1.0} | (sampling or {}), greedy, chosen, out)
    return out.getvalue(), told


def test_the_command_writes_the_prompt_and_goes_on(tiny_run, capsys):
    words = [f"--checkpoint={tiny_run}", "--prompt=Anna", "--max_new_tokens=20", "--temperature=0.8", "--top_k=5"]
    assert sample.main([*words, "--seed=1"]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("Anna") and len(captured.out) == len("Anna") + 20 + len("\n")
    assert captured.err.count("past the context window of 16 tokens") == 1 and "20 new tokens" in captured.err


def test_without_a_prompt_it_starts_as_the_run_says(tiny_run, capsys):
    assert sample.main([f"--checkpoint={tiny_run}", "--greedy"]) == 0
    out = capsys.readouterr().out
    assert out.startswith("\n") and len(out) == 1 + 9 + 1


def test_the_streamed_text_is_that_of_one_call(tiny_model):
    prompt = "The dog"
    text, told = written(tiny_model, prompt, sampling={"temperature": 1.3}, seed=3, max_new_tokens=37)
    made = generate(
        tiny_model.decoder,
        tiny_model.params,
        [tiny_model.tokenizer.encode(prompt).tolist()],
        key=jax.random.key(3),
        sampling=Sampling(temperature=1.3),
        max_new_tokens=37,
    )
    assert text == prompt + tiny_model.tokenizer.decode(completions(made)[0]) + "\n"
    assert told.startswith("37 new tokens, log p -")


def test_the_seed_decides(tiny_model):
    first, again, other = (written(tiny_model, "A", seed=seed, max_new_tokens=30)[0] for seed in (1, 1, 2))
    assert first == again != other


def test_several_prompts_and_texts_are_told_apart(tiny_model):
    text, _ = written(tiny_model, "Anna", "The cat is", num_return_sequences=2, max_length=14)
    parts = text.split(writer.RULE)[1:]
    assert [part.split("\n", 1)[0] for part in parts] == [f" {n} of 4" for n in (1, 2, 3, 4)]
    bodies = [part.split("\n", 1)[1][:14] for part in parts]
    assert [body[:4] for body in bodies[:2]] == ["Anna"] * 2 and all(b.startswith("The cat is") for b in bodies[2:])
    assert bodies[0] != bodies[1]
    assert all(len(part.split("\n", 1)[1].removesuffix("\n")) == 14 for part in parts)


def test_a_text_stops_at_its_end_token(tiny_model):
    free, _ = written(tiny_model, "A", seed=5, max_new_tokens=60)
    end = free[20]
    stopped, _ = written(tiny_model, "A", seed=5, max_new_tokens=60, eos=end)
    assert stopped == free[: free.index(end, 1) + 1] + "\n"


def test_beams_give_their_best_texts_with_scores(tiny_model):
    text, told = written(tiny_model, "A", num_beams=3, num_return_sequences=2, max_new_tokens=5)
    scores = [float(line.split("score ")[1]) for line in text.splitlines() if line.startswith(writer.RULE)]
    assert len(scores) == 2 and scores[0] >= scores[1]
    assert told.startswith("5 new tokens, log p")


def test_half_a_character_is_held_back():
    assert writer.whole("caf" + REPLACEMENT) == "caf" and writer.whole("café") == "café"


def test_the_run_traced_each_program_once_whatever_its_steps_and_samples(tiny_training):
    """Two chunks of steps, three evaluations, three samples."""
    names = {*PROGRAMS, "sample"} - {"prepare"}  # a text is read as it is: nothing to prepare
    assert {name: tiny_training.compiled[name] for name in names} == dict.fromkeys(names, 1)
    # The check before the run included.
    assert {name: tiny_training.traced[name] for name in names} == dict.fromkeys(names, 1)


def test_the_run_left_samples_and_losses(tiny_run):
    names = sorted(path.name for path in (tiny_run / "samples").iterdir())
    assert names == ["000000.txt", "000003.txt", "000006.txt"]
    texts = [(tiny_run / "samples" / name).read_text() for name in names]
    assert all(text.startswith("\n") and len(text) == 10 for text in texts)
    rows = [json.loads(line) for line in (tiny_run / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows if "batch_loss" in row] == [1, 2, 3, 4, 5, 6]
    judged = [row for row in rows if "validation_loss" in row]
    assert [row["step"] for row in judged] == [0, 3, 6]
    vocabulary = len(set(tiny.TEXT))
    assert abs(judged[0]["validation_loss"] - np.log(vocabulary)) < 0.1
    for row in judged:
        np.testing.assert_allclose(row["validation_perplexity"], np.exp(row["validation_loss"]), rtol=1e-5)
    assert not any("second" in name for row in rows for name in row)


BAD = [
    (["--temprature=1"], "unknown option --temprature; did you mean temperature?"),
    (["--top_p=0"], "top_p=0.0 is outside (0, 1]"),
    (["--top_p=1.01"], "top_p=1.01 is outside (0, 1]"),
    (["--temperature=-0.1"], "temperature=-0.1 must be 0 or more"),
    (["--temperature=nan"], "temperature=nan must be 0 or more"),
    (["--top_k=0"], "top_k=0 must be a whole number >= 1"),
    (["--top_k=99999999999"], "top_k=99999999999 is more than 2147483647"),
    (["--min_p=2"], "min_p=2.0 is outside [0, 1]"),
    (["--repetition_penalty=0"], "repetition_penalty=0.0 must be > 0"),
    (["--max_new_tokens=3", "--max_length=9"], "--max_new_tokens=3 conflicts with --max_length=9"),
    (["--max_new_tokens=0"], "max_new_tokens=0 must be at least 1"),
    (["--max_new_tokens=1e3"], "--max_new_tokens=1e3 is not an int"),
    (["--temperature=0", "--top_k=3"], "--top_k=3 has no effect with --temperature=0 (greedy)"),
    (["--greedy", "--seed=1"], "--seed=1 has no effect with --temperature=0 (greedy)"),
    (["--greedy", "--temperature=0.5"], "temperature=0.5 has no effect with greedy"),
    (["--greedy", "--num_beams=2"], "greedy conflicts with --num_beams=2"),
    (["--greedy", "--num_return_sequences=2"], "would repeat one text"),
    (["--num_beams=2", "--temperature=1"], "temperature=1.0 has no effect with beam search"),
    (["--num_beams=2", "--num_return_sequences=3"], "is more than --num_beams=2"),
    (["--length_penalty=2"], "length_penalty=2.0 has no effect with one beam"),
    (["--num_beams=2", "--length_penalty=nan"], "length_penalty=nan is not a finite number"),
    (["--seed=-1"], "seed=-1 is outside [0, 4294967295]"),
    (["--step=soon"], "--step=soon is not a checkpoint"),
    (["--prompt"], "--prompt has no value"),
    (["prompt=a"], "unexpected argument 'prompt=a'; write --prompt=a"),
    (["--prompt="], "the prompt is empty"),
    (["--prompt=Zoë 7"], "characters outside the vocabulary: '7' 'Z' 'ë'"),
    (["--prompt=\\n"], "a line break is typed $'\\n' in a shell"),
    (["--prompt=Anna sees", "--max_length=9"], "leaves no room after a prompt of 9 tokens"),
    (["--eos=ab"], "eos='ab' is not one token"),
    (["--eos=ß"], "eos='ß' is not one token"),
    (["--keep=17"], "--keep=17 is outside 1 .. context_size=16"),
    (["--chat", "--keep=3"], "give max_new_tokens, not max_length or keep"),
    (["--chat", "--max_length=9"], "give max_new_tokens, not max_length or keep"),
    (["--keep=5", "--prompt=Anna", "--max_new_tokens=3"], "--keep=5 has no effect, the text of at most 7 tokens stays"),
]


@pytest.mark.parametrize(
    ("words", "message"), BAD, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_every_mistake_is_one_line_and_exit_code_2(words, message, tiny_run, capsys):
    assert sample.main([f"--checkpoint={tiny_run}", *words]) == 2
    captured = capsys.readouterr()
    assert message in captured.err and not captured.out
    assert captured.err.splitlines()[-1].startswith("error: ")
    assert sum(line.startswith("error") for line in captured.err.splitlines()) == 1 and "Traceback" not in captured.err


def test_a_checkpoint_must_be_named_and_exist(capsys, tmp_path):
    assert sample.main([]) == 2
    assert "--checkpoint is missing" in capsys.readouterr().err
    assert sample.main([f"--checkpoint={tmp_path / 'none'}"]) == 2
    assert "there is no run directory" in capsys.readouterr().err


def test_help_lists_the_options(capsys):
    assert sample.main(["--help"]) == 0
    printed = capsys.readouterr().out
    assert all(f"--{name}" in printed for name in sample.OPTIONS)


def test_samples_are_the_same_from_a_kept_program(tiny_model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def texts(keep: Path | None) -> list[str]:
        write = samples.continuation(tiny_model.stored.config, REGISTRY, tiny_model.tokenizer, keep)
        return [write(step, tiny_model.params) for step in (0, 7)]

    plain = texts(None)
    assert plain[0] != plain[1] and texts(tmp_path) == plain
    monkeypatch.setattr(samples, "generate", None)
    assert texts(tmp_path) == plain


def test_a_sample_keeps_the_blank_between_the_prompt_and_its_first_word(monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = make_tokenizer("bpe", ["the cat sat on the mat"], vocabulary_size=30)
    prompt, whole = tokenizer.encode("the cat"), tokenizer.encode("the cat sat")
    ids_1N = jnp.asarray(whole[len(prompt) :])[None]
    made = Generation(ids_1N, jnp.array([ids_1N.size]), jnp.zeros(ids_1N.shape), jnp.array([False]))
    monkeypatch.setattr(samples, "generate", lambda *arguments, **options: made)
    monkeypatch.setattr(samples, "make_run_decoder", lambda *arguments: None)
    config = gpt_quick.get_config()
    config.sample.prompt = "the cat"
    assert samples.continuation(config, REGISTRY, tokenizer, None)(3, {}) == "the cat sat"


def test_every_file_of_a_language_run_can_be_put_aside(tiny_run):
    assert {path.name for path in tiny_run.iterdir()} <= {*ENTRIES, LOCK, HOLDER}
