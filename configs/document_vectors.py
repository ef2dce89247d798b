"""Document vectors, trained (PV-DBOW) or as means of word vectors, against bags of words; for later documents too.

python -m experiments.run --config=configs/document_vectors.py

400 documents of two generated sentences about computers, fruit, people or places; two of each kind carry a label, and
the others get the kind of the nearest mean (F096). `neighbour`: is the nearest document of the same kind?

Measured over 10 seeds, mean and 95 % interval (2026-11-23, 2 x86 cores, 73 s), accuracy on documents of the training
and on later ones: means of word vectors 0.920 ± 0.048 and 0.922 ± 0.047; trained document vectors 0.769 ± 0.060 and
0.768 ± 0.063; bags of words 0.753 ± 0.041 and 0.776 ± 0.043. Neighbour 0.997 ± 0.002, 0.989 ± 0.005, 0.989 ± 0.004.

Despite their name, vectors trained for whole documents are no better here than bags of words. From so few words a
document's own vector cannot learn what words have in common; word vectors can.
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
