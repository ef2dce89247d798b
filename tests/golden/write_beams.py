"""Writes beams.json: what transformers' beam search finds on small Markov chains, for tests/generation/test_beam.py.

Run it in an environment with torch and transformers: python tests/golden/write_beams.py
"""

import json
import sys
from pathlib import Path

import numpy as np
import torch
import transformers
from transformers import GenerationConfig, GenerationMixin, PretrainedConfig, PreTrainedModel
from transformers.modeling_outputs import CausalLMOutput

VOCABULARY, EOS, NEW = 7, 4, 9


class ChainConfig(PretrainedConfig):
    model_type = "chain"
    vocab_size = VOCABULARY
    num_hidden_layers = 1
    is_encoder_decoder = False


class Chain(PreTrainedModel, GenerationMixin):
    config_class = ChainConfig
    _supports_cache_class = False

    def __init__(self, config, table_VV):
        super().__init__(config)
        self.table = torch.nn.Parameter(torch.tensor(table_VV))

    def forward(self, input_ids, **_):
        return CausalLMOutput(logits=self.table[input_ids])

    def prepare_inputs_for_generation(self, input_ids, **_):
        return {"input_ids": input_ids}


def cases():
    """Settings, and what transformers returns for them."""
    for seed in range(6):
        table_VV = (1.5 * np.random.default_rng(seed).normal(size=(VOCABULARY, VOCABULARY))).astype(np.float32)
        model = Chain(ChainConfig(), table_VV).eval()
        for beams in (2, 3, 4):
            for penalty in (0.0, 1.0, 2.0):
                for early in (True, "never"):
                    asked = GenerationConfig(
                        num_beams=beams,
                        num_return_sequences=beams,
                        length_penalty=penalty,
                        early_stopping=early,
                        max_new_tokens=NEW,
                        eos_token_id=EOS,
                        pad_token_id=0,
                        do_sample=False,
                        use_cache=False,
                        return_dict_in_generate=True,
                        output_scores=True,
                    )
                    made = model.generate(torch.tensor([[0]]), generation_config=asked)
                    texts = []
                    for row in made.sequences[:, 1:].tolist():
                        texts.append(row[: row.index(EOS) + 1] if EOS in row else row[:NEW])
                    yield {
                        "seed": seed,
                        "beams": beams,
                        "penalty": penalty,
                        "early": early is True,
                        "texts": texts,
                        "scores": [float(f"{score:.6g}") for score in made.sequences_scores.tolist()],
                    }


if __name__ == "__main__":
    content = {"transformers": transformers.__version__, "cases": list(cases())}
    path = Path(__file__).with_name("beams.json")
    path.write_text(json.dumps(content), encoding="utf-8")
    print(path, len(content["cases"]))
    sys.exit(0)
