"""Pipelines that point at parts of a text: entities, and answers to questions."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from experiments.pipelines.encoders import at_least_one, feed, named, reader, softmax
from experiments.pipelines.models import Model
from experiments.pipelines.records import Ask
from nn_core.pretrained.folder_tokenizer import Fed, part

STRATEGIES = ("none", "simple", "first", "average", "max")


def token_classification(model: Model, options: Mapping[str, Any]) -> Ask:
    """Entities with their places: token by token, or joined by the aggregation strategy."""
    strategy = options["aggregation_strategy"]
    if strategy not in STRATEGIES:
        raise ValueError(f"aggregation_strategy={strategy!r} is unknown; use one of {', '.join(STRATEGIES)}")
    read, ignored = reader(model), set(named(options["ignore_labels"]))

    def ask(inputs: Sequence[Any]) -> list[Any]:
        fed = [feed(model, value, options["truncation"]) for value in inputs]
        found = []
        for one, logits in zip(fed, read(fed), strict=True):
            tokens = _tokens(model, one, softmax(logits[: len(one.ids)]))
            entities = _plain(model, tokens) if strategy == "none" else _joined(model, tokens, strategy)
            found.append([one for one in entities if not ignored & {one.get("entity"), one.get("entity_group")}])
        return found

    return ask


def _tokens(model: Model, fed: Fed, scores_TC: np.ndarray) -> list[dict[str, Any]]:
    spellings = model.the_tokenizer().tokens(fed.ids)
    return [
        {
            "index": i,
            "id": fed.ids[i],
            "word": spellings[i],
            "place": fed.offsets[i],
            "number": fed.words[i],
            "scores": scores_TC[i],
        }
        for i in range(len(fed.ids))
        if fed.texts[i] is not None
    ]


def _plain(model: Model, tokens: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for token in tokens:
        best = int(np.argmax(token["scores"]))
        about = {"entity": model.labels[best], "score": float(token["scores"][best])}
        start, end = token["place"]
        found.append(about | {"index": token["index"], "word": token["word"], "start": start, "end": end})
    return found


def _joined(model: Model, tokens: list[dict[str, Any]], strategy: str) -> list[dict[str, Any]]:
    """Words by the strategy, then neighbours of one kind as one entity; B- begins another."""
    if strategy == "simple":
        words = [(token["place"], token["scores"], [token["id"]]) for token in tokens]
    else:
        words = [_word(group, strategy) for group in _by_word(tokens)]
    groups: list[dict[str, Any]] = []
    tokenizer = model.the_tokenizer()
    for (start, end), scores, ids in words:
        best = int(np.argmax(scores))
        label = model.labels[best]
        begins, kind = (label.startswith("B-"), label[2:]) if label[:2] in ("B-", "I-") else (False, label)
        score = float(scores[best])
        last = groups[-1] if groups else None
        if last is not None and not begins and last["kind"] == kind:
            last["end"] = end
            last["all"].append(score)
            last["ids"].append(ids)
        else:
            groups.append({"kind": kind, "start": start, "end": end, "all": [score], "ids": [ids]})

    def spell(words: list[list[int]]) -> str:
        """Tokens belong together; words have a space between them."""
        parts = [sum(words, [])] if strategy == "simple" else words
        return " ".join(tokenizer.decode(ids, skip_special=False) for ids in parts)

    return [
        {
            "entity_group": group["kind"],
            "score": float(np.mean(group["all"])),
            "word": spell(group["ids"]),
            "start": group["start"],
            "end": group["end"],
        }
        for group in groups
    ]


def _by_word(tokens: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    groups: list[list[dict[str, Any]]] = []
    for token in tokens:
        if groups and token["number"] is not None and groups[-1][-1]["number"] == token["number"]:
            groups[-1].append(token)
        else:
            groups.append([token])
    return groups


def _word(group: list[dict[str, Any]], strategy: str) -> tuple[tuple[int, int], np.ndarray, list[int]]:
    scores = np.stack([token["scores"] for token in group])
    if strategy == "first":
        chosen = scores[0]
    elif strategy == "average":
        chosen = scores.mean(axis=0)
    else:
        chosen = scores[int(np.argmax(scores.max(axis=1)))]
    return (group[0]["place"][0], group[-1]["place"][1]), chosen, [token["id"] for token in group]


def question_answering(model: Model, options: Mapping[str, Any]) -> Ask:
    """{score, start, end, answer}: the most probable span of a context of any length."""
    at_least_one(options, "top_k", "max_seq_len", "max_answer_len", "doc_stride")
    read, tokenizer = reader(model), model.the_tokenizer()
    longest = min(options["max_seq_len"], model.module.encoder.context_size)

    def ask(inputs: Sequence[Any]) -> list[Any]:
        windows, owners = [], []
        for i, value in enumerate(inputs):
            texts = [value.get(name) for name in ("question", "context")] if isinstance(value, Mapping) else [None]
            if not all(isinstance(text, str) for text in texts):
                raise ValueError('question-answering reads {"question": "…", "context": "…"}')
            cut = _windows(tokenizer.feed(value["question"], value["context"]), longest, options["doc_stride"])
            windows += cut
            owners += [i] * len(cut)
        logits = read(windows)
        found = []
        for i, value in enumerate(inputs):
            own = [(windows[j], logits[j]) for j in range(len(windows)) if owners[j] == i]
            found.append(_answers(value["context"], own, options))
        return found

    return ask


def _windows(fed: Fed, longest: int, stride: int) -> list[Fed]:
    """The context in parts that overlap by `stride` tokens, each with the whole question."""
    places = [i for i, source in enumerate(fed.texts) if source == 1]
    if not places:
        raise ValueError("the context is empty; there is nothing to find an answer in")
    head, tail = list(range(places[0])), list(range(places[-1] + 1, len(fed.ids)))
    room = longest - len(head) - len(tail)
    if room <= stride:
        stride = room // 2
    if room < 2:
        raise ValueError(f"the question has {len(head)} tokens and the model reads {longest}; ask a shorter one")
    found = []
    for start in range(0, len(places), room - stride):
        found.append(part(fed, (*head, *places[start : start + room], *tail)))
        if start + room >= len(places):
            break
    return found


def _whole_words(fed: Fed, first: int, last: int) -> tuple[int, int]:
    """(start, end) in the context, from the first token's word to the last one's."""

    def word(place: int) -> list[tuple[int, int]]:
        number = fed.words[place]
        alike = range(len(fed.ids)) if number is not None else ()
        return [fed.offsets[i] for i in alike if fed.words[i] == number and fed.texts[i] == 1] or [fed.offsets[place]]

    return word(first)[0][0], word(last)[-1][1]


def _answers(context: str, windows: list[tuple[Fed, np.ndarray]], options: Mapping[str, Any]) -> Any:
    longest, top_k = options["max_answer_len"], options["top_k"]
    candidates: list[tuple[float, int, int]] = []
    nothing = np.inf
    for fed, logits in windows:
        allowed = np.array([source == 1 for source in fed.texts])
        allowed[0] = True  # the first token stands for "no answer"
        logits = np.where(allowed, logits[:, : len(fed.ids)], -np.inf)
        start, end = softmax(logits[0]), softmax(logits[1])
        nothing = min(nothing, float(start[0] * end[0]))
        start[0] = end[0] = 0
        joint = np.triu(start[:, None] * end[None])
        joint = joint - np.triu(joint, longest)
        for flat in np.argsort(-joint, axis=None, kind="stable")[:top_k]:
            first, last = divmod(int(flat), joint.shape[1])
            if joint[first, last] > 0:
                candidates.append((float(joint[first, last]), *_whole_words(fed, first, last)))
    if options["handle_impossible_answer"]:
        candidates.append((nothing, 0, 0))
    unique: dict[tuple[int, int], float] = {}
    for score, begin, stop in sorted(candidates, reverse=True):
        unique.setdefault((begin, stop), score)
    rows = [
        {"score": score, "start": begin, "end": stop, "answer": context[begin:stop]}
        for (begin, stop), score in unique.items()
    ][:top_k]
    if not rows:
        rows = [{"score": 0.0, "start": 0, "end": 0, "answer": ""}]
    return rows[0] if top_k == 1 else rows
