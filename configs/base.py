"""Every key of a configuration, with its unit or range. A config file starts from `experiment()` and sets values.

Two kinds of value, told apart by where they stand: `hparams.*` are arguments of the compiled program (any of them, and
`seed`, may differ between the members of a sweep without another compilation); everything else is structure.
An hparam that is left unset is not in the program at all; one that is set and read by nothing is an error.
"""

from typing import Any

from ml_collections import ConfigDict
from ml_collections.config_dict import placeholder

# name: what it is, its range.
HPARAMS = {
    "learning_rate": "step size, > 0",
    "momentum": "share of the last step that is kept (momentum, nesterov), in [0, 1)",
    "beta1": "decay of the first moment (adam, adamw), in [0, 1)",
    "beta2": "decay of the second moment (adam, adamw, rmsprop), in [0, 1)",
    "epsilon": "added to the root of the second moment, > 0",
    "weight_decay": "decoupled decay of kernels and embeddings, 1 / step, >= 0",
    "clip_norm": "largest global norm of a gradient, > 0",
    "l1": "strength of sum |w|, >= 0",
    "l2": "strength of sum w^2, >= 0",
    "elastic_net": "strength of l1_ratio sum |w| + (1 - l1_ratio) sum w^2, >= 0",
    "l1_ratio": "share of L1 in the elastic net, in [0, 1]",
    "dropout_rate": "probability of dropping a unit, in [0, 1)",
    "label_smoothing": "share of the target spread over all classes, in [0, 1)",
    "negative_slope": "slope of leaky_relu left of 0, in [0, 1)",
    "elu_alpha": "elu tends to -elu_alpha, > 0",
    "init_scale": "factor on the initial kernels, > 0",
    "restart_sigma": "standard deviation of the noise around one common start; unset: every seed its own start, >= 0",
    "sparsity": "share of kernels and embeddings that is pruned in the end (config.pruning says when), in [0, 1)",
    "patience": "evaluations without improvement before the run stops, >= 1",
    "min_delta": "least improvement that counts, >= 0",
}


def experiment() -> ConfigDict:
    """A run: the sections that every config has. Model and data stand for the smallest thing that learns."""
    config = ConfigDict()
    config.name = "run"  # also the name of the run directory under checkpoints/
    config.label = ""  # how tables and figures call a member: "family: name | tuned"; its overrides where empty
    config.seed = 0  # decides split, start, batches and noise
    config.num_seeds = 8  # seeds of the config's sweep, >= 1
    config.hparams = ConfigDict({name: placeholder(float) for name in HPARAMS})
    config.task = classification()
    config.model = mlp()
    config.data = examples("digits", train=1000, validation=300, test=497)
    config.optimizer = ConfigDict(
        {
            "name": "adam",  # sgd, momentum, nesterov, rmsprop, adam, adamw, adagrad
            "proximal": False,  # apply L1 by its proximal step, which makes exact zeros
        }
    )
    config.transfer = transfer()
    config.schedule = ConfigDict(
        {
            "name": "constant",  # constant, inverse_sqrt, step, exponential, linear, cosine
            "warmup_steps": 0,  # steps of linear warm-up, >= 0
            "decay_steps": placeholder(int),  # step, exponential: steps per factor decay_rate
            "decay_rate": placeholder(float),  # step, exponential: in (0, 1]
            "final_factor": placeholder(float),  # linear, cosine: in [0, 1]
        }
    )
    config.train = ConfigDict(
        {
            "steps": 1000,  # updates, >= 0
            "eval_every": 100,  # steps between evaluations on validation, >= 1
            "log_every": 100,  # steps between lines of metrics.jsonl, >= 1
            "sample_every": 0,  # language models, translators: steps between samples, >= 0; 0: none
            "chunk_steps": 100,  # most steps in one compiled call, >= 1
            "keep_best": False,  # finish with the parameters that were best on validation
            "evaluate_train": True,  # evaluate on the training split too
            "max_skips": 0,  # steps in a row with NaN or infinity that are skipped; 0 stops at the first
            "divergence_factor": 100.0,  # a loss above this many times 1 + |first loss| ends the run as diverged, > 1
            "accumulate": 1,  # micro-batches whose gradients make one update; must divide the batch, >= 1
            "max_members": 1024,  # most members of a population in one call, >= 1
        }
    )
    config.checkpoint = ConfigDict(
        {
            "resume": "auto",  # auto: continue what the directory holds; fresh: put it aside; never: refuse it
            "every_seconds": 30.0,  # least time between two saves; 0 saves after every chunk, >= 0
            "keep_latest": 2,  # newest checkpoints to keep, >= 1
            "keep_best": 1,  # checkpoints with the lowest validation loss to keep besides, >= 0
        }
    )
    config.sample = ConfigDict(
        {
            "prompt": "\n",  # what the samples of train.sample_every start from
            "max_new_tokens": 300,  # tokens after the prompt, >= 1
            "temperature": 1.0,  # 0: greedy, >= 0
        }
    )
    config.table = ("test_accuracy", "test_loss")  # columns of the table at the end
    config.figures = ("learning_curves",)  # what is drawn at the end
    return config


