"""python -m experiments.tokens --text=FILE --out=FILE.npy [--field=text] [--tokenizer=byte_bpe --vocabulary_size=8000]
python -m experiments.tokens --show="text" [--tokenizer=NAME] [--text=FILE] [--best=3] [--draws=3]

Turns a text of any size into a token file and its tokenizer, in constant memory, for --config.data.name=token_file. The
text is read as data.name=file reads it: a file, several by a pattern, a folder, or a field of JSON lines.
With --show it writes no file and shows how every tokenizer cuts a text, each trained on the text itself and the beginning
of FILE, or of the offline text pydoc. --best and --draws show further segmentations of the Unigram tokenizers. The output
is coloured in a terminal.
"""

import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from experiments.command_line.errors import tell
from experiments.command_line.options import Option, parse_options, usage
from experiments.command_line.output import run_command, say
from nn_core.files import user_path

OPTIONS = {
    "text": Option(
        str,
        "the text: a file, a pattern such as 'texts/*.txt', or a folder; with --show the one that the tokenizers are trained "
        "on (default: pydoc)",
    ),
    "field": Option(str, "of JSON lines (.jsonl): the key of each line's text"),
    "encoding": Option(str, "of the text (default: UTF-8, or what its byte-order mark says)"),
    "out": Option(str, "the token file to write, NAME.npy; NAME.tokenizer.json goes beside it"),
    "show": Option(str, "a text whose tokens are shown"),
    "tokenizer": Option(
        str,
        "characters, word, bpe, byte_bpe, wordpiece, unigram, sentencepiece, sentencepiece_bpe, or the .json file of a "
        "trained one (default: characters; with --show all of them)",
    ),
    "vocabulary_size": Option(int, "tokens of a trained tokenizer, >= 1 (with --show default: 1000)"),
    "best": Option(int, "with --show: the most probable segmentations of a Unigram tokenizer, >= 1"),
    "draws": Option(int, "with --show: segmentations drawn from a Unigram tokenizer, >= 1"),
    "alpha": Option(float, "of the draws: the power of the probabilities, >= 0", 0.1),
    "seed": Option(int, "of the draws, >= 0", 0),
    "colour": Option(bool, "colours instead of brackets (default: where a terminal looks)"),
    "train_mebibytes": Option(int, "of the text's beginning train the tokenizer, >= 1; characters need all of it"),
}
EXAMPLES = (
    "python -m experiments.tokens --text=book.txt --out=book.npy --tokenizer=byte_bpe --vocabulary_size=8000",
    "python -m experiments.tokens --show='the unbelievable tokenization'",
    "python -m experiments.tokens --show='the unbelievable tokenization' --tokenizer=unigram --best=3 --draws=3",
    "python -m experiments.run --config=gpt_quick --config.data.name=token_file --config.data.path=book.npy",
)
PIECE_BYTES = 1 << 20
SHOWN_BYTES, SHOWN_SIZE = 1 << 18, 1000  # with --show: what tokenizers are trained on, and their tokens
OF_SHOW = ("best", "draws", "alpha", "seed", "colour")  # options that need --show
COLOURS = ("\033[48;5;153m\033[30m", "\033[48;5;223m\033[30m")  # of tokens, alternating: black on blue, black on orange
RESET = "\033[0m"


def main(argv: Sequence[str] | None = None) -> int:
    """The command. Returns the exit code: 0, or 2 after a mistake by the caller, with one line."""
    try:
        options = parse_options(sys.argv[1:] if argv is None else argv, OPTIONS, lone="text")
        if options["help"]:
            command = "python -m experiments.tokens --text=FILE --out=FILE.npy [--name=value …]"
            print(usage(command, (__doc__ or "").partition("\n\n")[2], OPTIONS, EXAMPLES))
            return 0
        if options["show"] is not None:
            print("\n".join(show(options)))
            return 0
        refuse_of_show(options)
        for name in ("text", "out"):
            if options[name] is None:
                raise ValueError(f"--{name} is missing; give a file")
        print(write(options["text"], user_path(options["out"]), options))
    except (ValueError, OSError) as error:
        return tell(error, 2)
    return 0


def write(text: str, out: Path, options: dict) -> str:
    """Trains the tokenizer, writes both files, returns one line about them.

    Raises:
        ValueError: a name that does not end in .npy, a tokenizer that cannot be trained, or an unknown character.
    """
    from experiments.building.corpus import tokenizer_beside
    from nn_core.data.text_files import REPLACEMENT
    from nn_core.data.token_file import write_token_file

    if out.suffix != ".npy":
        raise ValueError(f"--out={out} must end in .npy")
    if not out.absolute().parent.is_dir():
        raise ValueError(f"--out={out}: there is no folder {out.parent}; make it first")
    mebibytes = options["train_mebibytes"]
    if mebibytes is not None and mebibytes < 1:
        raise ValueError(f"--train_mebibytes={mebibytes} must be at least 1; leave it out for all of the text")

    replaced = Counter[str]()

    def pieces() -> Iterator[str]:
        replaced.clear()  # the text is read twice
        for piece in pieces_of(text, options, PIECE_BYTES):
            replaced[REPLACEMENT] += piece.count(REPLACEMENT)
            yield piece

    tokenizer = trained(options, islice(pieces(), mebibytes))
    count = write_token_file(out, (tokenizer.encode(piece) for piece in pieces()), tokenizer.vocabulary_size)
    tokenizer.save(tokenizer_beside(out))
    if replaced.total():
        say(
            f"warning: {text} has {replaced.total():,} characters U+FFFD, which stand for bytes that do not fit the encoding; "
            "say how the text is written, such as --encoding=cp1252",
            sys.stderr,
        )
    return f"{out}: {count} tokens of a vocabulary of {tokenizer.vocabulary_size}; tokenizer: {tokenizer_beside(out)}"


