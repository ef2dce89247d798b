"""The sections of the report: the learning outcomes of the notes (F070), transfer, then the language models."""

from experiments.report.records import Section

SECTIONS = (
    Section(
        "generalization",
        "Separate data into training and testing sets",
        "Does the training set flatter a model, so that only data it has not seen can judge it?",
    ),
    Section(
        "fit",
        "Underfitting and overfitting",
        "Do too small a model and too large a model fail in the two ways that the notes describe?",
    ),
    Section(
        "stopping",
        "Early stopping",
        "Does ending the training at the best validation loss reduce overfitting?",
    ),
    Section(
        "regularization",
        "Regularization: L1 and L2",
        "Does regularization reduce overfitting, is L1 sparse and L2 homogeneously small, and is L2 better?",
    ),
    Section(
        "dropout",
        "Dropout",
        "Does turning off units at random reduce overfitting?",
    ),
    Section(
        "restart",
        "Random restart",
        "Do several starts find a better end than one, and are more of them needed in higher dimension?",
    ),
    Section(
        "activations",
        "The hyperbolic tangent and ReLU",
        "Do tanh, ReLU and GELU train better than what they replace, and what does ReLU switch off?",
    ),
    Section(
        "batches",
        "Batch gradient descent and stochastic gradient descent",
        "Are many inaccurate steps better than one good one, at equal work?",
    ),
    Section(
        "rates",
        "The learning rate",
        "What do too large and too small a rate do, and are the best rates those that decrease?",
    ),
    Section("momentum", "Momentum", "Does momentum pass the hump that stops plain descent?"),
    Section(
        "transfer",
        "Transfer learning",
        "Is each of the four cases best where the notes recommend it?",
    ),
    Section(
        "attention",
        "The factor of attention",
        "What does dividing the scores by √d_k do for the gradient?",
    ),
    Section(
        "transformer",
        "The parts of a transformer",
        "What do residual connections and layer normalization do for training?",
    ),
    Section(
        "generation",
        "Generating text",
        "Do the ways to choose the next token differ as the notes say?",
    ),
    Section(
        "size",
        "The size of a language model",
        "Is a larger model better after as much text, and after as much work?",
    ),
    Section(
        "tokens",
        "Tokens and bags of words",
        "What do bags of words lose, and how many tokens does a word need?",
    ),
    Section("vectors", "Words as vectors", "Are similar words near each other?"),
    Section(
        "recurrent",
        "Recurrent networks",
        "What do a simple cell, LSTM and GRU remember, and do they read what a bag of words cannot?",
    ),
    Section(
        "families",
        "Encoders, decoders and both",
        "What does each family of transformers do best, and do they read long sentences better than recurrent networks?",
    ),
    Section(
        "alignment",
        "From a language model to an assistant",
        "Do answers by people teach a model to answer, and do rewards learned from people's choices make the answers better?",
    ),
)
