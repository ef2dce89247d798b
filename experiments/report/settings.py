"""The runs of the report: a config for each, and the report's changes to it; the quick report changes more."""

from experiments.report.records import Experiment

EXPERIMENTS: dict[str, Experiment] = {
    # No claim rests on these: they show something in a few seconds.
    "perceptron": Experiment("perceptron", "", ("perceptron",), {}, {}),
    "likelihood": Experiment("likelihood", "", ("likelihood",), {}, {}),
    "logistic_regression": Experiment("logistic_regression", "", ("logistic_regression",), {}, {}),
    "perceptron_vs_gradient_descent": Experiment(
        "perceptron_vs_gradient_descent", "", ("perceptron_vs_gradient_descent",), {}, {}
    ),
    "xor": Experiment("xor", "", ("xor",), {}, {}),
    "error_surface": Experiment("error_surface", "", ("error_surface", "two_minima"), {}, {}),
    "worked_example": Experiment("worked_example", "", ("worked_example",), {}, {}),
    # Those with claims.
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
        "Networks with 1 unit, 4 units and 2 x 64 units on 200 points of two noisy moons, trained by full-batch Adam.",
        ("regions", "learning_curves"),
        {"num_seeds": 16},
        {"num_seeds": 12},
    ),
    "early_stopping": Experiment(
        "early_stopping",
        "256 tanh units on 100 points of two noisy moons; training ends after some evaluations without improvement and goes "
        "back to the best parameters.",
        ("stopping",),
        {"num_seeds": 16},
        {"num_seeds": 12, "train.steps": 400},
    ),
    "restarts": Experiment(
        "restarts",
        "Networks with 3 tanh units learn two circles from 32 starts for each seed; descent on Rastrigin's function, whose "
        "lowest minimum is one of 11 along each axis.",
        ("restarts",),
        {"num_seeds": 16},
        {"num_seeds": 12, "task.num_searches": 24, "task.steps": 300},
    ),
    "activations": Experiment(
        "activations",
        "Networks with 2 and 6 hidden layers of 32 units on 500 digits (10 % wrong labels), each activation at its best "
        "learning rate.",
        ("comparison",),
        {"num_seeds": 16},
        {"num_seeds": 12, "train.steps": 200, "train.eval_every": 100, "train.log_every": 100},
    ),
    "batch_sizes": Experiment(
        "batch_sizes",
        "One hidden layer of 32 units on 512 digits, 20 epochs of plain gradient descent whatever the batch: the same "
        "number of gradients of single examples. Each batch size at its best learning rate.",
        ("batches",),
        {"num_seeds": 16},
        {"num_seeds": 12},
    ),
    "learning_rates": Experiment(
        "learning_rates",
        "One hidden layer of 32 units on 1,000 digits; eleven learning rates from 0.0001 to 10 for three optimizers.",
        ("rates", "paths"),
        {"num_seeds": 16},
        {"num_seeds": 12, "train.steps": 200},
    ),
    "schedules": Experiment(
        "schedules",
        "One hidden layer of 32 units on 1,000 digits (20 % wrong labels) in batches of 10; each schedule at its best "
        "first learning rate.",
        ("schedules", "comparison"),
        {"num_seeds": 16},
        {"num_seeds": 12},
    ),
    "momentum": Experiment(
        "momentum",
        "Descent on a bowl with a hump before its minimum, from random starts before the hump.",
        ("momentum",),
        {"num_seeds": 20},
        {},
    ),
    "transfer": Experiment(
        "transfer",
        "The demonstration network (three convolutional and three fully connected layers) is pre-trained on 8 of 16 kinds of "
        "drawn images, or on handwritten digits, and transferred to the other 8 kinds, 50 or 1,000 examples of them; each "
        "case at its best learning rate.",
        ("transfer",),
        {"num_seeds": 12},
        {"num_seeds": 12, "task.learning_rates": (3e-3,), "task.pretrain_steps": 600},
    ),
    "transformer_parts": Experiment(
        "transformer_parts",
        "Twelve transformer blocks (attention and feed-forward, width 16) read digits row by row, with and without "
        "residuals and layer norms, each at its best learning rate of Adam.",
        ("comparison",),
        {"num_seeds": 12},
        {"num_seeds": 12, "task.steps": 100},
        long=True,
    ),
    "attention_scale": Experiment(
        "attention_scale",
        "Softmax of the scores of random queries and keys (N(0, 1), 32 keys), with and without the factor; its Jacobian is "
        "what a gradient is multiplied by on the way back.",
        ("comparison",),
        {"num_seeds": 20},
        {},
    ),
    "positions": Experiment(
        "positions",
        "A GPT of 2 blocks of width 32 reads documentation character by character, with learned positions, fixed sinusoids "
        "or none, each with short or long token vectors and at its best learning rate.",
        ("comparison",),
        {"num_seeds": 12},
        {"num_seeds": 12, "train.steps": 200},
        long=True,
    ),
    "scaling": Experiment(
        "scaling",
        "GPTs of 3,000 to 130,000 parameters read documentation character by character at a constant rate, each size at its "
        "best one.",
        ("scaling",),
        {},
        {"data.batch_size": 8, "train.steps": 160},
        long=True,
    ),
    "generation": Experiment(
        "generation",
        "A small character GPT continues pieces of its validation text, the same ones with every strategy; a seed is a set "
        "of prompts.",
        ("comparison",),
        {"num_seeds": 16, "task.texts": 8},
        {"num_seeds": 12, "task.texts": 4, "task.train_steps": 500, "task.new_tokens": 120},
    ),
    "spam": Experiment(
        "spam",
        "Bags of words of generated messages, 2 % of whose labels are wrong; a seed is a split and a start.",
        ("spam",),
        {"num_seeds": 16},
        {"num_seeds": 12},
    ),
    "word2vec": Experiment(
        "word2vec",
        "Skip-gram and CBOW with negative sampling on a megabyte of generated sentences about computers, fruit, people and "
        "places; a seed is a start and an order.",
        ("word2vec",),
        {"num_seeds": 16},
        {"num_seeds": 12, "task.epochs": 3},
    ),
    "tokens_per_word": Experiment(
        "tokens_per_word",
        "A byte-level BPE of 8,000 tokens trained on the documentation that comes with Python.",
        (),
        {"num_seeds": 16},
        {"num_seeds": 12},
    ),
    "rnn_memory": Experiment(
        "rnn_memory",
        "A class is the first of 10, 30 or 100 tokens, the others are drawn at random; recurrent networks of 32 units, the "
        "gate that keeps the state open at the start.",
        ("paths",),
        {"num_seeds": 16},
        {"num_seeds": 12, "train.steps": 100},
    ),
    "families": Experiment(
        "families",
        "Transformers of four blocks and width 32, as a decoder, an encoder, and two blocks of each, finish English "
        "sentences, judge opinions and translate to French; all answer the same words, each at the best of its learning "
        "rates.",
        ("families",),
        {"num_seeds": 12},
        {"num_seeds": 12, "task.steps": 200, "task.learning_rates": (6e-3,)},
        long=True,
    ),
    "toy_translation": Experiment(
        "toy_translation",
        "The Transformer of 2017 and LSTMs with and without attention, 194,000 parameters each, translate English sentences "
        "of a small grammar to French; no test sentence is in the training.",
        ("translations", "comparison"),
        {"num_seeds": 12},
        {"num_seeds": 12, "train.steps": 400, "task.decoded": 250},
        long=True,
    ),
    "alignment": Experiment(
        "alignment",
        "A GPT of 2 blocks reads facts of a small world, is fine-tuned on answers in all tones, and learns from pairs of "
        "answers that a hidden rule ranks (right, polite, short), 5 % of whose labels are wrong; a seed is a fine-tuned model, "
        "its reward model and the policies that start from it.",
        ("alignment",),
        {"num_seeds": 12},
        {"num_seeds": 12},
        long=True,
    ),
    "word_order": Experiment(
        "word_order",
        'Sentences such as "dog bites man" and "man bites dog"; the class is who bites.',
        ("comparison",),
        {"num_seeds": 16},
        {"num_seeds": 12, "train.steps": 150},
    ),
}
