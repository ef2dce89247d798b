"""A trained language model learns to detect spam: its network with a new head, all of it trained further.

python -m experiments.run --config=configs/gpt_quick.py
python -m experiments.run --config=configs/finetune_classifier.py
python -m experiments.pipeline text-classification --model=checkpoints/finetune_classifier "Call now to win a prize"

Any Hugging Face folder of a GPT-2, Llama or BERT can be the source: --config.transfer.source=FOLDER. The network's own
learning rate is a tenth of the head's. Texts of your own (a table or JSON lines):

python -m experiments.run --config=configs/finetune_classifier.py --config.data.name=table --config.data.path=reviews.csv --config.data.target=label

Measured (2026-11-30, seed 0, 2 x86 cores shared by many, 61 s), from a gpt_quick of Python's documentation (validation loss
1.363 nats a character): 390 of 400 test messages right, loss 0.153 nats. The validation loss is lowest after 50 updates.
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    config = base.experiment()
    config.name = "finetune_classifier"
    config.task = base.text_classification(max_tokens=64)
    config.model = base.pretrained()
    config.data = base.labelled_texts("generated_spam", train=400, validation=200, test=400, num_examples=1000)
    config.data.batch_size = 16
    config.transfer.source = "checkpoints/gpt_quick"
    config.transfer.load = (("output/*", "new"), ("*", "load"))
    config.transfer.train = (("output/*", 1.0), ("*", 0.1))
    config.hparams.learning_rate = 3e-3
    config.train.steps = 200
    config.train.eval_every = 50
    config.train.log_every = 50
    config.train.chunk_steps = 50
    config.table = ("test_accuracy", "test_loss", "trained_share")
    return config
