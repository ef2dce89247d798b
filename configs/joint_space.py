"""Images of digits and the words for them in one space by a contrastive loss: each finds the other.

python -m experiments.run --config=configs/joint_space.py
"""

from ml_collections import ConfigDict

from configs import base


def get_config() -> ConfigDict:
    config = base.study(
        "joint_space",
        {
            "features": 16,  # numbers of a vector, >= 2
            "hidden_size": 128,  # units of the image network, >= 2
            "learning_rate": 0.003,  # of Adam, > 0
            "temperature": 0.1,  # cosines are divided by it, > 0
            "batch_size": 64,  # pairs that are told apart in a step, >= 2
            "steps": 400,  # updates, in [1, 100000]
        },
    )
    config.table = ("image_to_word", "word_to_images", "cosine")
    return config
