"""Talking to an assistant: each line is a question, what was said before stays in its context."""

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import jax

from experiments.building.prompts import encode_prompt
from experiments.trained.clock import now
from experiments.trained.language_model import LanguageModel
from nn_core.alignment.conversations import encode_turns, plain
from nn_core.alignment.templates import ASSISTANT, USER, Template, make_template
from nn_core.generation.decode import completions, generate
from nn_core.generation.filters import Sampling

PROMPT = "> "
ROOM = 24  # at least so many tokens are kept free for an answer where no length is asked for, else SHARE of the context
SHARE = 0.25
ENDLESS = 1024  # stands for the context of a model without one
Turns = list[tuple[str, str]]


def talk(model: LanguageModel, options: dict[str, Any], sampling: dict[str, Any], strategy: str) -> int:
    """Answers the prompts, or the lines of standard input, one after the other. Returns the exit code.

    Raises:
        ValueError: a tokenizer without the tokens of a conversation, an empty question, options without effect.
    """
    if strategy == "beam" or options["num_return_sequences"] > 1 or options["eos"] is not None:
        raise ValueError("chat gives one answer and knows its end; leave num_beams, num_return_sequences and eos out")
    if options["max_length"] is not None or options["keep"] is not None:
        raise ValueError(
            "chat leaves out the oldest turns where its context is full; give max_new_tokens, not max_length or keep"
        )
    template = make_template(model.tokenizer, now())
    if options["prompt"]:
        for question in options["prompt"]:
            print(f"{PROMPT}{question}\n{answer(model, template, [(USER, question)], options, sampling, strategy)}")
        return 0
    turns: Turns = []
    for question in lines():
        turns.append((USER, question))
        said = answer(model, template, turns, options, sampling, strategy)
        print(said, flush=True)
        turns.append((ASSISTANT, said))
    return 0


def lines() -> Iterable[str]:
    """Questions that are typed, until the end of the input or an empty line."""
    while True:
        print(PROMPT, end="", flush=True)
        line = sys.stdin.readline()
        if not line.strip():
            print()
            return
        yield line.strip()


def answer(
    model: LanguageModel,
    template: Template,
    turns: Sequence[tuple[str, str]],
    options: dict[str, Any],
    sampling: dict[str, Any],
    strategy: str,
) -> str:
    """What the assistant says to the last question; the oldest turns are left out where the context is full.

    Raises:
        ValueError: an empty question, or one that alone leaves no room for an answer.
    """
    encode_prompt(model.tokenizer, turns[-1][1])
    context = model.decoder.context_size
    room = options["max_new_tokens"] or max(ROOM, round(SHARE * (context or ENDLESS)))
    turns = list(turns)
    ids, _ = encode_turns(model.tokenizer, template, turns)
    while context is not None and len(ids) + room > context:
        if len(turns) == 1:
            raise ValueError(
                f"the question has {len(ids)} tokens, which leaves no room for an answer of {room} in the context of "
                f"{context}; shorten it, or lower max_new_tokens"
            )
        turns = turns[2:]
        ids, _ = encode_turns(model.tokenizer, template, turns)
    greedy = strategy == "greedy"
    key = None if greedy else jax.random.fold_in(jax.random.key(options["seed"] or 0), len(ids))
    made = generate(
        model.decoder,
        model.params,
        [ids],
        key=key,
        sampling=Sampling(**sampling),
        max_new_tokens=room,
        eos_id=template.end_id,
        pad_id=template.pad_id,
    )
    return plain(model.tokenizer, completions(made)[0])
