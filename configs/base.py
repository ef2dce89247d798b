"""Every key of a configuration: its default, what it is, its range. A config file starts from `experiment()`.

There are two kinds of value, and the section tells which: `hparams.*` are arguments of the compiled program (any of
them, and `seed`, may differ between the members of a sweep without another compilation); everything else is structure.
An hparam that is left unset is not in the program at all; one that is set but never read is an error.

A section is a table of keys and a function that makes it. The checks of a command read the ranges from these tables; a
model or a task of your own declares its keys in the same way.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from ml_collections import ConfigDict
from ml_collections.config_dict import placeholder


class Key(NamedTuple):
    """A key of a section.

    Attributes:
        default: its value unless a config sets another; a type (int, float, str) where it is unset until then.
        about: what it is.
        range: interval of the number, or of every number of a tuple, such as "[0, 1)"; SIZES for a tuple of layers, which
            may be empty; "" where no number is meant, or any will do.
        needed: it has no default and cannot be left unset: a config has to say it.
    """

    default: Any
    about: str
    range: str = ""
    needed: bool = False


SIZES = "whole numbers >= 1"

RUN = {
    "name": Key("run", "also the name of the run directory under checkpoints/"),
    "label": Key("", 'how tables and figures call a member, "family: name | tuned"; its overrides where empty'),
    "seed": Key(0, "decides split, start, batches and noise", "[0, 4294967295]"),
    "num_seeds": Key(8, "seeds of the config's sweep", "[1, 100000]"),
    "table": Key(("test_accuracy", "test_loss"), "columns of the table at the end"),
    "figures": Key(("learning_curves",), "what is drawn at the end"),
}
HPARAMS = {
    "learning_rate": Key(float, "step size", "(0, inf)"),
    "momentum": Key(float, "share of the last step that is kept (momentum, nesterov)", "[0, 1)"),
    "beta1": Key(float, "decay of the first moment (adam, adamw)", "[0, 1)"),
    "beta2": Key(float, "decay of the second moment (adam, adamw, rmsprop)", "[0, 1)"),
    "epsilon": Key(float, "added to the root of the second moment", "(0, inf)"),
    "weight_decay": Key(float, "decoupled decay of kernels and embeddings, 1 / step", "[0, inf)"),
    "clip_norm": Key(float, "largest global norm of a gradient", "(0, inf)"),
    "l1": Key(float, "strength of sum |w|", "[0, inf)"),
    "l2": Key(float, "strength of sum w^2", "[0, inf)"),
    "elastic_net": Key(float, "strength of l1_ratio sum |w| + (1 - l1_ratio) sum w^2", "[0, inf)"),
    "l1_ratio": Key(float, "share of L1 in the elastic net", "[0, 1]"),
    "dropout_rate": Key(float, "probability of dropping a unit", "[0, 1)"),
    "label_smoothing": Key(float, "share of the target spread over all classes", "[0, 1)"),
    "negative_slope": Key(float, "slope of leaky_relu left of 0", "[0, 1)"),
    "elu_alpha": Key(float, "elu tends to -elu_alpha", "(0, inf)"),
    "init_scale": Key(float, "factor on the initial kernels", "(0, inf)"),
    "restart_sigma": Key(
        float, "standard deviation of the noise around one common start; unset: every seed its own start", "[0, inf)"
    ),
    "sparsity": Key(float, "share of kernels and embeddings pruned in the end (config.pruning says when)", "[0, 1)"),
    "patience": Key(float, "evaluations without improvement before the run stops", "[1, inf)"),
    "min_delta": Key(float, "least improvement that counts", "[0, inf)"),
    "beta": Key(
        float, "strength of the reference: of the KL in ppo and grpo, of the log-ratio in dpo, > 0 there", "[0, inf)"
    ),
    "kl_target": Key(float, "ppo, grpo: beta adapts towards this KL of an answer, nats", "(0, inf)"),
    "kl_horizon": Key(
        float, "answers over which an error of the KL changes beta by e^0.2; more than a fifth of a step's", "[1, inf)"
    ),
    "clip_range": Key(float, "ppo, grpo: how far a ratio may go from 1", "(0, 1)"),
    "value_clip": Key(float, "ppo: how far a value may go from its old one; unset: anywhere", "(0, inf)"),
    "value_coefficient": Key(float, "ppo: weight of the value's loss", "[0, inf)"),
    "entropy_coefficient": Key(float, "ppo, grpo: weight of the entropy of the draws", "[0, inf)"),
    "discount": Key(float, "ppo: worth of a reward one token later", "[0, 1]"),
    "gae_decay": Key(float, "ppo: lambda of the advantages", "[0, 1]"),
    "answer_temperature": Key(
        float, "ppo, grpo: answers are drawn and scored at this temperature; unset: 1", "(0, inf)"
    ),
    "centring": Key(float, "reward model: pulls the scores' mean to 0", "[0, inf)"),
    "lora_alpha": Key(float, "adapters count alpha / rank (config.lora says which); unset: there are none", "(0, inf)"),
    "lora_dropout": Key(float, "probability of dropping an input of an adapter", "[0, 1)"),
}
OPTIMIZER = {
    "name": Key("adam", "sgd, momentum, nesterov, rmsprop, adam, adamw, adagrad"),
    "proximal": Key(False, "apply L1 by its proximal step, which makes exact zeros"),
}
SCHEDULE = {
    "name": Key("constant", "constant, inverse_sqrt, step, exponential, linear, cosine"),
    "warmup_steps": Key(0, "steps of linear warm-up", "[0, inf)"),
    "decay_steps": Key(int, "step, exponential: steps per factor decay_rate", "[1, inf)"),
    "decay_rate": Key(float, "step, exponential: factor on the rate", "(0, 1]"),
    "final_factor": Key(float, "linear, cosine: share of the rate that is left at the end", "[0, 1]"),
}
TRAIN = {
    "steps": Key(1000, "updates", "[0, 2147483646]"),
    "eval_every": Key(100, "steps between evaluations on validation", "[1, inf)"),
    "log_every": Key(100, "steps between lines of metrics.jsonl", "[1, inf)"),
    "sample_every": Key(0, "language models, translators: steps between samples; 0: none", "[0, inf)"),
    "chunk_steps": Key(100, "most steps in one compiled call", "[1, inf)"),
    "keep_best": Key(False, "finish with the parameters that were best on validation"),
    "evaluate_train": Key(True, "evaluate on the training split too"),
    "max_skips": Key(0, "steps in a row with NaN or infinity that are skipped; 0 stops at the first", "[0, inf)"),
    "divergence_factor": Key(
        100.0, "a loss above this many times 1 + |first loss| ends the run as diverged", "(1, inf)"
    ),
    "accumulate": Key(1, "micro-batches whose gradients make one update; must divide the batch", "[1, inf)"),
    "max_members": Key(1024, "most members of a population in one call", "[1, inf)"),
}
CHECKPOINT = {
    "resume": Key("auto", "auto: continue what the directory holds; fresh: put it aside; never: refuse it"),
    "extend": Key("exact", "train.steps raised on a finished run: exact (as if that long from the start), reschedule"),
    "every_seconds": Key(30.0, "least time between two saves; 0 saves after every chunk", "[0, inf)"),
    "keep_latest": Key(2, "newest checkpoints to keep", "[1, inf)"),
    "keep_best": Key(1, "checkpoints with the lowest validation loss that are kept too", "[0, inf)"),
}
LOG = {
    "tensorboard": Key(False, "write event files for TensorBoard (pip install -e '.[tensorboard]')"),
    "wandb": Key(False, "hand finished runs to Weights & Biases (pip install -e '.[wandb]'; WANDB_MODE=offline)"),
}
SEARCH = {
    "rungs": Key((), "steps at which only the best members of a sweep go on (successive halving); (): all go on"),
    "keep": Key(1 / 3, "share of a rung's members that goes on", "(0, 1)"),
}
SAMPLE = {
    "prompt": Key("\n", "what the samples of train.sample_every start from"),
    "max_new_tokens": Key(300, "tokens after the prompt", "[1, inf)"),
    "temperature": Key(1.0, "0: greedy", "[0, inf)"),
}
TRANSFER = {
    "source": Key(str, "run directory or Hugging Face folder whose parameters are loaded; None: none are"),
    "member": Key(int, "of a sweep; None for a single run", "[0, inf)"),
    "by_seed": Key(False, "of a sweep over seeds: each run starts from the first one of its own seed"),
    "step": Key("best", "of its checkpoints: best, latest, or a number"),
    "load": Key((("*", "load"),), "(path, load or new) in order, the first match wins: new ones are drawn"),
    "train": Key((("*", 1.0),), "(path, factor of the learning rate, 0: frozen), likewise"),
}
MESH = {
    "data": Key(
        int, "parts of the batch, parameters copied; -1: what is left; None: chosen by the devices", "[-1, inf)"
    ),
    "fsdp": Key(1, "parts of the batch and of the parameters; -1: what is left", "[-1, inf)"),
    "tensor": Key(1, "parts of the matrices inside a layer; -1: what is left", "[-1, inf)"),
    "rules": Key((), "(path, axes of the last dimensions) in order, the first match wins; (): the family's"),
}
PRUNING = {
    "begin": Key(int, "first update that removes weights", "[0, inf)", needed=True),
    "end": Key(int, "update at which the last of them are removed, > begin", "[1, inf)", needed=True),
    "every": Key(10, "updates between two removals", "[1, inf)"),
    "scope": Key("global", "global (the smallest of all), layer (the same share of each)"),
}

LORA = {
    "rank": Key(int, "columns of each adapter, at most the sides of the kernels", "[1, inf)", needed=True),
    "targets": Key(("*/attention/*/kernel",), "paths of the kernels that get an adapter"),
}


def section(keys: Mapping[str, Key], **values: Any) -> ConfigDict:
    """A section with these keys.

    Args:
        keys: name -> key.
        values: what replaces the defaults.
    Returns:
        The section. A key that may be unset stays so whatever its value: `None` given for it later is None.
    Raises:
        ValueError: a needed key has no value.
    """
    lacking = [name for name, key in keys.items() if key.needed and values.get(name) is None]
    if lacking:
        raise ValueError(f"base.section lacks {', '.join(lacking)}, which cannot be left unset; give {lacking[0]}=…")
    unset = {
        name: placeholder(key.default) for name, key in keys.items() if isinstance(key.default, type) and not key.needed
    }
    made = ConfigDict({name: key.default for name, key in keys.items()} | values | unset)
    made.update({name: value for name, value in values.items() if name in unset})
    return made


def experiment() -> ConfigDict:
    """A run: the sections that every config has. Model and data are the smallest ones that learn."""
    config = ConfigDict({name: RUN[name].default for name in ("name", "label", "seed", "num_seeds")})
    config.hparams = section(HPARAMS)
    config.task = classification()
    config.model = mlp()
    config.data = examples("digits", train=1000, validation=300, test=497)
    config.optimizer = section(OPTIMIZER)
    config.transfer = section(TRANSFER)
    config.schedule = section(SCHEDULE)
    config.train = section(TRAIN)
    config.mesh = section(MESH)
    config.checkpoint = section(CHECKPOINT)
    config.log = section(LOG)
    config.search = section(SEARCH)
    config.sample = section(SAMPLE)
    config.table = RUN["table"].default
    config.figures = RUN["figures"].default
    return config


def study(name: str, settings: dict[str, Any]) -> ConfigDict:
    """An experiment that is an algorithm with its own loop and no training run: the few sections that it reads.

    Args:
        name: the study, see experiments/studies; also the name of the run and of its figure.
        settings: the study's own numbers; its record in experiments/studies has their ranges.
    """
    config = ConfigDict()
    config.name = name
    config.seed = 0  # the first seed
    config.num_seeds = 10  # seeds, one after the other from the first
    config.task = ConfigDict({"name": name} | settings)
    config.checkpoint = ConfigDict({"resume": "auto"})  # auto: show what is finished; fresh: run again; never: refuse
    config.table = ()
    config.figures = (name,)
    return config


def pruning(*, begin: int, end: int, every: int = PRUNING["every"].default) -> ConfigDict:
    """When hparams.sparsity of the weights become zero; a config without this section prunes nothing."""
    return section(PRUNING, begin=begin, end=end, every=every)


def lora(*, rank: int, targets: tuple[str, ...] = LORA["targets"].default) -> ConfigDict:
    """Low-rank adapters, where hparams.lora_alpha is set; a config without this section has none."""
    return section(LORA, rank=rank, targets=targets)


# What is learned: sections of config.task.
CLASSIFICATION = {
    "name": Key(
        "classification", "classification (softmax), binary (one sigmoid), one_vs_rest (a sigmoid a class), regression"
    ),
    "class_weights": Key("none", "none, or balanced: N / (C N_c)"),
    "record": Key((), "kept of each run beside its numbers: coefficients, support, confusion, regions, filters"),
}
LANGUAGE = {"name": Key("language", "the next token of a text")}
SEQUENCE_CLASSIFICATION = {"name": Key("sequence_classification", "a class for a whole sequence: many to one")}
TAGGING = {"name": Key("tagging", "a class for each token: many to many, side by side")}
FORECASTING = {
    "name": Key("forecasting", "the next value of a series"),
    "season": Key(
        int, "steps after which the series repeats, for the naive forecast; at most the window", "[1, inf)", needed=True
    ),
    "horizon": Key(100, "steps of the far forecast, at most the test examples", "[1, inf)"),
    "paths": Key(200, "simulated futures of its band", "[2, inf)"),
}
TRANSLATION = {
    "name": Key("translation", "another sequence: many to many, one after the other"),
    "decoded": Key(500, "test sources that are decoded at the end, greedily and by beam search", "[1, inf)"),
    "num_beams": Key(4, "hypotheses of the beam search", "[2, 4096]"),
}
TEXT_TO_TEXT = {
    "name": Key("text_to_text", "another text: translation, summaries, answers"),
    "decoded": Key(500, "test sources whose targets are written at the end, greedily and by beam search", "[1, inf)"),
    "num_beams": Key(5, "hypotheses of the beam search", "[2, 4096]"),
    "length_penalty": Key(1.0, "of the beam search: the exponent of the length", "[-10, 10]"),
    "measures": Key((), "of what the beam writes, by sacrebleu: bleu, chrf"),
}
ANSWERS = {"name": Key("answers", "answers to questions, by people; questions are read, not learned")}
REWARD_MODEL = {
    "name": Key("reward_model", "a score that is higher for the answer which people prefer"),
    "pooling": Key(
        "last",
        "where the score stands: last (the last token), sum (over the answer), likelihood (that, and ln p of it)",
    ),
}
DPO = {
    "name": Key("dpo", "preferences, without a reward model"),
    "kind": Key("sigmoid", "sigmoid (DPO), identity (IPO)"),
    "normalise": Key(False, "divide log-ratios by the lengths of the answers"),
}
PPO = {
    "name": Key("ppo", "rewards of the model's own answers, with a value function"),
    "reward": Key("model", "model (a trained one), rule (the hidden rule of the small world)"),
    "reward_model": Key(str, "run directory of a reward model; None: none, where task.reward=rule"),
    "reward_member": Key(int, "of a sweep; None for a single run, or with transfer.by_seed", "[0, inf)"),
    "prompts": Key(int, "questions of an iteration", "[1, inf)", needed=True),
    "group": Key(1, "answers to each question, 1", "[1, inf)"),
    "epochs": Key(4, "passes over the answers of an iteration", "[1, inf)"),
    "minibatches": Key(4, "updates of a pass; a divisor of the answers", "[1, inf)"),
    "estimator": Key("k3", "of the KL in the loss of grpo: k1, k2, k3"),
    "weigh": Key("token", "what weighs the same in the loss of grpo: token, sequence"),
    "missing_end": Key(-1.0, "added to the reward of an answer that does not come to its end"),
}
GRPO = PPO | {
    "name": Key("grpo", "rewards of the model's own answers, compared within a group"),
    "group": Key(8, "answers to each question, >= 2", "[1, inf)"),
}
TEXT_CLASSIFICATION = {
    "name": Key("text_classification", "a class for a text, as tokens of the network that is fine-tuned"),
    "max_tokens": Key(
        int, "tokens read from the beginning of a text; at most what the network reads", "[1, inf)", needed=True
    ),
}


def classification(name: str = "classification") -> ConfigDict:
    """What is learned from labelled examples."""
    return section(CLASSIFICATION, name=name)


def language() -> ConfigDict:
    """Next-token prediction on a text."""
    return section(LANGUAGE)


def sequence_classification() -> ConfigDict:
    """A class for a whole sequence: many to one."""
    return section(SEQUENCE_CLASSIFICATION)


def tagging() -> ConfigDict:
    """A class for each token: many to many, side by side."""
    return section(TAGGING)


def forecasting(season: int) -> ConfigDict:
    """The next value of a series."""
    return section(FORECASTING, season=season)


def translation() -> ConfigDict:
    """Another sequence: many to many, one after the other."""
    return section(TRANSLATION)


def text_to_text() -> ConfigDict:
    """Another text: translation, summaries, answers."""
    return section(TEXT_TO_TEXT)


def text_classification(max_tokens: int) -> ConfigDict:
    """A class for a text, by a network that was trained before."""
    return section(TEXT_CLASSIFICATION, max_tokens=max_tokens)


# Models: sections of config.model.
PRETRAINED = {
    "name": Key("pretrained", "the network of config.transfer.source; with a new head for classes"),
}
MLP = {
    "name": Key("mlp", "a multi-layer perceptron"),
    "hidden_sizes": Key((32,), "units of each hidden layer; () is the linear model", SIZES),
    "activation": Key("relu", "see nn_core/activations.py"),
    "normalization": Key("none", "none, layer"),
    "initializer": Key("he_normal", "see nn_core/initializers.py"),
    "use_bias": Key(True, "add a bias to each linear map"),
}
CNN = {
    "name": Key("cnn", "convolutions, each with a pooling of 2 x 2, then dense layers"),
    "channels": Key((16, 32, 64), "filters of each convolution", SIZES),
    "hidden_sizes": Key((128, 64), "units of each hidden dense layer", SIZES),
    "kernel_size": Key(3, "side of the filters in pixels", "[1, inf)"),
    "padding": Key("same", "same (zeros around the image), valid"),
    "pooling": Key("max", "max, average, none"),
    "activation": Key("relu", "see nn_core/activations.py"),
    "normalization": Key("none", "none, layer, group"),
    "num_groups": Key(8, "of group normalization, must divide each of the channels", "[1, inf)"),
    "initializer": Key("he_normal", "see nn_core/initializers.py"),
    "use_bias": Key(True, "add a bias to each linear map"),
}
VIT = {
    "name": Key("vit", "the patches of an image as tokens"),
    "layers_num": Key(2, "blocks", "[1, inf)"),
    "heads_num": Key(4, "attention heads, a divisor of embedding_dim", "[1, inf)"),
    "embedding_dim": Key(64, "width", "[1, inf)"),
    "patch_size": Key(2, "side of a patch in pixels, a divisor of height and width", "[1, inf)"),
    "position": Key("learned", "learned, sinusoidal, none"),
    "pooling": Key("class", "class (a token that the head reads), mean"),
    "activation": Key("gelu", "see nn_core/activations.py"),
    "initializer": Key("lecun_normal", "see nn_core/initializers.py"),
    "use_bias": Key(True, "add a bias to each linear map"),
}
GPT = {
    "name": Key("gpt", "a decoder-only transformer"),
    "layers_num": Key(int, "blocks", "[1, inf)", needed=True),
    "heads_num": Key(int, "attention heads, a divisor of embedding_dim", "[1, inf)", needed=True),
    "embedding_dim": Key(int, "width", "[1, inf)", needed=True),
    "use_bias": Key(True, "add a bias to each linear map"),
    "position": Key("learned", "learned, sinusoidal, rotary, alibi, relative, none"),
    "norm": Key("layer", "layer, rms"),
    "norm_position": Key("pre", "pre, post"),
    "activation": Key("gelu", "gelu (exact), gelu_tanh"),
    "ffn": Key("mlp", "mlp (4 x width), swiglu, geglu"),
    "tied_head": Key(False, "the head is the transposed token embedding"),
    "scale_embedding": Key(False, "token vectors of length 1, times the root of the width: as long as sinusoids"),
    "attention": Key("dense", "dense, blockwise (online softmax), cudnn (GPU)"),
    "attention_dropout": Key(True, "drop attention weights too"),
    "scan_layers": Key(False, "one compiled block, whatever the depth"),
    "remat": Key(False, "compute activations again in the backward pass"),
    "remat_policy": Key(
        "nothing_saveable",
        "what remat keeps of a layer: nothing_saveable, dots_saveable, dots_with_no_batch_dims_saveable",
    ),
    "dtype": Key("float32", "of the computation: float32, bfloat16"),
}
RECURRENT = {
    "name": Key("recurrent", "recurrent layers between an embedding and a dense layer"),
    "cell": Key("lstm", "vanilla, lstm, gru"),
    "features": Key(64, "units of a layer (in each direction)", "[1, inf)"),
    "num_layers": Key(1, "layers", "[1, inf)"),
    "bidirectional": Key(False, "a second set of layers reads from the end; not where text is written"),
    "embedding_size": Key(32, "numbers of a token's vector", "[1, inf)"),
    "source_attention": Key(False, "translators: the decoder looks back at every state of the encoder"),
    "reverse_source": Key(False, "translators: read the source backwards"),
    "forget_bias": Key(
        1.0, "start of the gate that keeps the state; log T keeps something over T steps", "[-100, 100]"
    ),
}
ENCODER_DECODER = {
    "name": Key("encoder_decoder", "an encoder that reads the source, a decoder that writes the target"),
    "layers_num": Key(int, "blocks of each side", "[1, inf)", needed=True),
    "heads_num": Key(int, "attention heads, a divisor of embedding_dim", "[1, inf)", needed=True),
    "embedding_dim": Key(int, "width", "[1, inf)", needed=True),
    "ffn_features": Key(int, "width inside the feed-forward layers; None: 4 x the width or the like", "[1, inf)"),
    "use_bias": Key(True, "add a bias to each linear map"),
    "position": Key("sinusoidal", "learned, sinusoidal, rotary, alibi, relative, none"),
    "norm": Key("layer", "layer, rms"),
    "norm_position": Key("pre", "pre, post"),
    "activation": Key("relu", "see nn_core/activations.py"),
    "ffn": Key("mlp", "mlp, swiglu, geglu"),
    "tied_head": Key(True, "the head is the transposed token embedding"),
    "scale_embedding": Key(True, "multiply token embeddings by the root of the width"),
    "attention": Key("dense", "dense, blockwise (online softmax), cudnn (GPU), linear"),
    "attention_dropout": Key(True, "drop attention weights too"),
    "scan_layers": Key(False, "one compiled block, whatever the depth"),
    "remat": Key(False, "compute activations again in the backward pass"),
    "remat_policy": Key(
        "nothing_saveable",
        "what remat keeps of a layer: nothing_saveable, dots_saveable, dots_with_no_batch_dims_saveable",
    ),
    "dtype": Key("float32", "of the computation: float32, bfloat16"),
}
BAG = {"name": Key("bag", "a linear model that sees which tokens a sequence holds")}


def mlp(hidden_sizes: tuple[int, ...] = MLP["hidden_sizes"].default, activation: str = "relu") -> ConfigDict:
    """A multi-layer perceptron; hidden_sizes=() is the linear model."""
    return section(MLP, hidden_sizes=hidden_sizes, activation=activation)


def cnn(channels: tuple[int, ...] = (16, 32, 64), hidden_sizes: tuple[int, ...] = (128, 64)) -> ConfigDict:
    """The demonstration network: convolutions, each with a pooling of 2 x 2, then dense layers."""
    return section(CNN, channels=channels, hidden_sizes=hidden_sizes)


def vit(*, layers_num: int = 2, heads_num: int = 4, embedding_dim: int = 64) -> ConfigDict:
    """A Vision Transformer: the patches of an image as tokens."""
    return section(VIT, layers_num=layers_num, heads_num=heads_num, embedding_dim=embedding_dim)


def gpt(*, layers_num: int, heads_num: int, embedding_dim: int) -> ConfigDict:
    """A decoder-only transformer: the course's keys (context_size stands under data, dropout_rate under hparams)."""
    return section(GPT, layers_num=layers_num, heads_num=heads_num, embedding_dim=embedding_dim)