def study(name: str, settings: dict[str, Any]) -> ConfigDict:
    """An experiment that is an algorithm with its own loop and no training run: the few sections that it reads.

    Args:
        name: the study, see experiments/studies; also the name of the run and of its figure.
        settings: the study's own numbers; each has its range beside it in the config file.
    """
    config = ConfigDict()
    config.name = name
    config.seed = 0  # the first seed
    config.num_seeds = 10  # seeds, one after the other from the first, >= 1
    config.task = ConfigDict({"name": name} | settings)
    config.checkpoint = ConfigDict({"resume": "auto"})  # auto: show what is finished; fresh: run again; never: refuse
    config.table = ()
    config.figures = (name,)
    return config


def transfer() -> ConfigDict:
    """Where a run starts and what of it learns: by default from random parameters, all of them."""
    return ConfigDict(
        {
            "source": placeholder(str),  # run directory whose parameters are loaded; None: none are
            "member": placeholder(int),  # of a sweep, >= 0; None for a single run
            "step": "best",  # of its checkpoints: best, latest, or a number
            "load": (("*", "load"),),  # (path, load or new) in order, the first match wins: new ones are drawn
            "train": (("*", 1.0),),  # (path, factor of the learning rate, 0: frozen), likewise
        }
    )


def pruning(*, begin: int, end: int, every: int = 10) -> ConfigDict:
    """When hparams.sparsity of the weights become zero; a config without this section prunes nothing."""
    return ConfigDict(
        {
            "begin": begin,  # first update that removes weights, >= 0
            "end": end,  # update from which on all are removed, > begin
            "every": every,  # updates between two removals, >= 1
            "scope": "global",  # global (the smallest of all), layer (the same share of each)
        }
    )


def classification(name: str = "classification") -> ConfigDict:
    """What is learned from labelled examples."""
    return ConfigDict(
        {
            "name": name,  # classification (softmax), binary (one sigmoid), one_vs_rest (a sigmoid a class), regression
            "class_weights": "none",  # none, or balanced: N / (C N_c)
            "record": (),  # kept of each run beside its numbers: coefficients, support, confusion, regions, filters
        }
    )


def language() -> ConfigDict:
    """Next-token prediction on a text."""
    return ConfigDict({"name": "language"})


def sequence_classification() -> ConfigDict:
    """A class for a whole sequence: many to one."""
    return ConfigDict({"name": "sequence_classification"})


def tagging() -> ConfigDict:
    """A class for each token: many to many, side by side."""
    return ConfigDict({"name": "tagging"})


def forecasting(season: int) -> ConfigDict:
    """The next value of a series."""
    return ConfigDict(
        {
            "name": "forecasting",
            "season": season,  # steps after which the series repeats, for the naive forecast; 1 .. window
            "horizon": 100,  # steps of the far forecast, 1 .. test examples
            "paths": 200,  # simulated futures of its band, >= 2
        }
    )


def translation() -> ConfigDict:
    """Another sequence: many to many, one after the other."""
    return ConfigDict(
        {
            "name": "translation",
            "reverse_source": False,  # read the source backwards
            "decoded": 500,  # test sources that are decoded at the end, greedily and by beam search, >= 1
            "num_beams": 4,  # hypotheses of the beam search, >= 2
        }
    )


