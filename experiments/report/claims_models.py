"""Claims about language models: where tokens stand, and how large a model is. A claim is a row.

In a comparison A - B > 0 of losses, A is the side that the claim calls worse.
"""

from experiments.report.records import Claim
from nn_core.evidence.claims import Part, Side

# The sizes of configs/scaling.py, layers x width, each with the next larger one.
STEPS_UP = (("1 x 8", "1 x 16"), ("1 x 16", "2 x 24"), ("2 x 24", "2 x 40"), ("2 x 40", "3 x 56"))
MODELS = (
    Claim(
        "C16",
        "Learned positions and fixed sinusoids do equally well",
        "transformer",
        "positions",
        (
            Part(
                "validation loss, sinusoids near learned positions (± 0.02 nats)",
                Side("sinusoidal | *", "validation_full_loss"),
                Side("learned | *", "validation_full_loss"),
                tolerance=0.02,
            ),
        ),
        "0.02 nats are 2 % of the perplexity. Token vectors start short, as in GPT-2, or as long as the sinusoids, as in the "
        "first Transformer; each kind is shown with the better of both. A model without positions is in the table.",
    ),
    Claim(
        "C20",
        "Larger models are better",
        "size",
        "scaling",
        tuple(
            Part(
                f"validation loss after as many characters, {small} − {large} (layers x width, nats)",
                Side(f"{small} | *", "validation_loss"),
                Side(f"{large} | *", "validation_loss"),
            )
            for small, large in STEPS_UP
        ),
        "At equal data. At equal compute the best size grows with the compute: the figure shows where each size overtakes.",
    ),
)
