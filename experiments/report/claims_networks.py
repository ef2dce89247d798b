"""Claims about networks: data, fit, regularization, restarts, activation functions. A new claim is a new row.

In a comparison A - B > 0, A is the side that the claim calls larger; for a loss, the method that it calls worse.
"""

from experiments.report.records import Claim
from nn_core.evidence.claims import Part, Side

# Transfer: number of examples; and for each quadrant the case of the notes and those that it should be better than.
AMOUNTS = {"few": 50, "many": 1000}
QUADRANTS = (
    ("few", "similar", "1", "234"),
    ("few", "different", "2", "134"),
    ("many", "similar", "3", "124"),
    ("many", "different", "[34]", "12"),
)
NETWORKS = (
    Claim(
        "T1",
        "A model that performs well on the training data may not perform well on the testing data",
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
        "regularization",
        "regularization",
        (Part("test loss, L1 − L2 (nats)", Side("L1: *", "test_loss"), Side("L2: *", "test_loss")),),
        "Both at their best strength; half of the inputs are noise, which is where L1 should be good.",
    ),
    Claim(
        "C11",
        "Random restarts help, and the number of restarts needed increases with dimension",
        "restart",
        "restarts",
        (
            Part(
                "test loss, one start − the best of 32 on validation (nats)",
                Side("network: independent", "test_one"),
                Side("network: independent", "test_best"),
            ),
            Part(
                "share of starts that end in the lowest minimum, 1 − 4 dimensions",
                Side("Rastrigin 1-D: descent restarts", "hits"),
                Side("Rastrigin 4-D: descent restarts", "hits"),
            ),
        ),
        "The fewer starts succeed alone, the more are needed.",
    ),
    Claim(
        "C1",
        "ReLU can improve the training significantly over the sigmoid",
        "activations",
        "activations",
        (
            Part(
                "training loss, sigmoid − ReLU (nats), 2 hidden layers",
                Side("sigmoid: depth 2 | *", "train_loss"),
                Side("ReLU: depth 2 | *", "train_loss"),
            ),
        ),
    ),
    Claim(
        "C2",
        "tanh has larger derivatives than the sigmoid, and this small difference has a big impact",
        "activations",
        "activations",
        (
            Part(
                "training loss, sigmoid − tanh (nats), 2 hidden layers",
                Side("sigmoid: depth 2 | *", "train_loss"),
                Side("tanh: depth 2 | *", "train_loss"),
            ),
        ),
    ),
    Claim(
        "C3",
        "GELU is smoother than ReLU, which helps in achieving better training results",
        "activations",
        "activations",
        (
            Part(
                "training loss, ReLU − GELU (nats), 2 hidden layers",
                Side("ReLU: depth 2 | *", "train_loss"),
                Side("GELU: depth 2 | *", "train_loss"),
            ),
        ),
        "Each at the rate with the lowest training loss, which is what is compared. The test loss is in the table of the run.",
    ),
    Claim(
        "C12",
        "Each of the four cases is the way to transfer in its own quadrant of size and similarity",
        "transfer",
        "transfer",
        tuple(
            Part(
                f"test accuracy on {amount} {kind} examples, case {' or '.join(own.strip('[]'))} − case {rival} (share right)",
                Side(f"{AMOUNTS[amount]} {kind}: case {own}, *", "test_accuracy"),
                Side(f"{AMOUNTS[amount]} {kind}: case {rival}, *", "test_accuracy"),
            )
            for amount, kind, own, rivals in QUADRANTS
            for rival in rivals
        ),
        "Few are 50 and many are 1,000; case 2 keeps the early layers. For many different examples the notes allow case 3 "
        "too, so the better of the two on validation stands for them.",
    ),
    Claim(
        "C4",
        "ReLU's activations are sparse (about 50 %), and its units can die",
        "activations",
        "activations",
        (
            Part(
                "share of activations that are 0, near one half (± 0.1)",
                Side("ReLU: depth 2 | *", "activation_sparsity"),
                0.5,
                tolerance=0.1,
            ),
            Part(
                "share of units that are 0 for every training example, ReLU − 0",
                Side("ReLU: depth 2 | *", "dead_units"),
                0.0,
            ),
        ),
        "Two hidden layers after training, at the learning rate that is best on validation.",
    ),
)
