"""Pipelines that write: text after a prompt, and texts for texts."""

from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from experiments.pipelines.calls import text_of
from experiments.pipelines.models import Model, note
from experiments.pipelines.records import Ask
from experiments.trained.clock import now
from experiments.trained.writer import window_notes
from nn_core.generation.beam import beam_search
from nn_core.generation.decode import completions, generate
from nn_core.generation.filters import Sampling
from nn_core.generation.options import check_options
from nn_core.pretrained.chat import Message, check_messages, render, render_begun
from nn_core.pretrained.folder_tokenizer import FolderTokenizer
from nn_core.pretrained.generation_config import of_task
from nn_core.text.interface import continuation

SAMPLING = ("temperature", "top_k", "top_p", "min_p", "repetition_penalty")
BEAMS = ("length_penalty", "early_stopping")
# Of a prompt at once, as copies or as beams, and of tokens.
MOST = dict.fromkeys(("num_return_sequences", "num_beams"), 10_000) | dict.fromkeys(
    ("max_new_tokens", "max_length"), 10**6
)
ANSWERS = "assistant"  # a role of chat messages
NEW_TOKENS = 20  # what transformers takes for granted


def settings_of(model: Model, options: Mapping[str, Any]) -> dict[str, Any]:
    """What is asked, then what the folder says, then what transformers takes for granted."""
    given = {name: options[name] for name in (*SAMPLING, *BEAMS, "num_beams", "max_new_tokens", "max_length")}
    given = {name: value for name, value in given.items() if value is not None}
    said = dict(model.writing.options)
    if "max_new_tokens" in given or "max_length" in given or "max_new_tokens" in said:
        said.pop("max_length", None)
    if "max_length" in given:
        said.pop("max_new_tokens", None)
    if not {"max_new_tokens", "max_length"} & (given.keys() | said.keys()):
        said["max_new_tokens"] = NEW_TOKENS
    copies, beams = options["num_return_sequences"], given.get("num_beams", said.get("num_beams", 1))
    asked = any(name in given for name in SAMPLING[:4]) or (copies > 1 and beams == 1)
    counts = {"num_return_sequences": copies, "num_beams": beams}
    for name, most in MOST.items():
        count = counts.get(name, given.get(name, said.get(name)))
        if count is not None and count > most:
            raise ValueError(f"{name}={count} is more than {most:,}, which is far above any use; lower it")
    check_draws(options["do_sample"], given, beams)
    draws = options["do_sample"] if options["do_sample"] is not None else asked or (model.writing.draws and beams == 1)
    drop = (*SAMPLING, "seed") if beams > 1 else BEAMS if draws else (*BEAMS, *SAMPLING[:4])
    if beams > 1 and "repetition_penalty" in said:
        note(f"{model.place} asks for repetition_penalty={said['repetition_penalty']}, which beams do not heed here")
    for name in drop:  # what the folder says for another way of writing; what is asked for it is an error below
        said.pop(name, None)
    both = said | given
    seed = options["seed"]
    strategy = {name: value for name, value in both.items() if name != "num_beams"}
    if not draws and beams == 1 and "temperature" not in strategy:
        check_options(**strategy, temperature=0, num_return_sequences=copies, seed=seed)
    else:
        check_options(**strategy, num_beams=beams, num_return_sequences=copies, seed=seed)
    greedy = not draws or both.get("temperature") == 0
    return both | {"num_beams": beams, "greedy": greedy and beams == 1, "copies": copies, "seed": seed or 0}


def check_draws(do_sample: bool | None, given: Mapping[str, Any], beams: int) -> None:
    """Raises ValueError where do_sample says another thing than what else is asked."""
    if do_sample and beams > 1:
        raise ValueError(f"do_sample=True has no effect with num_beams={beams}: beams draw nothing; set num_beams=1")
    if do_sample and given.get("temperature") == 0:
        raise ValueError("do_sample=True contradicts temperature=0, which is greedy; leave one of them out")
    for name in SAMPLING[:4] if do_sample is False else ():
        if name in given and not (name == "temperature" and given[name] == 0):
            raise ValueError(f"{name}={given[name]} has no effect with do_sample=False; leave one of them out")


