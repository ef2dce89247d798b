"""The sections of the report: the learning outcomes of the notes (L1131-L1141, L1469-L1482), transfer, then the language models."""

from experiments.report.records import Section

SECTIONS = (
    Section(
        "generalization",
        "Separate data into training and testing sets",
        "Does the training set flatter a model, so that only data it has not seen can judge it?",
        "L1131–L1132, L1143–L1151",
    ),
    Section(
        "fit",
        "Underfitting and overfitting",
        "Do too small a model and too large a model fail in the two ways that the notes describe?",
        "L1133, L1153–L1184",
    ),
    Section(
        "stopping",
        "Early stopping",
        "Does ending the training at the best validation loss reduce overfitting?",
        "L1134–L1135, L1474",
    ),
    Section(
        "regularization",
        "Regularization: L1 and L2",
        "Does regularization reduce overfitting, is L1 sparse and L2 homogeneously small, and is L2 better?",
        "L1136, L1253–L1260",
    ),
    Section(
        "dropout",
        "Dropout",
        "Does turning off units at random reduce overfitting?",
        "L1136–L1137, L2584",
    ),
    Section(
        "restart",
        "Random restart",
        "Do several starts find a better end than one, and are more of them needed in higher dimension?",
        "L1138, L1341–L1379",
    ),
    Section(
        "activations",
        "The hyperbolic tangent and ReLU",
        "Do tanh, ReLU and GELU train better than what they replace, and what does ReLU switch off?",
        "L1138–L1139, L1280–L1284, L1390–L1409, L2635",
    ),
    Section(
        "batches",
        "Batch gradient descent and stochastic gradient descent",
        "Are many inaccurate steps better than one good one, at equal work?",
        "L1139, L1413–L1437",
    ),
    Section(
        "rates",
        "The learning rate",
        "What do too large and too small a rate do, and are the best rates those that decrease?",
        "L1139–L1140, L1439–L1451",
    ),
    Section("momentum", "Momentum", "Does momentum pass the hump that stops plain descent?", "L1140, L1453–L1467"),
    Section(
        "transfer",
        "Transfer learning",
        "Is each of the four cases best where the notes recommend it?",
        "L1484–L1642",
    ),
    Section(
        "transformer",
        "The parts of a transformer",
        "What do residual connections, layer normalization and the factor 1/√d_k do for training?",
        "L2363–L2367, L2638–L2646",
    ),
    Section(
        "generation",
        "Generating text",
        "Do the ways to choose the next token differ as the notes say?",
        "L3220–L3250",
    ),
    Section(
        "text",
        "Words as numbers",
        "What do bags of words lose, are similar words near each other, and how many tokens does a word need?",
        "L1702–L1762, L1907–L1920, L2125",
    ),
    Section(
        "recurrent",
        "Recurrent networks",
        "What do a simple cell, LSTM and GRU remember, and do they read what a bag of words cannot?",
        "L1926–L2000",
    ),
)
