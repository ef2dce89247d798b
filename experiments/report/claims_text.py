"""Claims about words as numbers: bags of words, word vectors, tokens. A new claim is a new row.

In a comparison A - B > 0, A is the side that the claim calls larger.
"""

from experiments.report.records import Claim
from nn_core.evidence.claims import Part, Side

TEXT = (
    Claim(
        "C19",
        "A bag of words ignores the order of words, and words that it has not seen in training",
        "tokens",
        "spam",
        (
            Part(
                "verdicts on messages that change where their words are shuffled, and unknown ones added (share)",
                Side("words shuffled, unknown ones added", "changed"),
                0.0,
                tolerance=0.001,
            ),
            Part(
                "accuracy where the order alone decides (share right)",
                Side("who bites whom", "accuracy"),
                0.5,
                tolerance=0.01,
            ),
        ),
        "It follows from the vector's definition; the runs show that nothing in the pipeline lets the order in.",
    ),
    Claim(
        "C21",
        "In GPT models, it typically takes four tokens to represent three words",
        "tokens",
        "tokens_per_word",
        (
            Part(
                "tokens per word, byte-level BPE with 8,000 tokens",
                Side("byte-level BPE: 8000", "tokens_per_word"),
                4 / 3,
                tolerance=0.15,
            ),
        ),
        "GPT's own tokenizers have 50,257 tokens and more, learned from the web; this one is learned from the documentation "
        "of Python, whose words stand between white space and often hold signs of code.",
    ),
    Claim(
        "W1",
        "Words with similar meanings are represented by similar vectors",
        "vectors",
        "word2vec",
        (
            Part(
                "mean cosine within topics − between topics, skip-gram",
                Side("skip-gram", "within"),
                Side("skip-gram", "between"),
                smallest_effect=0.05,
            ),
            Part(
                "mean cosine within topics − between topics, CBOW",
                Side("CBOW", "within"),
                Side("CBOW", "between"),
                smallest_effect=0.05,
            ),
        ),
    ),
)
