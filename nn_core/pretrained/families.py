"""The table of families, and how a config.json finds its own."""

import difflib

from nn_core.pretrained.bert import BERT, ROBERTA
from nn_core.pretrained.distilbert import DISTILBERT
from nn_core.pretrained.family import Family
from nn_core.pretrained.gpt2 import GPT2
from nn_core.pretrained.llama import LLAMA
from nn_core.pretrained.settings import Settings
from nn_core.pretrained.t5 import T5
from nn_core.pretrained.tensor_files import PretrainedError
from nn_core.pretrained.vit import VIT

FAMILIES: dict[str, Family] = {
    "gpt2": GPT2,
    "llama": LLAMA,
    "bert": BERT,
    "roberta": ROBERTA,
    "distilbert": DISTILBERT,
    "t5": T5,
    "vit": VIT,
}

# What a head does: the next token, another text, hidden words, what follows, both, classes, spans, or nothing; of images,
# classes or nothing.
KINDS = (
    "causal",
    "seq2seq",
    "masked",
    "pretraining",
    "following",
    "text_class",
    "token_class",
    "span",
    "encoder",
    "pooled",
    "image",
    "image_encoder",
)


# Why an architecture or a model_type is not one of them.
REASONS = {
    "smollm3": "every fourth of its layers has no positions",
    "gemma": "its norms multiply by 1 + the weight",
    "gemma2": "its norms multiply by 1 + the weight and its logits are capped",
    "phi3": "it keeps queries, keys and values in one tensor",
    "mixtral": "its feed-forward layers are chosen from several",
    "qwen2_moe": "its feed-forward layers are chosen from several",
    "qwen3_moe": "its feed-forward layers are chosen from several",
    **dict.fromkeys(("BertForMultipleChoice", "RobertaForMultipleChoice"), "it reads several texts at once"),
    "deberta-v2": "its attention has positions of its own",
}


def choose_family(settings: Settings) -> tuple[Family, str]:
    """The family of a config.json, and what its head does.

    Raises:
        PretrainedError: an architecture that is none of them; names the nearest.
    """
    named = settings.values.get("architectures")
    model_type = settings.values.get("model_type")
    known = {name: family for family in FAMILIES.values() for name in family.architectures}
    if isinstance(named, list) and named:
        name = str(named[0])
        if name in known and (model_type is None or model_type in known[name].model_types):
            return known[name], known[name].architectures[name]
        near = difflib.get_close_matches(name, known, n=1, cutoff=0)
        reason = REASONS.get(name) or REASONS.get(str(model_type))
        raise PretrainedError(
            f"{settings.where} has the architecture {name!r} of model_type {model_type!r}, which is not "
            f"{f'computed: {reason}' if reason else 'known'}; "
            f"the nearest is {near[0]}; there are {', '.join(known)}"
        )
    by_type = {kind: family for family in FAMILIES.values() for kind in family.model_types}
    if isinstance(model_type, str) and model_type in by_type:
        family = by_type[model_type]
        return family, next(iter(family.architectures.values()))
    near = difflib.get_close_matches(str(model_type), by_type, n=1, cutoff=0)
    raise PretrainedError(
        f"{settings.where} has model_type={model_type!r}, which is not known; the nearest is {near[0]}; "
        f"there are {', '.join(by_type)}"
    )