def recurrent(cell: str = "lstm", *, features: int = 64) -> ConfigDict:
    """Recurrent layers between an embedding and a dense layer; the task decides what they are for."""
    return section(RECURRENT, cell=cell, features=features)


def encoder_decoder(*, layers_num: int, heads_num: int, embedding_dim: int) -> ConfigDict:
    """The transformer of 2017, with the norm before each part unless said otherwise; see the keys for T5's form."""
    return section(ENCODER_DECODER, layers_num=layers_num, heads_num=heads_num, embedding_dim=embedding_dim)


# Data: sections of config.data.
AUGMENTATION = {
    "shift": Key(0, "most pixels to each side, below height and width", "[0, inf)"),
    "flip": Key(0.0, "probability of a mirror image", "[0, 1]"),
    "crop": Key(1.0, "least share of the sides that a crop keeps; 1: none", "(0, 1]"),
}
TABLE = {
    "missing": Key("refuse", "numbers that are missing: refuse, drop (the row), mean or median (of the training rows)"),
    "indicator": Key(False, "with mean and median: one more column for each that has missing values"),
    "unknown": Key("zeros", "a category at prediction that the table lacks: zeros, or an error"),
    "ignore": Key((), "columns that are left out, by name"),
    "categories": Key((), "columns of numbers that are categories, by name"),
    "group": Key(str, "column of groups (patients, users): none is on two sides of the split"),
    "split": Key(str, "column that says train, validation or test"),
    "separator": Key(str, "between fields; None: found in the header"),
    "decimal": Key(".", "of numbers: . or ,"),
    "encoding": Key(str, "of the text; None: UTF-8, or what its byte-order mark says"),
}
EXAMPLES = {
    "name": Key(str, "see nn_core/data/sources.py; for your own data: table, image_folder (with path)", needed=True),
    "options": Key(dict, "arguments of the loader, such as num_examples, noise, seed", needed=True),
    "path": Key(
        str, "table: a CSV, TSV, Parquet or NPZ file, or its address; image_folder: a folder, or a CSV of labels"
    ),
    "digest": Key(str, "sha256 of the table, needed for an address; a run fills it in"),
    "target": Key(str, "table: the column that is predicted, by name or place (0, -1)"),
    "table": Key(dict, "how a table is read", needed=True),
    "image_size": Key(
        (), "image_folder: (height, width) or (height, width, channels) to resize to; (): as they are", SIZES
    ),
    "shares": Key((0.6, 0.2, 0.2), "data with a path: train, validation and test, at most 1 together", "(0, 1)"),
    "classes": Key((), "numbers of the classes that are kept, renumbered from 0 in this order; (): all"),
    "train": Key(int, "training examples", "[1, inf)", needed=True),
    "validation": Key(int, "examples that choose", "[1, inf)", needed=True),
    "test": Key(int, "examples that judge, once", "[1, inf)", needed=True),
    "shuffle": Key(True, "draw the split by the seed; False: first rows train, last rows test"),
    "standardize": Key(
        "feature", "feature, all, none; of the training examples; source: as transfer.source saw images"
    ),
    "label_noise": Key(0.0, "share of training labels that are replaced by another class", "[0, 1)"),
    "noise_features": Key(0, "columns of N(0, 1) that are appended to the inputs", "[0, inf)"),
    "batch_size": Key(int, "examples a step; None: all of them (batch gradient descent)", "[1, inf)"),
    "with_replacement": Key(False, "draw each example of a batch anew, instead of going through all of them"),
    "drop_last": Key(False, "leave out the ragged last batch of an epoch"),
    "evaluation_batch": Key(4096, "examples in one forward pass of an evaluation", "[1, inf)"),
    "augmentation": Key(dict, "of training images; needs standardize=all or none", needed=True),
}
SEQUENCES = {
    "name": Key(str, "see nn_core/data/sequence_sources.py", needed=True),
    "options": Key(dict, "arguments of the loader, such as length, num_examples, seed", needed=True),
    "train": Key(int, "training sequences", "[1, inf)", needed=True),
    "validation": Key(int, "sequences that choose", "[1, inf)", needed=True),
    "test": Key(int, "sequences that judge, once", "[1, inf)", needed=True),
    "shuffle": Key(True, "draw the split by the seed; False: first rows train, last rows test"),
    "batch_size": Key(int, "sequences a step; None: all of them", "[1, inf)"),
    "evaluation_batch": Key(1024, "sequences in one forward pass of an evaluation", "[1, inf)"),
}
LABELLED_TEXTS = SEQUENCES | {
    "name": Key(str, "sms_spam, generated_spam, or table (with path and target)", needed=True),
    "path": Key(str, 'where name is "table": a table (CSV, TSV, Parquet) or JSON lines with texts and classes'),
    "target": Key(str, 'where name is "table": the column of the classes'),
    "text": Key(str, 'where name is "table": the column of the texts; None: the only other one'),
    "classes": Key((), "names of the classes of such a table; a run fills it in"),
    "digest": Key(str, "sha256 of such a table; a run fills it in"),
}
TEXT_PAIRS = {
    "name": Key(
        str,
        "toy_translation, multi30k, text_tasks, span_corruption, parallel_files (with source and target)",
        needed=True,
    ),
    "source": Key(str, 'where name is "parallel_files": the file of texts to read, one a line'),
    "target": Key(str, 'where name is "parallel_files": the file of what to write for each line'),
    "digest": Key(str, "sha256 of files of your own; a run fills it in"),
    "options": Key(dict, "arguments of the loader, such as num_examples, validation, test, seed", needed=True),
    "tokenizer": Key("bpe", "trained on both sides of the training pairs, see nn_core/text/tokenizers.py"),
    "vocabulary_size": Key(int, "of the tokenizer", "[1, inf)"),
    "source_size": Key(int, "tokens of a row of sources, each with its end token", "[2, inf)", needed=True),
    "target_size": Key(int, "tokens of a row of targets, each with its end token", "[2, inf)", needed=True),
    "packed": Key(False, "as many training pairs in a row as fit; False: one, for models that always see whole rows"),
    "batch_size": Key(int, "rows a step", "[1, inf)", needed=True),
    "evaluation_batch": Key(128, "rows in one forward pass of an evaluation", "[1, inf)"),
}
TEXT = {
    "name": Key(
        str,
        "shakespeare (download), pydoc, generated, assistant_world (offline), file, token_file (with path)",
        needed=True,
    ),
    "path": Key(str, 'where name is "file": a text, a folder, a pattern (texts/*.txt); token_file: of the tokens'),
    "digest": Key(str, "sha256 of a text or token file of your own; a run fills it in"),
    "field": Key(str, "of JSON lines (.jsonl): the key of each line's text"),
    "encoding": Key(str, "of a text file; None: what its byte-order mark says, else UTF-8"),
    "tokenizer": Key("characters", "see nn_core/text/tokenizers.py; a token file brings its own"),
    "vocabulary_size": Key(int, "of a trained tokenizer", "[1, inf)"),
    "split_ratio": Key(0.9, "share of the text that is trained on", "(0, 1)"),
    "context_size": Key(int, "tokens of a window", "[1, inf)", needed=True),
    "batch_size": Key(int, "windows a step", "[1, inf)", needed=True),
    "evaluation_windows": Key(256, "windows that a split is judged on during training", "[1, inf)"),
    "evaluation_batch": Key(64, "windows in one forward pass of an evaluation", "[1, inf)"),
}
CONVERSATIONS = {
    "name": Key("assistant_world", "assistant_world, file (with path)"),
    "path": Key(str, "JSONL of prompt and response, of messages, or of prompt, chosen and rejected"),
    "digest": Key(str, "sha256 of a file of your own; a run fills it in"),
    "world": Key(0, "seed of the small world's facts; 0 is the one that the text assistant_world tells", "[0, inf)"),
    "held_out": Key(
        0.25, "share of the facts, or of a file's records, for testing; half as many for validation", "(0, 0.6)"
    ),
    "context_size": Key(int, "most tokens of a question with its answer; that of the model", "[2, inf)", needed=True),
    "new_tokens": Key(24, "most tokens of an answer that is drawn", "[1, inf)"),
    "answers": Key(4, "answers to each question, in random tones", "[1, inf)"),
    "pairs": Key(4000, "pairs of answers", "[1, inf)"),
    "label_noise": Key(0.05, "share of pairs whose label is flipped", "[0, 1)"),
    "pairs_about": Key("train", "facts of the pairs: train (those not held out), all"),
    "wrong_answers": Key(0.3, "share of the answers in pairs that name another value", "[0, 1]"),
    "packed": Key(False, "several conversations stand in a row; none sees another"),
    "batch_size": Key(int, "rows, or pairs, of a step", "[1, inf)", needed=True),
    "evaluation_batch": Key(256, "rows, or pairs, of one forward pass of an evaluation", "[1, inf)"),
}


