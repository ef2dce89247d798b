"""The formula ledger: every equation of the notes as a pure function that is checked against its derivation.

`CHAPTERS` holds the rows, `errata.ERRATA` the slips of the notes that figures can show. `checks.check` checks rows,
`errata.demonstrate` runs an erratum; `python -m experiments.formulas` prints both. Nothing in nn_core imports this
package: it imports the library that it checks.
"""

from nn_core.formulas import (
    activations,
    attention,
    convolution,
    cross_entropy,
    embeddings,
    generation,
    logistic,
    masked,
    networks,
    perceptron,
    preferences,
    probability,
    recurrent,
    regularization,
    squared_errors,
    tokens,
    training,
    transformer,
    translation,
    worked_example,
)
from nn_core.formulas.ledger import Formula

# In the order of the notes.
CHAPTERS: dict[str, tuple[Formula, ...]] = {
    "Perceptron and predictions": perceptron.FORMULAS,
    "Activation functions": activations.FORMULAS,
    "Softmax and likelihood": probability.FORMULAS,
    "Log-loss and cross-entropy": cross_entropy.FORMULAS,
    "Logistic regression": logistic.FORMULAS,
    "Networks and backpropagation": networks.FORMULAS,
    "Squared errors": squared_errors.FORMULAS,
    "The worked example": worked_example.FORMULAS,
    "Regularization": regularization.FORMULAS,
    "Minima, momentum and learning rates": training.FORMULAS,
    "Convolutional networks": convolution.FORMULAS,
    "Embeddings": embeddings.FORMULAS,
    "Recurrent networks": recurrent.FORMULAS,
    "Attention": attention.FORMULAS,
    "Tokens and positions": tokens.FORMULAS,
    "Transformer": transformer.FORMULAS,
    "Translation and learning without labels": translation.FORMULAS,
    "Text generation": generation.FORMULAS,
    "Masked and distilled losses": masked.FORMULAS,
    "Alignment": preferences.FORMULAS,
}
FORMULAS: tuple[Formula, ...] = tuple(row for rows in CHAPTERS.values() for row in rows)
