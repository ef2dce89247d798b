"""python -m experiments.vectors --vectors=FILE --most_similar=WORD | --doesnt_match="A B C" | --analogy="A B C"

Answers questions with word vectors in word2vec's or GloVe's text format, such as checkpoints/word2vec/vectors.txt; a run
directory with a vectors.txt may be named too. Questions may be repeated and mixed. With a FastText run, any word may be
used, even one that occurs in no text: its n-grams give it a vector.
"""

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from experiments.command_line.errors import tell
from experiments.command_line.options import Option, parse_options, usage
from experiments.command_line.output import run_command
from nn_core.files import user_path

VECTORS = "vectors.txt"
NGRAMS = "ngrams.npz"  # of a FastText run: words that occur in no text have a vector too
OPTIONS = {
    "vectors": Option(str, "the file, or a run directory that has one"),
    "most_similar": Option(str, 'neighbours of a word, or of a sum: "king -man woman"', repeated=True),
    "doesnt_match": Option(str, 'the odd one of at least three words: "laptop screen banana"', repeated=True),
    "analogy": Option(str, 'what is to the third as the second is to the first: "man king woman"', repeated=True),
    "similarity": Option(str, 'of two words: "laptop computer"', repeated=True),
    "measure": Option(str, "cosine or dot, for most_similar and similarity", "cosine"),
    "count": Option(int, "answers to show, >= 1", 5),
    "max_words": Option(int, "read only the first words of the file, which are the most frequent, >= 1"),
}
EXAMPLES = (
    "python -m experiments.vectors --vectors=checkpoints/word2vec --most_similar=laptop --count=3",
    "python -m experiments.vectors --vectors=checkpoints/word2vec --analogy='man king woman' --similarity='king queen'",
)
MEASURES = ("cosine", "dot")
QUESTIONS = ("most_similar", "doesnt_match", "analogy", "similarity")


def main(argv: Sequence[str] | None = None) -> int:
    """The command. Returns the exit code: 0, or 2 after a mistake by the caller, with one line."""
    try:
        options = parse_options(sys.argv[1:] if argv is None else argv, OPTIONS, lone="vectors")
        if options["help"]:
            command = "python -m experiments.vectors --vectors=FILE --QUESTION=… [--name=value …]"
            print(usage(command, (__doc__ or "").partition("\n\n")[2], OPTIONS, EXAMPLES))
            return 0
        print("\n".join(answer(options)))
    except (ValueError, OSError) as error:
        return tell(error, 2)
    return 0


def answer(options: dict[str, Any]) -> list[str]:
    """A line for each answer.

    Raises:
        ValueError: no file, no question, a malformed file (the line is named), or an unknown word (the nearest are named).
    """
    from nn_core.text.ngrams import load_ngrams
    from nn_core.text.vectors import load_word_vectors

    if options["vectors"] is None:
        raise ValueError("--vectors is missing; give a file in word2vec's text format")
    if not any(options[name] for name in QUESTIONS):
        raise ValueError(f"there is no question; ask --{', --'.join(QUESTIONS)}")
    for name in ("count", "max_words"):
        if options[name] is not None and options[name] < 1:
            raise ValueError(f"--{name}={options[name]} must be at least 1")
    if options["measure"] not in MEASURES:
        raise ValueError(f"--measure={options['measure']} is unknown; use one of {', '.join(MEASURES)}")
    path = user_path(options["vectors"])
    path = path / VECTORS if path.is_dir() else path
    if not path.is_file():
        raise ValueError(f"there is no vector file {path}; check the path")
    vectors = load_word_vectors(path, max_words=options["max_words"])
    if (path.parent / NGRAMS).is_file() and path.name == VECTORS:
        vectors = replace(vectors, ngrams=load_ngrams(path.parent / NGRAMS))
    lines = []
    for name, ask in ASK.items():
        for query in options[name] or ():
            unseen = [word for word in query.split() if word.lstrip("-") not in vectors.index]
            note = f" ({', '.join(unseen)}: by n-grams)" if unseen and vectors.ngrams is not None else ""
            lines += [f"{name} {query}{note}", *(f"  {line}" for line in ask(vectors, query.split(), options))]
    return lines


def ranked(answers: list[tuple[str, float]]) -> list[str]:
    """Words with their similarity."""
    width = max((len(word) for word, _ in answers), default=0)
    return [f"{word.ljust(width)}  {value:.4f}" for word, value in answers]


def ask_most_similar(vectors: Any, words: list[str], options: dict[str, Any]) -> list[str]:
    """Neighbours of a sum of words; words after a minus are subtracted."""
    plus = [word for word in words if not word.startswith("-")]
    minus = [word[1:] for word in words if word.startswith("-")]
    return ranked(vectors.most_similar(plus, minus, count=options["count"], measure=options["measure"]))


def ask_doesnt_match(vectors: Any, words: list[str], options: dict[str, Any]) -> list[str]:
    """The word that does not match."""
    if len(words) < 3:
        raise ValueError(f"--doesnt_match={' '.join(words)!r} has {len(words)} words; give at least three")
    return [vectors.doesnt_match(words)]


def ask_analogy(vectors: Any, words: list[str], options: dict[str, Any]) -> list[str]:
    """The words that fit the fourth place."""
    if len(words) != 3:
        raise ValueError(f"--analogy={' '.join(words)!r} has {len(words)} words; give three: man king woman")
    return ranked(vectors.analogy(*words, count=options["count"]))


def ask_similarity(vectors: Any, words: list[str], options: dict[str, Any]) -> list[str]:
    """A similarity."""
    if len(words) != 2:
        raise ValueError(f"--similarity={' '.join(words)!r} has {len(words)} words; give two")
    return [f"{vectors.similarity(*words, measure=options['measure']):.4f}"]


ASK: dict[str, Callable[[Any, list[str], dict[str, Any]], list[str]]] = {
    "most_similar": ask_most_similar,
    "doesnt_match": ask_doesnt_match,
    "analogy": ask_analogy,
    "similarity": ask_similarity,
}


if __name__ == "__main__":
    run_command(main)
