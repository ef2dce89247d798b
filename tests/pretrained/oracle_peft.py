"""What PEFT makes of a folder of adapters, which names its base: logits, or an encoder's hidden states.

Run by a Python that has torch, transformers and peft: /root/oracle/bin/python -m tests.pretrained.oracle_peft OUT.npy ADAPTERS
"""

import sys

import numpy as np
import torch
from peft import AutoPeftModelForCausalLM, AutoPeftModelForFeatureExtraction, PeftConfig

from tests.pretrained.folders import inputs

if __name__ == "__main__":
    out, adapters = sys.argv[1:]
    kinds = {"CAUSAL_LM": AutoPeftModelForCausalLM, "FEATURE_EXTRACTION": AutoPeftModelForFeatureExtraction}
    kind = kinds[PeftConfig.from_pretrained(adapters).task_type]
    found = kind.from_pretrained(adapters).eval()(torch.tensor(inputs()["short"]))
    np.save(out, getattr(found, "logits", found[0]).detach().numpy())
