"""The same questions, and what each stage from a base model to an assistant answers (F168)."""

import numpy as np

from experiments.building.kept_tokenizer import stored_tokenizer
from experiments.run_directory.results import Results
from nn_core.alignment.conversations import spoken
from nn_core.alignment.templates import make_template
from nn_core.text.interface import Tokenizer

QUESTIONS = 5  # that are shown


def tokenizer_of(run: Results) -> Tokenizer | None:
    """The first tokenizer that lies in a run directory; all stages share one vocabulary."""
    found = sorted(run.directory.rglob("tokenizer.json"))
    return stored_tokenizer(found[0].parent) if found else None


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


def answers_table(run: Results) -> list[list[str]]:
    """ "question" and the models' names, then each of the first test questions and what they answer; empty without any."""
    tokenizer, found = tokenizer_of(run), answers_of(run)
    if tokenizer is None or not found:
        return []
    template, first = make_template(tokenizer), next(iter(found.values()))
    rows = [["question", *found]]
    for place in range(min(QUESTIONS, len(first))):
        question = spoken(tokenizer, template, first[place])[0]
        rows.append([question, *(spoken(tokenizer, template, ids[place])[1] for ids in found.values())])
    return rows


def answers_text(run: Results) -> str:
    """The first test questions, each with a line for every model that answers it."""
    table = answers_table(run)
    if not table:
        return ""
    (_, *names), *rows = table
    width = max(map(len, names))
    lines: list[str] = []
    for question, *answers in rows:
        lines += [question, *(f"  {name.ljust(width)}  {one}" for name, one in zip(names, answers, strict=True))]
    return "\n".join(lines)
