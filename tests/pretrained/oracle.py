"""What transformers says of the folders of `folders.py`: run by a Python that has torch, never imported by the tests.

/root/oracle/bin/python -m tests.pretrained.oracle OUT.npz FOLDER …
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
import transformers

from tests.pretrained.folders import inputs

ROWS = (0, 36, 37, 38, 99, 499)  # of the long prompt


def causal(folder: Path, name: str) -> dict[str, np.ndarray]:
    """Logits, a gradient, greedy and beam search of a language model."""
    model = transformers.AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager").eval()
    prompt = torch.tensor(inputs()["short" if name == "gpt2" else "long"])
    logits = model(prompt).logits
    kept = logits if name == "gpt2" else logits[:, list(ROWS)]
    model(prompt, labels=prompt).loss.backward()
    weight = next(
        p for n, p in model.named_parameters() if n.endswith(("h.0.attn.c_attn.weight", "layers.0.mlp.up_proj.weight"))
    )
    with torch.inference_mode():
        half = transformers.AutoModelForCausalLM.from_pretrained(
            folder, attn_implementation="eager", dtype=torch.bfloat16
        ).eval()(prompt)
    short = torch.tensor(inputs()["short"])
    options: dict[str, Any] = {"max_new_tokens": 20, "do_sample": False, "pad_token_id": 0}
    options["attention_mask"] = torch.ones_like(short)
    return {
        "logits": kept.detach().numpy(),
        "half": (half.logits if name == "gpt2" else half.logits[:, list(ROWS)]).float().numpy(),
        "gradient": weight.grad.numpy(),
        "greedy": model.generate(short, **options).numpy(),
        "beams": model.generate(short, num_beams=3, length_penalty=0.0, early_stopping=False, **options).numpy(),
    }


def image(folder: Path, name: str) -> dict[str, np.ndarray]:
    """Logits of an image classifier, hidden states where there is no head."""
    kind = {
        "vit": transformers.ViTForImageClassification,
        "deit": transformers.DeiTForImageClassificationWithTeacher,
        "deit_one_head": transformers.DeiTForImageClassification,
        "vit_base": transformers.ViTModel,
        "deit_base": transformers.DeiTModel,
    }[name]
    pixels = torch.tensor(inputs()["pixels"]).permute(0, 3, 1, 2)
    found = kind.from_pretrained(folder).eval()(pixels)
    return {"logits": (found.last_hidden_state if name.endswith("_base") else found.logits).detach().numpy()}


def encoder(folder: Path, name: str) -> dict[str, np.ndarray]:
    """Hidden states, words, following, classes, spans: whatever the head gives."""
    architecture = transformers.AutoConfig.from_pretrained(folder).architectures[0]
    kind = {
        "BertForPreTraining": transformers.BertForPreTraining,
        "BertForMaskedLM": transformers.BertForMaskedLM,
        "BertForNextSentencePrediction": transformers.BertForNextSentencePrediction,
        "BertModel": transformers.BertModel,
        "BertForSequenceClassification": transformers.BertForSequenceClassification,
        "BertForTokenClassification": transformers.BertForTokenClassification,
        "BertForQuestionAnswering": transformers.BertForQuestionAnswering,
        "DistilBertModel": transformers.DistilBertModel,
        "DistilBertForMaskedLM": transformers.DistilBertForMaskedLM,
        "DistilBertForSequenceClassification": transformers.DistilBertForSequenceClassification,
        "DistilBertForTokenClassification": transformers.DistilBertForTokenClassification,
        "DistilBertForQuestionAnswering": transformers.DistilBertForQuestionAnswering,
        "RobertaForMaskedLM": transformers.RobertaForMaskedLM,
        "RobertaForTokenClassification": transformers.RobertaForTokenClassification,
        "RobertaForQuestionAnswering": transformers.RobertaForQuestionAnswering,
        "RobertaForSequenceClassification": transformers.RobertaForSequenceClassification,
        "XLMRobertaForMaskedLM": transformers.XLMRobertaForMaskedLM,
    }[architecture]
    model = kind.from_pretrained(folder, attn_implementation="eager").eval()
    asked = inputs()
    ids = np.where(asked["padding"], model.config.pad_token_id, asked["texts"])
    options = {"token_type_ids": torch.tensor(asked["segments"])} if "bert" == model.config.model_type else {}
    found = model(torch.tensor(ids), attention_mask=torch.tensor(~asked["padding"]).long(), **options)
    kept = ("last_hidden_state", "pooler_output", "logits", "prediction_logits", "seq_relationship_logits")
    kept += ("start_logits", "end_logits")
    answers = {key: found[key].detach().numpy() for key in kept if found.get(key) is not None}
    for value in answers.values():
        if value.ndim > 1 and value.shape[1] == 17:
            value[asked["padding"]] = 0
    return answers


def seq2seq(folder: Path, name: str) -> dict[str, np.ndarray]:
    """Memory, logits, greedy and beam search of T5."""
    kind = transformers.MT5ForConditionalGeneration if name == "mt5" else transformers.T5ForConditionalGeneration
    model = kind.from_pretrained(folder, attn_implementation="eager").eval()
    asked = inputs()
    mask = torch.tensor(~asked["padding"]).long()
    source = torch.tensor(np.where(asked["padding"], 0, asked["texts"]))
    found = model(source, attention_mask=mask, decoder_input_ids=torch.tensor(asked["targets"]))
    options: dict[str, Any] = {"max_new_tokens": 20, "do_sample": False, "attention_mask": mask}
    memory = found.encoder_last_hidden_state.detach().numpy()
    memory[asked["padding"]] = 0
    return {
        "memory": memory,
        "logits": found.logits.detach().numpy(),
        "greedy": model.generate(source, **options).numpy(),
        "beams": model.generate(source, num_beams=3, length_penalty=0.0, early_stopping=False, **options).numpy(),
    }


def job(name: str) -> Any:
    """What is asked of a folder."""
    if name.startswith(("vit", "deit")):
        return image
    if name in ("t5", "flan", "mt5"):
        return seq2seq
    return encoder if name.startswith(("bert", "roberta", "distilbert")) else causal


if __name__ == "__main__":
    out, *folders = sys.argv[1:]
    torch.manual_seed(0)
    answers = {}
    for path in map(Path, folders):
        answers |= {f"{path.name}_{key}": value for key, value in job(path.name)(path, path.name).items()}
    np.savez_compressed(out, **answers)
