"""The same questions, and what each stage from a base model to an assistant answers (F168)."""

from typing import Any

import numpy as np

from experiments.run_directory.results import Results
from nn_core.alignment.conversations import make_template, plain
from nn_core.text.interface import Tokenizer
from nn_core.text.tokenizers import load_tokenizer

QUESTIONS = 5  # that are shown


def tokenizer_of(run: Results) -> Tokenizer | None:
    """The first tokenizer that lies in a run directory; all stages share one vocabulary."""
    found = sorted(run.directory.rglob("tokenizer.json"))
    return load_tokenizer(found[0]) if found else None


def spoken(tokenizer: Tokenizer, ids_T: Any) -> tuple[str, str]:
    """A question and its answer from one row of tokens."""
    template, ids = make_template(tokenizer), [int(token) for token in ids_T]
    place = ids.index(template.answer_id)
    rest = ids[place + 1 :]
    stop = rest.index(template.end_id) if template.end_id in rest else len(rest)
    return plain(tokenizer, ids[:place]), plain(tokenizer, rest[:stop])


def answers_of(run: Results) -> dict[str, np.ndarray]:
    """Greedy answers to the same questions, by who gives them: (M, T) ids each, of the first seed of each stage."""
    found: dict[str, np.ndarray] = {}
    for row in run.rows:
        stage = (row["label"] or run.config["name"]).partition(":")[0]
        if "start_answers" in row:
            found.setdefault("before", np.asarray(row["start_answers"]))
        if "answers" in row:
            found.setdefault(stage, np.asarray(row["answers"]))
    return found


def answers_text(run: Results) -> str:
    """The first test questions, each with a line for every model that answers it."""
    tokenizer, found = tokenizer_of(run), answers_of(run)
    lines: list[str] = []
    if tokenizer is None or not found:
        return ""
    width = max(map(len, found))
    for place in range(QUESTIONS):
        lines.append(spoken(tokenizer, next(iter(found.values()))[place])[0])
        lines += [f"  {name.ljust(width)}  {spoken(tokenizer, ids[place])[1]}" for name, ids in found.items()]
    return "\n".join(lines)