def mlp(hidden_sizes: tuple[int, ...] = (32,), activation: str = "relu") -> ConfigDict:
    """A multi-layer perceptron; hidden_sizes=() is the linear model."""
    return ConfigDict(
        {
            "name": "mlp",
            "hidden_sizes": hidden_sizes,  # units of each hidden layer, each >= 1
            "activation": activation,  # see nn_core/activations.py
            "normalization": "none",  # none, layer
            "initializer": "he_normal",  # see nn_core/initializers.py
            "use_bias": True,  # add a bias to each linear map
        }
    )


def cnn(channels: tuple[int, ...] = (16, 32, 64), hidden_sizes: tuple[int, ...] = (128, 64)) -> ConfigDict:
    """The demonstration network: convolutions, each with a pooling of 2 x 2, then dense layers."""
    return ConfigDict(
        {
            "name": "cnn",
            "channels": channels,  # filters of each convolution, each >= 1
            "hidden_sizes": hidden_sizes,  # units of each hidden dense layer, each >= 1
            "kernel_size": 3,  # side of the filters in pixels, >= 1
            "padding": "same",  # same (zeros around the image), valid
            "pooling": "max",  # max, average, none
            "activation": "relu",  # see nn_core/activations.py
            "normalization": "none",  # none, layer, group
            "num_groups": 8,  # of group normalization, must divide each of the channels
            "initializer": "he_normal",  # see nn_core/initializers.py
            "use_bias": True,  # add a bias to each linear map
        }
    )


def vit(*, layers_num: int = 2, heads_num: int = 4, embedding_dim: int = 64) -> ConfigDict:
    """A Vision Transformer: the patches of an image as tokens."""
    return ConfigDict(
        {
            "name": "vit",
            "layers_num": layers_num,  # blocks, >= 1
            "heads_num": heads_num,  # attention heads, a divisor of embedding_dim
            "embedding_dim": embedding_dim,  # width, >= 1
            "patch_size": 2,  # side of a patch in pixels, a divisor of height and width
            "position": "learned",  # learned, sinusoidal, none
            "pooling": "class",  # class (a token that the head reads), mean
            "activation": "gelu",  # see nn_core/activations.py
            "initializer": "lecun_normal",  # see nn_core/initializers.py
            "use_bias": True,  # add a bias to each linear map
        }
    )


def examples(name: str, *, train: int, validation: int, test: int, **options: float) -> ConfigDict:
    """Labelled examples in arrays; `options` go to the generator or loader of that name."""
    section = ConfigDict(
        {
            "name": name,  # see nn_core/data/sources.py
            "options": ConfigDict(dict(options)),  # arguments of the loader, such as num_examples, noise, seed
            "classes": (),  # numbers of the classes that are kept, counted anew from 0 in this order; (): all
            "train": train,  # training examples, >= 1
            "validation": validation,  # examples that choose, >= 1
            "test": test,  # examples that judge, once, >= 1
            "shuffle": True,  # draw the split by the seed; False: first rows train, last rows test
            "standardize": "feature",  # feature, all, none; statistics of the training examples
            "label_noise": 0.0,  # share of training labels that are replaced by another class, in [0, 1)
            "noise_features": 0,  # columns of N(0, 1) that are appended to the inputs, >= 0
            "batch_size": placeholder(int),  # examples a step; None: all of them (batch gradient descent)
            "with_replacement": False,  # draw each example of a batch anew, instead of going through all of them
            "drop_last": False,  # leave the ragged last batch of an epoch out
            "evaluation_batch": 4096,  # examples in one forward pass of an evaluation, >= 1
            "augmentation": ConfigDict(  # of training images; needs standardize=all or none
                {
                    "shift": 0,  # most pixels to each side, below height and width, >= 0
                    "flip": 0.0,  # probability of a mirror image, in [0, 1]
                    "crop": 1.0,  # least share of the sides that a crop keeps, in (0, 1]; 1: none
                }
            ),
        }
    )
    section.batch_size = 64
    return section


