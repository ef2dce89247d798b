"""What transformers' own pipelines say of the tiny folders: run by a Python that has them.

/root/oracle/bin/python -m tests.experiments.pipelines.oracle OUT.json ROOT
"""

import json
import sys
from pathlib import Path

import numpy as np
from transformers import pipeline

TEXTS = ["the world is a token", "Hello hello untokening, don't"]
JOBS = {
    "writer": ("text-generation", TEXTS, {"max_new_tokens": 8, "do_sample": False}),
    "words": ("fill-mask", ["the [MASK] is in it", "[MASK] world and [MASK]"], {"top_k": 3}),
    "classes": ("text-classification", TEXTS, {"top_k": None}),
    "tags": ("token-classification", TEXTS, {}),
    "entailment": ("zero-shot-classification", TEXTS, {"candidate_labels": ["hello", "token", "in it"]}),
    "vectors": ("feature-extraction", TEXTS, {}),
}

if __name__ == "__main__":
    out, root = sys.argv[1:]
    answers = {}
    for name, (task, texts, options) in JOBS.items():
        asked = pipeline(task, str(Path(root) / name), device="cpu")
        answers[name] = [asked(text, **options) for text in texts]
    strategies = {}
    for strategy in ("simple", "first", "average", "max"):
        tagger = pipeline("token-classification", str(Path(root) / "tags"), aggregation_strategy=strategy, device="cpu")
        strategies[strategy] = [tagger(text) for text in TEXTS]
    several = pipeline("zero-shot-classification", str(Path(root) / "entailment"), device="cpu")
    answers |= {
        "strategies": strategies,
        "several": several(TEXTS[0], candidate_labels=["hello", "token"], multi_label=True),
    }
    text = json.dumps(answers, default=lambda value: np.asarray(value).tolist())
    Path(out).write_text(json.dumps(json.loads(text, parse_float=lambda x: round(float(x), 6))), encoding="utf-8")