def trained(options: dict, pieces: Iterator[str]) -> Any:
    """The tokenizer that the options name: that of a file, or one that is trained on the pieces.

    Raises:
        ValueError: it cannot be trained, there is no such file, or an option that says how to train has no effect on it.
    """
    from nn_core.text.tokenizers import make_tokenizer

    named, size = options["tokenizer"] or "characters", options["vocabulary_size"]
    if not named.endswith(".json"):
        return make_tokenizer(named, pieces, **({} if size is None else {"vocabulary_size": size}))
    for name in ("vocabulary_size", "train_mebibytes"):
        if options[name] is not None:
            raise ValueError(f"--{name} has no effect with --tokenizer={named}, which is trained; leave it out")
    return read_tokenizer(named)


def pieces_of(text: str, options: dict, piece_bytes: int) -> Iterator[str]:
    """The text in pieces of so many bytes, read as the options say."""
    from nn_core.data.text_files import own_text_pieces

    field, encoding = options["field"], options["encoding"]
    return own_text_pieces(text, field=field, encoding=encoding, piece_bytes=piece_bytes, options="--")


def refuse_of_show(options: dict) -> None:
    """Raises ValueError for an option that needs --show."""
    for name in OF_SHOW:
        if options[name] != OPTIONS[name].default:
            raise ValueError(f"--{name} has no effect without --show; add --show=TEXT, or leave it out")


def show(options: dict) -> list[str]:
    """How the tokenizers cut a text, one line each; further segmentations of the Unigram ones follow.

    Raises:
        ValueError: an unknown tokenizer, one that is not a Unigram model with --best or --draws, or no text file.
    """
    from nn_core.text.tokenizers import TOKENIZERS, make_tokenizer

    for name in ("out", "train_mebibytes"):
        if options[name] is not None:
            raise ValueError(f"--{name} has no effect with --show, which writes no file; leave it out")
    for name in ("best", "draws"):
        if options[name] is not None and options[name] < 1:
            raise ValueError(f"--{name}={options[name]} must be at least 1")
    if options["seed"] < 0:
        raise ValueError(f"--seed={options['seed']} must be 0 or more")
    text, named = options["show"], options["tokenizer"]
    if named is not None and named.endswith(".json"):
        tokenizers = {Path(named).name: read_tokenizer(named)}
    else:
        training = training_text(options)
        names = tuple(TOKENIZERS) if named is None else (named,)
        size = options["vocabulary_size"] or SHOWN_SIZE
        tokenizers = {
            name: make_tokenizer(name, [training, text], **({} if name == "characters" else {"vocabulary_size": size}))
            for name in names
        }
    colour = sys.stdout.isatty() if options["colour"] is None else options["colour"]
    width = max(map(len, tokenizers))
    lines = []
    for name, tokenizer in tokenizers.items():
        tokens = tokenizer.tokens(tokenizer.encode(text))
        lines.append(f"{name.ljust(width)}  {len(tokens):3} tokens  {marked(tokens, colour)}")
        lines += [f"{' ' * width}  {line}" for line in others(tokenizer, name, text, options, colour)]
    return lines


def others(tokenizer: Any, name: str, text: str, options: dict, colour: bool) -> list[str]:
    """The requested most probable and drawn segmentations, with their log-probabilities."""
    import numpy as np

    from nn_core.text.segmentation import best_segmentations, is_unigram, sample_segmentation

    best, draws = options["best"], options["draws"]
    if best is None and draws is None or options["tokenizer"] is None and not is_unigram(tokenizer):
        return []
    if not is_unigram(tokenizer):
        raise ValueError(f"--tokenizer={name} has one segmentation of a text; use unigram or sentencepiece")
    found = [("best", one) for one in best_segmentations(tokenizer, text, best)] if best else []
    generator = np.random.default_rng(options["seed"])
    drawn = [sample_segmentation(tokenizer, text, options["alpha"], generator) for _ in range(draws or 0)]
    found += [("drawn", one) for one in drawn]
    return [f"{what:5}  log p {one.log_prob:8.2f}  {marked(one.tokens, colour)}" for what, one in found]


def training_text(options: dict) -> str:
    """The text that shown tokenizers are trained on.

    Raises:
        ValueError: it cannot be read, or is not there and told how it is read.
    """
    from nn_core.data.text import load_text

    if options["text"] is not None:
        return next(pieces_of(options["text"], options, SHOWN_BYTES), "")
    for name in ("field", "encoding"):
        if options[name] is not None:
            raise ValueError(f"--{name} has no effect without --text; add --text=FILE, or leave it out")
    return load_text("pydoc")[:SHOWN_BYTES]


def read_tokenizer(path: str) -> Any:
    """The tokenizer of a file.

    Raises:
        ValueError: no such file, or no tokenizer in it.
    """
    from nn_core.text.tokenizers import load_tokenizer

    if not user_path(path).is_file():
        raise ValueError(f"there is no tokenizer file {path}; check the path")
    return load_tokenizer(user_path(path))


def marked(tokens: Sequence[str], colour: bool) -> str:
    """Tokens one after the other, in two colours or in brackets; control characters are spelt out.

    >>> marked(["▁the", "\\n"], False)
    '[▁the][\\\\n]'
    """
    spelt = [token.replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r") for token in tokens]
    if not colour:
        return "".join(f"[{token}]" for token in spelt)
    return "".join(f"{COLOURS[place % 2]}{token}" for place, token in enumerate(spelt)) + RESET


if __name__ == "__main__":
    run_command(main)
