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
    short = torch.tensor(inputs()["short"])
    options: dict[str, Any] = {"max_new_tokens": 20, "do_sample": False, "pad_token_id": 0}
    options["attention_mask"] = torch.ones_like(short)
    return {
        "logits": kept.detach().numpy(),
        "gradient": weight.grad.numpy(),
        "greedy": model.generate(short, **options).numpy(),
        "beams": model.generate(short, num_beams=3, length_penalty=0.0, early_stopping=False, **options).numpy(),
    }


def image(folder: Path, name: str) -> dict[str, np.ndarray]:
    """Logits of an image classifier."""
    kind = (
        transformers.DeiTForImageClassificationWithTeacher if name == "deit" else transformers.ViTForImageClassification
    )
    pixels = torch.tensor(inputs()["pixels"]).permute(0, 3, 1, 2)
    return {"logits": kind.from_pretrained(folder).eval()(pixels).logits.detach().numpy()}


JOBS = {
    "gpt2": causal,
    "llama": causal,
    "mistral": causal,
    "qwen2": causal,
    "qwen3": causal,
    "vit": image,
    "deit": image,
}

if __name__ == "__main__":
    out, *folders = sys.argv[1:]
    torch.manual_seed(0)
    answers = {}
    for path in map(Path, folders):
        answers |= {f"{path.name}_{key}": value for key, value in JOBS[path.name](path, path.name).items()}
    np.savez_compressed(out, **answers)
