"""Vectors of a graph's nodes: skip-gram on random walks (DeepWalk) finds the two halves of Zachary's karate club.

python -m experiments.run --config=configs/graph_vectors.py

40 walks of 20 members from each of the 34 members of the club, which split in two (F096).

Measured over 10 seeds, mean and 95 % interval (2026-11-23, 2 x86 cores, 11 s): cosine within the two later clubs
0.448 ± 0.002, between them 0.122 ± 0.003, within above between in 10 of 10 seeds. It was not told of the split.
"""

from ml_collections import ConfigDict

from configs import word2vec


def get_config() -> ConfigDict:
    config = word2vec.get_config()
    config.name = "graph_vectors"
    config.task.text = "karate_walks"
    config.task.features = 16
    config.task.window = 3
    config.task.epochs = 10
    config.task.methods = ("skip_gram",)
    config.task.subsample = 1.0
    config.task.similar = ("member1", "member34", "member17")
    config.task.odd = ("member1 member2 member33",)
    config.task.analogies = ()
    config.table = ("loss", "within", "between", "separated", "similarity")
    return config
