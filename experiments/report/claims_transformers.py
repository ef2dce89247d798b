"""Claims about encoders, decoders and recurrent networks: who translates, who classifies, who writes. A claim is a row.

In a comparison A - B > 0, A is the side that the claim calls larger.
"""

from experiments.report.records import Claim
from nn_core.evidence.claims import Part, Side

TRANSFORMERS = (
    Claim(
        "E1",
        "Decoder-only models are less suited to translation than encoder-decoders",
        "families",
        "families",
        (
            Part(
                "unseen sentences translated exactly, encoder-decoder − decoder-only (share)",
                Side("translation: encoder-decoder | *", "test_exact"),
                Side("translation: decoder-only | *", "test_exact"),
                smallest_effect=0.05,
            ),
        ),
        "The notes say both: that they are less suited, and that they translate (S42b). Both families have about as many "
        "parameters and see the same sentences.",
    ),
    Claim(
        "E2",
        "An encoder, which sees a text from both sides, understands it better than a decoder",
        "families",
        "families",
        (
            Part(
                "unseen opinions classified, encoder-only − decoder-only (share right)",
                Side("classification: encoder-only | *", "test_exact"),
                Side("classification: decoder-only | *", "test_exact"),
                smallest_effect=0.02,
            ),
        ),
        "300 labelled opinions, in which the order of the words decides.",
    ),
    Claim(
        "E3",
        "An encoder alone is not made for writing",
        "families",
        "families",
        (
            Part(
                "loss on the rest of unseen sentences, encoder-only − decoder-only (nats a word)",
                Side("generation: encoder-only | *", "test_loss"),
                Side("generation: decoder-only | *", "test_loss"),
                smallest_effect=0.1,
            ),
        ),
        "The encoder fills all gaps at once, so no word knows which ones the others will be.",
    ),
    Claim(
        "E4",
        "Transformers handle long-range dependencies better than recurrent networks",
        "families",
        "toy_translation",
        (
            Part(
                "long sentences translated exactly, Transformer − LSTM (share of the longest quarter)",
                Side("Transformer", "long_exact"),
                Side("LSTM", "long_exact"),
                smallest_effect=0.05,
            ),
            Part(
                "long sentences translated exactly, Transformer − LSTM with attention (share of the longest quarter)",
                Side("Transformer", "long_exact"),
                Side("LSTM with attention", "long_exact"),
                smallest_effect=0.01,
            ),
        ),
        "About as many parameters, the same batches, each at the best of its learning rates by validation.",
    ),
    Claim(
        "E5",
        "Attention frees a recurrent translator from squeezing the sentence into one vector",
        "families",
        "toy_translation",
        (
            Part(
                "long sentences translated exactly, LSTM with attention − LSTM (share of the longest quarter)",
                Side("LSTM with attention", "long_exact"),
                Side("LSTM", "long_exact"),
                smallest_effect=0.02,
            ),
        ),
    ),
)
