"""python -m experiments.tokens --text=FILE --out=FILE.npy [--tokenizer=byte_bpe --vocabulary_size=8000]

Turns a text of any size into a token file and its tokenizer, in constant memory, for --config.data.name=token_file.
"""

import sys
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path

from experiments.command_line.errors import tell
from experiments.command_line.options import Option, parse_options, usage
from experiments.command_line.output import run_command
from nn_core.files import user_path

OPTIONS = {
    "text": Option(str, "the text, UTF-8"),
    "out": Option(str, "the token file to write, NAME.npy; NAME.tokenizer.json goes beside it"),
    "tokenizer": Option(str, "see nn_core/text/tokenizers.py", "characters"),
    "vocabulary_size": Option(int, "tokens of a trained tokenizer, >= 1"),
    "train_mebibytes": Option(int, "of the text's beginning train the tokenizer, >= 1; characters need all of it"),
}
EXAMPLES = (
    "python -m experiments.tokens --text=book.txt --out=book.npy --tokenizer=byte_bpe --vocabulary_size=8000",
    "python -m experiments.run --config=gpt_quick --config.data.name=token_file --config.data.path=book.npy",
)
PIECE_BYTES = 1 << 20


def main(argv: Sequence[str] | None = None) -> int:
    """The command. Returns the exit code: 0, or 2 after a mistake of the caller, told in one line."""
    try:
        options = parse_options(sys.argv[1:] if argv is None else argv, OPTIONS, lone="text")
        if options["help"]:
            command = "python -m experiments.tokens --text=FILE --out=FILE.npy [--name=value …]"
            print(usage(command, (__doc__ or "").partition("\n\n")[2], OPTIONS, EXAMPLES))
            return 0
        for name in ("text", "out"):
            if options[name] is None:
                raise ValueError(f"--{name} is missing; give a file")
        print(write(user_path(options["text"]), user_path(options["out"]), options))
    except (ValueError, OSError) as error:
        return tell(error, 2)
    return 0


def write(text: Path, out: Path, options: dict) -> str:
    """Trains the tokenizer, writes both files, returns one line about them.

    Raises:
        ValueError: a name that does not end in .npy, a tokenizer that cannot be trained, an unknown character.
    """
    from experiments.building.corpus import tokenizer_beside
    from nn_core.data.text import read_text_pieces
    from nn_core.data.token_file import write_token_file
    from nn_core.text.tokenizers import make_tokenizer

    if out.suffix != ".npy":
        raise ValueError(f"--out={out} must end in .npy")
    if not out.absolute().parent.is_dir():
        raise ValueError(f"--out={out}: there is no folder {out.parent}; make it first")
    if not text.is_file():
        raise ValueError(f"there is no text file {text}; check the path")
    mebibytes = options["train_mebibytes"]
    if mebibytes is not None and mebibytes < 1:
        raise ValueError(f"--train_mebibytes={mebibytes} must be at least 1; leave it out for all of the text")

    def pieces() -> Iterator[str]:
        return read_text_pieces(text, piece_bytes=PIECE_BYTES)

    chosen = {} if options["vocabulary_size"] is None else {"vocabulary_size": options["vocabulary_size"]}
    tokenizer = make_tokenizer(options["tokenizer"], islice(pieces(), mebibytes), **chosen)
    count = write_token_file(out, (tokenizer.encode(piece) for piece in pieces()), tokenizer.vocabulary_size)
    tokenizer.save(tokenizer_beside(out))
    return f"{out}: {count} tokens of a vocabulary of {tokenizer.vocabulary_size}; tokenizer: {tokenizer_beside(out)}"


if __name__ == "__main__":
    run_command(main)
