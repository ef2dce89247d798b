"""The claims of the notes as rows: what is compared with what was written down before the runs. A new claim is a new row.

For a comparison A - B > 0, A is what the claim calls larger; of a loss, that is the method that it calls worse.
"""

from experiments.report.records import Claim, Experiment, Section, Tables
from nn_core.claims import Part, Side

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
)

EXPERIMENTS = {
    "regularization": Experiment(
        "regularization",
        "A network with 128 hidden ReLU units on 200 noisy digits (20 % wrong labels, 64 columns of noise): no "
        "regularization, L1, L2, elastic net, dropout and early stopping, each at several strengths.",
        ("comparison", "paths"),
        {"num_seeds": 16},
        {"num_seeds": 12, "train.steps": 600},
    ),
    "underfit_overfit": Experiment(
        "underfit_overfit",
        "Networks with 1 unit, 4 units and 2 x 64 units on 80 points of two noisy moons, trained by full-batch Adam.",
        ("regions", "learning_curves"),
        {"num_seeds": 16},
        {"num_seeds": 12},
    ),
    "early_stopping": Experiment(
        "early_stopping",
        "The same noisy digits; training ends after some evaluations without improvement and goes back to the best ones.",
        ("stopping",),
        {"num_seeds": 16},
        {"num_seeds": 12, "train.steps": 400},
    ),
}

CLAIMS = (
    Claim(
        "T1",
        "A model that performs well on the training data may not perform well on the testing data",
        "L1150–L1151",
        "generalization",
        "regularization",
        (
            Part(
                "accuracy on the training set − on the test set (share right)",
                Side("none", "train_accuracy"),
                Side("none", "test_accuracy"),
                smallest_effect=0.01,
            ),
        ),
    ),
    Claim(
        "T2",
        "An underfitting model is too simple: its error is large even on the training data",
        "L1157–L1165",
        "fit",
        "underfit_overfit",
        (
            Part(
                "training loss, 1 unit − 4 units (nats)",
                Side("1 unit", "train_loss"),
                Side("4 units", "train_loss"),
            ),
            Part("test loss, 1 unit − 4 units (nats)", Side("1 unit", "test_loss"), Side("4 units", "test_loss")),
        ),
    ),
    Claim(
        "T3",
        "An overfitting model is too complex: it does well on the training data and badly on the testing data",
        "L1166–L1184",
        "fit",
        "underfit_overfit",
        (
            Part(
                "training loss, 4 units − 2 x 64 units (nats)",
                Side("4 units", "train_loss"),
                Side("2 x 64 units", "train_loss"),
            ),
            Part(
                "test loss, 2 x 64 units − 4 units (nats)",
                Side("2 x 64 units", "test_loss"),
                Side("4 units", "test_loss"),
            ),
        ),
    ),
    Claim(
        "C7a",
        "Early stopping ends the training at a point that minimizes both testing error and training error",
        "L1134–L1135",
        "stopping",
        "early_stopping",
        (
            Part(
                "gap between validation and training loss, never stopped − stopped (nats)",
                Side("never stopped", "gap"),
                Side("min_delta 0: patience *", "gap"),
            ),
            Part(
                "test loss, never stopped − stopped (nats)",
                Side("never stopped", "test_loss"),
                Side("min_delta 0: patience *", "test_loss"),
            ),
            Part(
                "training loss, never stopped − stopped (nats)",
                Side("never stopped", "train_loss"),
                Side("min_delta 0: patience *", "train_loss"),
            ),
        ),
        "The third comparison takes the sentence at its word: that stopping early also minimizes the training error.",
    ),
    Claim(
        "C7b",
        "Dropout reduces the risk of overfitting",
        "L2584, L1136–L1137",
        "dropout",
        "regularization",
        (
            Part(
                "gap between validation and training loss, none − dropout (nats)",
                Side("none", "gap"),
                Side("dropout: *", "gap"),
            ),
            Part("test loss, none − dropout (nats)", Side("none", "test_loss"), Side("dropout: *", "test_loss")),
        ),
    ),
    Claim(
        "C7c",
        "Regularization reduces overfitting",
        "L1136",
        "regularization",
        "regularization",
        (
            Part("test loss, none − L2 (nats)", Side("none", "test_loss"), Side("L2: *", "test_loss")),
            Part("test loss, none − L1 (nats)", Side("none", "test_loss"), Side("L1: *", "test_loss")),
        ),
    ),
    Claim(
        "C5",
        "L1 results in sparse vectors; L2 does not favour them, since it keeps all weights homogeneously small",
        "L1253–L1259",
        "regularization",
        "regularization",
        (
            Part(
                "weights that are exactly 0, L1 − L2 (share)",
                Side("L1: *", "exact_zeros"),
                Side("L2: *", "exact_zeros"),
                smallest_effect=0.1,
            ),
            Part(
                "norm of the weights, none − L2 (Euclidean)", Side("none", "weight_norm"), Side("L2: *", "weight_norm")
            ),
        ),
        "L1 is applied by its proximal step; by its subgradient no weight becomes exactly 0.",
    ),
    Claim(
        "C6",
        "L2 gives better results for training models",
        "L1259–L1260",
        "regularization",
        "regularization",
        (Part("test loss, L1 − L2 (nats)", Side("L1: *", "test_loss"), Side("L2: *", "test_loss")),),
        "Both at their best strength; half of the inputs are noise, which is where L1 should be good.",
    ),
)

TABLES = Tables(SECTIONS, EXPERIMENTS, CLAIMS)
