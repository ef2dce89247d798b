"""English to French on Multi30k, 28,000 captions: the Transformer with shared BPE, label smoothing, warm-up, beam 5.

python -m experiments.run --config=configs/multi30k.py
python -m experiments.sample --checkpoint=checkpoints/multi30k --input=english.txt --output=french.txt
python -m experiments.sample --checkpoint=checkpoints/multi30k --prompt='A girl plays in the snow.' --trace

The training pairs stand packed in rows of 64 tokens, so that one program serves all lengths; `padding` tells how much of
the rows is empty. The last 1,000 training pairs choose, the validation file of 1,014 pairs judges, by sacrebleu with its
signature. A run that is stopped goes on bit for bit.

The network is the small one of Wu et al. 2021 (four layers a side, width 128, dropout 0.3); 5,000 updates are 31 passes.

Measured (2026-11-30, 2 x86 cores, seed 0): all 1,014 validation sentences, beam of 5: 52.7 BLEU
(nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:2.6.0) and 70.4 chrF, greedy 51.1 BLEU; padding 7.0 % of the rows. 32
processor minutes: 43 minutes on a machine with 20 other processes. The aim of 58 BLEU is not met.
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    config = base.experiment()
    config.name = "multi30k"
    config.task = base.text_to_text()
    config.task.decoded = 1014  # all of the validation file
    config.task.measures = ("bleu", "chrf")
    config.model = base.encoder_decoder(layers_num=4, heads_num=4, embedding_dim=128)
    config.model.ffn_features = 256
    config.model.attention_dropout = False  # random bits are the dearest thing on a CPU
    config.data = base.text_pairs(
        "multi30k", vocabulary_size=4000, source_size=64, target_size=64, train=28_000, validation=1000
    )
    config.data.packed = True
    config.data.batch_size = 48
    config.data.evaluation_batch = 64
    config.optimizer.name = "adam"
    config.hparams.learning_rate = 3e-3
    config.hparams.beta2 = 0.98
    config.hparams.clip_norm = 1.0
    config.hparams.dropout_rate = 0.3
    config.hparams.label_smoothing = 0.1
    config.schedule.name = "cosine"
    config.schedule.warmup_steps = 500
    config.schedule.final_factor = 0.0
    config.train.steps = 5000
    config.train.eval_every = 500
    config.train.log_every = 50
    config.train.chunk_steps = 10
    config.train.sample_every = 1000
    config.train.evaluate_train = False
    config.train.keep_best = False
    config.checkpoint.every_seconds = 60.0
    config.sample.prompt = "A young girl is playing in the snow."
    config.sample.max_new_tokens = 60
    config.table = (
        "beam_bleu",
        "beam_chrf",
        "greedy_bleu",
        "test_accuracy",
        "test_loss",
        "padding",
        "parameters",
    )
    config.figures = ("translations", "learning_curves")
    return config
