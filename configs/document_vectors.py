"""Document vectors, trained (PV-DBOW) or as means of word vectors, against bags of words; documents that come later too.

python -m experiments.run --config=configs/document_vectors.py
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    config = base.study(
        "document_vectors",
        {
            "documents": 400,  # in 40 .. 20000; a quarter of them comes after the training
            "sentences": 2,  # of a document, >= 1
            "features": 20,  # numbers of a vector, >= 2
            "learning_rate": 0.03,  # of Adam, > 0
            "batch_size": 512,  # words of a step, >= 1
            "steps": 600,  # updates, in [1, 100000]
        },
    )
    config.table = ("known", "new", "neighbour")
    return config