def write(model: Model, params: Any, prompts: list[list[int]], way: Mapping[str, Any]) -> list[list[list[int]]]:
    """New tokens of each prompt's texts."""
    if model.decoder is None:
        raise ValueError(f"{model.place} writes nothing; give a language model or an encoder-decoder")
    lengths = {name: way[name] for name in ("max_new_tokens", "max_length") if name in way}
    for told in window_notes(model.decoder.context_size, prompts, lengths):
        note(f"{model.place}: {told}")
    common = {"eos_id": model.writing.end_ids or None, **lengths}
    copies = way["copies"]
    if way["num_beams"] > 1:
        beams = {name: way[name] for name in BEAMS if name in way}
        search = beam_search(
            model.decoder, params, prompts, num_beams=way["num_beams"], num_return_sequences=copies, **beams, **common
        )
        ids, counts = np.asarray(search.ids_PKN), np.asarray(search.lengths_PK)
        return [[ids[p, k, : counts[p, k]].tolist() for k in range(copies)] for p in range(len(prompts))]
    names = SAMPLING[4:] if way["greedy"] else SAMPLING
    sampling = Sampling(**{name: way[name] for name in names if name in way and way[name] is not None})
    key = None if way["greedy"] else jax.random.key(way["seed"])
    found = generate(model.decoder, params, prompts, key=key, sampling=sampling, num_return_sequences=copies, **common)
    rows = completions(found)
    return [rows[p * copies : (p + 1) * copies] for p in range(len(prompts))]


def chat_of(value: Any) -> Sequence[Message] | None:
    """The messages of an input, which may stand under "messages"; None: it is a text."""
    if isinstance(value, str) or (isinstance(value, Mapping) and "messages" not in value):
        return None
    return check_messages(value["messages"] if isinstance(value, Mapping) else value)


def is_begun(chat: Sequence[Message]) -> bool:
    """Whether the last message is an answer, which is then gone on with."""
    return chat[-1]["role"] == ANSWERS


def written_out(tokenizer: FolderTokenizer, chat: Sequence[Message]) -> str:
    """A conversation as the text before its answer."""
    return (render_begun if is_begun(chat) else render)(tokenizer, chat, now=now())


def answered(chat: Sequence[Message], answer: str) -> list[dict[str, Any]]:
    """A conversation with its answer."""
    *before, last = map(dict, chat)
    if is_begun(chat):
        return [*before, last | {"content": last["content"] + answer}]
    return [*before, last, {"role": ANSWERS, "content": answer}]


def text_generation(model: Model, options: Mapping[str, Any]) -> Ask:
    """[{generated_text}] of a prompt, or of chat messages: the conversation with the answer."""
    tokenizer, way = model.the_tokenizer(), settings_of(model, options)

    def ask(inputs: Sequence[Any]) -> list[Any]:
        chats = [chat_of(value) for value in inputs]
        texts = [
            text_of(value) if chat is None else written_out(tokenizer, chat)
            for value, chat in zip(inputs, chats, strict=True)
        ]
        prompts = [
            model.prompt_ids(text, written_out=chat is not None) for text, chat in zip(texts, chats, strict=True)
        ]
        found = []
        written = write(model, model.params, prompts, way)
        for text, chat, prompt, rows in zip(texts, chats, prompts, written, strict=True):
            answers = [continuation(tokenizer, prompt, row) for row in rows]
            if chat is not None:
                whole = [answered(chat, answer) for answer in answers]
                kept: list[Any] = whole if options["return_full_text"] else answers
            else:
                kept = [text + answer for answer in answers] if options["return_full_text"] else answers
            found.append([{"generated_text": one} for one in kept])
        return found

    return ask


def text_to_text(key: str, task: str) -> Any:
    """Makes the pipeline of an encoder-decoder whose outputs stand under a key of their own."""

    def make(model: Model, options: Mapping[str, Any]) -> Ask:
        tokenizer, way, sources = model.the_tokenizer(), settings_of(model, options), model.sources
        assert sources is not None  # as every encoder-decoder with a tokenizer
        said = of_task(model.settings, options.get("task") or task).get("prefix", model.settings.get("prefix"))
        prefix = options["prefix"] if options["prefix"] is not None else said or ""

        def ask(inputs: Sequence[Any]) -> list[Any]:
            source = sources([prefix + text_of(value) for value in inputs])
            texts = write(model, (model.params, source), [[model.start_id]] * len(inputs), way)
            return [[{key: tokenizer.decode(row)} for row in own] for own in texts]

        return ask

    return make
