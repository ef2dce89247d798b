"""python -m experiments.benchmark NAME: ours and its peers in one session, as ratios."""

import sys
from collections.abc import Callable, Sequence

from experiments.benchmark import (
    alignment,
    checkpoint,
    cnn,
    gpt,
    mesh,
    pretrained,
    rnn,
    sampling,
    sweep,
    translation,
    word2vec,
)
from experiments.command_line.devices import set_up_devices
from experiments.command_line.errors import tell
from experiments.command_line.options import listing, parse_options, usage
from experiments.command_line.output import run_command

USAGE = "python -m experiments.benchmark NAME"
PURPOSE = """Runs one benchmark: ours and its peers in one session, in turns, as ratios. The peers are the extra
`benchmark`: pip install -e '.[benchmark]'."""
BENCHMARKS: dict[str, Callable[[], None]] = {
    "alignment": alignment.main,
    "checkpoint": checkpoint.main,
    "cnn": cnn.main,
    "gpt": gpt.main,
    "mesh": mesh.main,
    "pretrained": pretrained.main,
    "rnn": rnn.main,
    "sampling": sampling.main,
    "sweep": sweep.main,
    "translation": translation.main,
    "word2vec": word2vec.main,
}


ABOUT = {
    "alignment": "an iteration of PPO, draws included, against a PyTorch loop with a cached sampler",
    "checkpoint": "what saving costs, and how soon a second start logs its first step",
    "cnn": "a training step of 3 convolutions and 3 dense layers, against PyTorch",
    "gpt": "a training step of two GPTs, against PyTorch and transformers",
    "mesh": "one run over several devices: time, overhead on one device, memory against its estimate",
    "pretrained": "folders of BERT's and GPT-2's size: reading, writing, loading, against transformers",
    "rnn": "a training step of recurrent layers, against PyTorch",
    "sampling": "writing 200 tokens, against transformers and a loop without a cache",
    "sweep": "many small networks as one population, against one by one and PyTorch",
    "translation": "a training step and beam search of a translator, against PyTorch and transformers",
    "word2vec": "skip-gram in words per second and in quality, against gensim",
}
EXAMPLES = ("python -m experiments.benchmark sweep",)


def main(argv: Sequence[str] | None = None) -> int:
    """The command; exit code 2 after a mistake by the caller."""
    try:
        options = parse_options(sys.argv[1:] if argv is None else argv, {}, positional=tuple(BENCHMARKS))
        if options["help"]:
            about = "\n".join([PURPOSE, "", "benchmarks:", *listing(ABOUT)])
            print(usage(USAGE, about, {}, EXAMPLES))
            return 0
        names = options["positional"]
        if len(names) != 1:
            raise ValueError(f"{len(names)} benchmarks are named; name one of {', '.join(BENCHMARKS)}")
    except ValueError as error:
        return tell(error, 2)
    set_up_devices()
    try:
        BENCHMARKS[names[0]]()
    except ModuleNotFoundError as error:
        return tell(ValueError(f"{error.name} is not installed; pip install -e '.[benchmark]' brings the peers"), 2)
    return 0


if __name__ == "__main__":
    run_command(main)