def examples(name: str, *, train: int, validation: int, test: int, **options: float) -> ConfigDict:
    """Labelled examples in arrays; `options` go to the generator or loader of that name."""
    parts = {"options": ConfigDict(dict(options)), "augmentation": section(AUGMENTATION), "table": section(TABLE)}
    made = section(EXAMPLES, name=name, train=train, validation=validation, test=test, **parts)
    made.batch_size = 64
    return made


def labelled_texts(name: str, *, train: int, validation: int, test: int, **options: float) -> ConfigDict:
    """Texts with a class each (nn_core/data/corpora.py); `options` go to the loader of that name."""
    parts = {"options": ConfigDict(dict(options))}
    made = section(LABELLED_TEXTS, name=name, train=train, validation=validation, test=test, **parts)
    made.batch_size = 64
    return made


def pretrained() -> ConfigDict:
    """The network of config.transfer.source, with a new head."""
    return section(PRETRAINED)


def sequences(name: str, *, train: int, validation: int, test: int, **options: float) -> ConfigDict:
    """Sequences in arrays; `options` go to the generator or loader of that name."""
    parts = {"options": ConfigDict(dict(options))}
    made = section(SEQUENCES, name=name, train=train, validation=validation, test=test, **parts)
    made.batch_size = 64
    return made


