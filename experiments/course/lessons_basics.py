"""The chapters of the course, F001 to F060: from the perceptron to networks that generalize."""

from experiments.course.records import Lesson

LESSONS = (
    Lesson(
        "perceptron",
        "The perceptron",
        (
            "A perceptron draws a line between two kinds of points. It weighs the features of a point, adds a bias, and "
            "says yes where the sum is not negative.",
            "It learns from its mistakes only. A point on the wrong side pulls the line towards itself; a point on the "
            "right side changes nothing. Where some line separates the points, the number of mistakes has a bound that "
            "does not depend on how many points there are. Where none does, as with XOR, the rule never comes to rest.",
            "The animation shows the line after each mistake. The last one separates the points, but it need not be the "
            "best of those that do.",
        ),
        ("F001", "F004"),
        ("perceptron",),
        pictures=(),
    ),
    Lesson(
        "predictions",
        "Probabilities instead of yes and no",
        (
            "A step from no to yes has no slope to descend. The sigmoid replaces it by a curve between 0 and 1, and softmax "
            "does the same for several classes: scores become probabilities that sum to 1.",
            "The log-loss reads these probabilities. It is the surprise at what really happened: nothing for a sure and "
            "right answer, and without limit for a sure and wrong one. Classes enter as columns of zeros and a one.",
            "Both functions overflow when they are computed as they are written. Subtracting the largest score first "
            "changes no result and avoids that.",
        ),
        ("F005", "F014"),
        pictures=("softmax",),
    ),
    Lesson(
        "likelihood",
        "Likelihood and cross-entropy",
        (
            "Which of two models is better? The one under which the data that were seen are more probable. The probability "
            "of all of them is a product of many numbers below 1, which soon is too small for a computer. Its logarithm is "
            "a sum, and is not.",
            "Cross-entropy is that sum with its sign turned. To make it small is to make the data probable: the same "
            "choice of parameters under two names. The coin shows it with one parameter, and classes that are rare show "
            "that the loss follows the frequent ones unless it is told otherwise.",
        ),
        ("F015", "F019"),
        ("likelihood", "multiclass"),
    ),
    Lesson(
        "logistic_regression",
        "Logistic regression and gradient descent",
        (
            "Logistic regression is a line with a sigmoid behind it. Its loss has a slope everywhere, so that the weights "
            "can go downhill: each step moves them against the gradient.",
            "The gradient comes out short: the error of the prediction times the input. That is the perceptron's rule, "
            "except that every point counts, and counts by how wrong it is. Each line of the derivation is a row below, "
            "checked against automatic differentiation.",
        ),
        ("F020", "F026"),
        ("logistic_regression", "perceptron_vs_gradient_descent", "churn"),
    ),
    Lesson(
        "networks",
        "Networks and backpropagation",
        (
            "One line cannot separate the corners of XOR; two lines and a unit that combines them can. A network is such "
            "combinations in layers: linear maps with a bend between them.",
            "Backpropagation is the chain rule, read from the end. The error of the output is handed back through each "
            "layer, multiplied by the slope that it meets, and gives the gradient of every weight in one pass.",
            "That a network can represent a function does not mean that training finds it: some starts get stuck, and "
            "spare units help.",
        ),
        ("F027", "F032"),
        ("xor",),
        pictures=("backpropagation",),
    ),
    Lesson(
        "squared_errors",
        "Squared errors and a network by hand",
        (
            "For numbers instead of classes the loss is the square of the error. With two weights it can be drawn as a "
            "map, and descent as a path on it. Where the map has two valleys, the start decides in which one the path "
            "ends.",
            "A network of one hidden unit is small enough to compute by hand: forwards, the error, backwards, a step. "
            "The page has each number as the notes print it and as it really is. A sigmoid hands back at most a quarter of "
            "the error, so that in a deep network little is left for the first layers.",
        ),
        ("F033", "F041"),
        ("error_surface", "worked_example", "vanishing_gradients"),
        pictures=("error_surface_of_a_unit",),
    ),
    Lesson(
        "fit",
        "Too simple, too complex, stopped in time",
        (
            "A model is judged by data that it has not seen. So the data are split in three: one part trains, one chooses "
            "between settings, and one is opened at the end.",
            "A model that is too simple is bad on all of them. One that is too complex is good on the training data only, "
            "because it also learns their noise. Between the two lies the best width, or the best moment to stop.",
        ),
        ("F042", "F046"),
        ("underfit_overfit", "early_stopping", "model_complexity"),
        ("generalization", "fit", "stopping"),
        ("model_complexity_graph",),
    ),
    Lesson(
        "regularization",
        "Regularization",
        (
            "A price on large weights keeps a model from following the noise. L2 charges the square of a weight and makes "
            "all of them small; L1 charges the size itself and makes many of them exactly 0, if the step knows how to "
            "stop at 0. Dropout switches units off at random while the network trains.",
            "How strong the price should be is found by trying: each strength is trained, and the validation data choose.",
        ),
        ("F047", "F051"),
        ("regularization", "l1_vs_l2", "pruning"),
        ("regularization", "dropout"),
    ),
    Lesson(
        "activations",
        "Activation functions",
        (
            "Without a bend between its layers a network is one linear map. The bend decides how the gradient comes back: "
            "the sigmoid and tanh are flat where they are saturated, ReLU has slope 1 or 0, and its relatives differ in "
            "what they do below 0.",
            "A unit whose sum is negative for every example has gradient 0 and cannot learn again. The comparison gives "
            "each function the learning rate that suits it best, because the rate that suits one need not suit another.",
        ),
        ("F052", "F060"),
        ("activations",),
        ("activations",),
        ("activation_functions",),
    ),
)
