"""Logits of a base folder with PEFT's adapters: run by a Python that has torch, transformers and peft.

/root/oracle/bin/python -m tests.pretrained.oracle_peft OUT.npy BASE ADAPTERS
"""

import sys

import numpy as np
import torch
import transformers
from peft import PeftModel

from tests.pretrained.folders import inputs

if __name__ == "__main__":
    out, base, adapters = sys.argv[1:]
    model = PeftModel.from_pretrained(transformers.AutoModelForCausalLM.from_pretrained(base), adapters).eval()
    np.save(out, model(torch.tensor(inputs()["short"])).logits.detach().numpy())