def text_pairs(name: str, *, vocabulary_size: int, source_size: int, target_size: int, **options: float) -> ConfigDict:
    """Pairs of texts as tokens; `options` go to the loader of that name."""
    sizes = {"vocabulary_size": vocabulary_size, "source_size": source_size, "target_size": target_size}
    return section(TEXT_PAIRS, name=name, options=ConfigDict(dict(options)), batch_size=64, **sizes)


def text(name: str, *, context_size: int, batch_size: int) -> ConfigDict:
    """A text as tokens."""
    return section(TEXT, name=name, context_size=context_size, batch_size=batch_size)


def conversations(*, context_size: int, batch_size: int, **values: Any) -> ConfigDict:
    """Questions and answers, or pairs of answers."""
    return section(CONVERSATIONS, context_size=context_size, batch_size=batch_size, **values)


def word_text() -> dict[str, Any]:
    """A text for word vectors, and what the vectors are asked; for a text of your own, ask for words that it has."""
    return {
        "text": "small_world",  # small_world, karate_walks, generated, pydoc (offline), shakespeare (download), file
        "path": placeholder(str),  # of the text, where text is "file"; a line is a sentence
        "digest": placeholder(str),  # sha256 of that file; a run fills it in
        "min_count": 5,  # rarer words are left out, >= 1
        "features": 50,  # numbers of a vector, >= 2
        "similar": ("laptop", "queen", "rome"),  # words whose neighbours are shown
        "odd": ("laptop screen banana", "king father pasta"),  # which word does not match?
        "analogies": ("man king woman", "italy rome france"),  # man is to king as woman is to?
    }


DATA = (
    EXAMPLES,
    SEQUENCES,
    LABELLED_TEXTS,
    TEXT_PAIRS,
    TEXT,
    CONVERSATIONS,
)  # what config.data may be; its keys tell which
# Path of a section that is the same for every model, task and kind of data -> its keys; "" is the top.
SECTIONS: dict[str, Mapping[str, Key]] = {
    "": RUN,
    "hparams": HPARAMS,
    "data.augmentation": AUGMENTATION,
    "data.table": TABLE,
    "optimizer": OPTIMIZER,
    "transfer": TRANSFER,
    "schedule": SCHEDULE,
    "train": TRAIN,
    "checkpoint": CHECKPOINT,
    "log": LOG,
    "search": SEARCH,
    "sample": SAMPLE,
    "pruning": PRUNING,
    "lora": LORA,
    "mesh": MESH,
}
