"""python -m experiments.benchmark NAME: ours and its peers in one session, as ratios."""

import sys
from collections.abc import Callable

from experiments.benchmark import checkpoint, cnn, gpt, rnn, sampling, sweep, word2vec
from experiments.command_line.choices import choose
from experiments.command_line.devices import set_up_devices
from experiments.command_line.errors import tell

BENCHMARKS: dict[str, Callable[[], None]] = {
    "checkpoint": checkpoint.main,
    "cnn": cnn.main,
    "gpt": gpt.main,
    "rnn": rnn.main,
    "sampling": sampling.main,
    "sweep": sweep.main,
    "word2vec": word2vec.main,
}


def main() -> int:
    """The command; exit code 2 after a name that is not there."""
    try:
        if len(sys.argv) != 2:
            raise ValueError(f"usage: python -m experiments.benchmark NAME, one of {', '.join(BENCHMARKS)}")
        if sys.argv[1] not in BENCHMARKS:
            choose(sys.argv[1], BENCHMARKS, "benchmark")
    except ValueError as error:
        return tell(error, 2)
    set_up_devices()
    BENCHMARKS[sys.argv[1]]()
    return 0


if __name__ == "__main__":
    sys.exit(main())