def gpt(*, layers_num: int, heads_num: int, embedding_dim: int) -> ConfigDict:
    """A decoder-only transformer: the course's keys (context_size stands under data, dropout_rate under hparams)."""
    return ConfigDict(
        {
            "name": "gpt",
            "layers_num": layers_num,  # blocks, >= 1
            "heads_num": heads_num,  # attention heads, a divisor of embedding_dim
            "embedding_dim": embedding_dim,  # width, >= 1
            "use_bias": True,  # add a bias to each linear map
            "position": "learned",  # learned, sinusoidal, rotary, alibi, relative, none
            "norm": "layer",  # layer, rms
            "norm_position": "pre",  # pre, post
            "activation": "gelu",  # gelu (exact), gelu_tanh
            "ffn": "mlp",  # mlp (4 x width), swiglu, geglu
            "tied_head": False,  # the head is the transposed token embedding
            "attention": "dense",  # dense, blockwise (online softmax), cudnn (GPU)
            "attention_dropout": True,  # drop attention weights too
            "scan_layers": False,  # one compiled block, whatever the depth
            "remat": False,  # compute activations again in the backward pass
            "dtype": "float32",  # of the computation: float32, bfloat16
        }
    )


def recurrent(cell: str = "lstm", *, features: int = 64) -> ConfigDict:
    """Recurrent layers between an embedding and a dense layer; what they are for is the task's business."""
    return ConfigDict(
        {
            "name": "recurrent",
            "cell": cell,  # vanilla, lstm, gru
            "features": features,  # units of a layer (in each direction), >= 1
            "num_layers": 1,  # >= 1
            "bidirectional": False,  # a second set of layers reads from the end; not where text is written
            "embedding_size": 32,  # numbers of a token's vector, >= 1
            "forget_bias": 1.0,  # start of the gate that keeps the state; log T keeps something over T steps
        }
    )


def sequences(name: str, *, train: int, validation: int, test: int, **options: float) -> ConfigDict:
    """Sequences in arrays; `options` go to the generator or loader of that name."""
    section = ConfigDict(
        {
            "name": name,  # see nn_core/data/sequence_sources.py
            "options": ConfigDict(dict(options)),  # arguments of the loader, such as length, num_examples, seed
            "train": train,  # training sequences, >= 1
            "validation": validation,  # sequences that choose, >= 1
            "test": test,  # sequences that judge, once, >= 1
            "shuffle": True,  # draw the split by the seed; False: first rows train, last rows test
            "batch_size": placeholder(int),  # sequences a step; None: all of them
            "evaluation_batch": 1024,  # sequences in one forward pass of an evaluation, >= 1
        }
    )
    section.batch_size = 64
    return section


def word_text() -> dict[str, Any]:
    """A text for word vectors, and what the vectors are asked; for a text of your own, ask for words that it has."""
    return {
        "text": "small_world",  # small_world, karate_walks, generated, pydoc (offline), shakespeare (download), file
        "path": placeholder(str),  # of the text, where text is "file"; a line is a sentence
        "min_count": 5,  # rarer words are left out, >= 1
        "features": 50,  # numbers of a vector, >= 2
        "similar": ("laptop", "queen", "rome"),  # words whose neighbours are shown
        "odd": ("laptop screen banana", "king father pasta"),  # which word does not match?
        "analogies": ("man king woman", "italy rome france"),  # man is to king as woman is to?
    }


def text(name: str, *, context_size: int, batch_size: int) -> ConfigDict:
    """A text as tokens."""
    return ConfigDict(
        {
            "name": name,  # shakespeare (download), pydoc, generated (both offline), file, token_file (with path)
            "path": placeholder(str),  # of the text, where name is "file"; of the tokens (experiments/tokens.py)
            "tokenizer": "characters",  # see nn_core/text/tokenizers.py; a token file brings its own
            "vocabulary_size": placeholder(int),  # of a trained tokenizer
            "split_ratio": 0.9,  # share of the text that is trained on, in (0, 1)
            "context_size": context_size,  # tokens of a window, >= 1
            "batch_size": batch_size,  # windows a step, >= 1
            "evaluation_windows": 256,  # windows that a split is judged on while training goes on, >= 1
            "evaluation_batch": 64,  # windows in one forward pass of an evaluation, >= 1
        }
    )
