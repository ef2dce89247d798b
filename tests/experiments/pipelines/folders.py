"""Tiny folders with a model and a tokenizer each, for every task of the pipeline."""

import json
from pathlib import Path

from tests.pretrained.folders import write_folder
from tests.pretrained.tokenizer_folders import KINDS

# folder -> model of tests.pretrained.folders, tokenizer of tests.pretrained.tokenizer_folders, vocabulary, more config
FOLDERS = {
    "writer": ("gpt2", "gpt2", 331, {"eos_token_id": 326, "bos_token_id": 326}),
    "words": ("bert_words", "bert", 359, {}),
    "classes": ("bert_text", "bert", 359, {}),
    "tags": (
        "bert_tokens",
        "bert",
        359,
        {"id2label": {"0": "O", "1": "B-PER", "2": "I-PER"}, "label2id": {"O": 0, "B-PER": 1, "I-PER": 2}},
    ),
    "answers": ("bert_span", "bert", 359, {}),
    "entailment": (
        "bert_text",
        "bert",
        359,
        {
            "id2label": {"0": "contradiction", "1": "neutral", "2": "entailment"},
            "label2id": {"contradiction": 0, "neutral": 1, "entailment": 2},
        },
    ),
    "vectors": ("bert_pooled", "bert", 359, {}),
    "texts": ("t5", "t5", 233, {"task_specific_params": {"summarization": {"prefix": "the world: "}}}),
    "images": ("vit", "", 0, {}),
}


def write_pipeline_folder(root: Path, name: str) -> Path:
    """One of FOLDERS."""
    model, tokenizer, vocabulary, more = FOLDERS[name]
    folder = write_folder(root / name, model, vocabulary)
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | more), encoding="utf-8")
    if tokenizer:
        KINDS[tokenizer](folder)
    if name == "vectors":
        modules = [
            {"path": "", "type": "x.Transformer"},
            {"path": "1_Pooling", "type": "x.Pooling"},
            {"path": "2_Normalize", "type": "x.Normalize"},
        ]
        (folder / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
        (folder / "1_Pooling").mkdir(exist_ok=True)
        pooling = {"pooling_mode_mean_tokens": True}
        (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling), encoding="utf-8")
    return folder
