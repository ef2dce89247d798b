"""Claims about descent, transformers and generated text. A new claim is a new row.

In a comparison A - B > 0, A is the side that the claim calls larger; for a loss, the method that it calls worse.
"""

from experiments.report.records import Claim
from nn_core.evidence.claims import Part, Side

DESCENT = (
    Claim(
        "C9",
        "It is much better to take a bunch of slightly inaccurate steps than to take only one good one",
        "batches",
        "batch_sizes",
        (
            Part(
                "training loss after 20 epochs, all examples − mini-batches (nats)",
                Side("batch of all 512 | *", "train_loss"),
                Side("mini-batch of *| *", "train_loss"),
            ),
            Part(
                "test loss after 20 epochs, all examples − mini-batches (nats)",
                Side("batch of all 512 | *", "test_loss"),
                Side("mini-batch of *| *", "test_loss"),
            ),
        ),
    ),
    Claim(
        "C8a",
        "A large learning rate takes large steps that overshoot the minimum",
        "rates",
        "learning_rates",
        (
            Part(
                "share of runs that diverge, rate 10 − rate 0.1 (plain gradient descent)",
                Side("gradient descent: rate 10", "diverged"),
                Side("gradient descent: rate 0.1", "diverged"),
            ),
        ),
    ),
    Claim(
        "C8b",
        "A small learning rate is slower, but makes steady progress",
        "rates",
        "learning_rates",
        (
            Part(
                "training loss at the end, rate 0.001 − the best rate (nats)",
                Side("gradient descent: rate 0.001", "train_loss"),
                Side("gradient descent: rate *", "train_loss"),
            ),
            Part(
                "training loss at rate 0.001, start − end (nats)",
                Side("gradient descent: rate 0.001", "train_loss@0"),
                Side("gradient descent: rate 0.001", "train_loss"),
            ),
        ),
    ),
    Claim(
        "C8c",
        "The best learning rates are those that decrease as the algorithm is getting closer to a solution",
        "rates",
        "schedules",
        (
            Part(
                "test loss, constant − the best decreasing schedule (nats)",
                Side("constant | *", "test_loss"),
                Side("[!c]* | *", "test_loss"),
            ),
            Part(
                "training loss, constant − the best decreasing schedule (nats)",
                Side("constant | *", "train_loss"),
                Side("[!c]* | *", "train_loss"),
            ),
        ),
        "The decreasing one is chosen on validation among inverse sqrt, step, exponential, linear and warm-up with cosine.",
    ),
    Claim(
        "C10",
        "Momentum gets over humps and helps to discover better minima",
        "momentum",
        "momentum",
        (
            Part(
                "share of starts that reach the global minimum, heavy ball 0.9 − plain descent",
                Side("heavy ball 0.9", "reached"),
                Side("plain descent", "reached"),
            ),
        ),
    ),
    Claim(
        "C14a",
        "Residual connections help with the vanishing gradient problem in deep networks",
        "transformer",
        "transformer_parts",
        (
            Part(
                "training loss, without residuals − with them (nats), 12 blocks with layer norm",
                Side("12 blocks: no residual | *", "train_loss"),
                Side("12 blocks: residual and norm | *", "train_loss"),
            ),
        ),
    ),
    Claim(
        "C14b",
        "Layer normalization leads to faster training",
        "transformer",
        "transformer_parts",
        (
            Part(
                "training loss after the same steps, without norms − with them (nats), 12 blocks with residuals",
                Side("12 blocks: no norm | *", "train_loss"),
                Side("12 blocks: residual and norm | *", "train_loss"),
            ),
        ),
    ),
    Claim(
        "C15",
        "The factor 1/√d_k keeps softmax out of regions with extremely small gradients",
        "attention",
        "attention_scale",
        (
            Part(
                "size of softmax's Jacobian at d_k = 64, scaled − not scaled",
                Side("scaled: d_k 64", "gradient"),
                Side("not scaled: d_k 64", "gradient"),
            ),
            Part(
                "share of queries with a Jacobian below 0.01 at d_k = 64, not scaled − scaled",
                Side("not scaled: d_k 64", "saturated"),
                Side("scaled: d_k 64", "saturated"),
                smallest_effect=0.05,
            ),
        ),
    ),
    Claim(
        "C17",
        "A higher top_k gives more varied and less coherent text",
        "generation",
        "generation",
        (
            Part(
                "different pairs of words, top-k 10 − top-k 3 (share)",
                Side("top-k 10", "distinct_2"),
                Side("top-k 3", "distinct_2"),
            ),
            Part(
                "log-probability of a token, top-k 3 − top-k 10 (nats)",
                Side("top-k 3", "log_probability"),
                Side("top-k 10", "log_probability"),
            ),
        ),
        "Coherence is measured by how probable the model itself finds the text; a reader might judge otherwise.",
    ),
    Claim(
        "C18a",
        "Beam search finds more probable sequences than greedy decoding",
        "generation",
        "generation",
        (
            Part(
                "log-probability of a token, beam search with 4 − greedy (nats)",
                Side("beam search 4", "log_probability"),
                Side("greedy", "log_probability"),
            ),
        ),
    ),
    Claim(
        "C18b",
        "Greedy decoding leads to repetitive results; sampling is more varied",
        "generation",
        "generation",
        (
            Part(
                "repeated pairs of words, greedy − multinomial (share)",
                Side("greedy", "repetition"),
                Side("multinomial", "repetition"),
            ),
            Part(
                "repeated pairs of words, greedy − the text itself (share)",
                Side("greedy", "repetition"),
                Side("the text itself", "repetition"),
            ),
        ),
    ),
)
