"""The user's own texts with classes: a table or JSON lines. The config is fitted to them."""

from collections import Counter
from collections.abc import Collection

from ml_collections import ConfigDict

from experiments.building.digests import check_digest, digest_of_file
from experiments.building.kept_tokenizer import tokenizer_of_start
from experiments.building.own_splits import fit_sizes, tell_split
from experiments.building.own_tables import TABLE
from experiments.building.prompts import lacking_characters, shortened_list
from experiments.building.ranges import naming_options
from experiments.building.unused_keys import check_given
from nn_core.data.corpora import CORPORA, LabelledTexts
from nn_core.data.labelled_texts import read_labelled_texts
from nn_core.data.sources import call_loader
from nn_core.data.table_split import sizes_of
from nn_core.files import user_path
from nn_core.pretrained.tokenizer_files import as_folder_tokenizer

SHARES = (0.6, 0.2, 0.2)  # of the texts: train, validation, test
SHOWN = 10  # classes


def is_own(section: ConfigDict) -> bool:
    """Whether a data section names texts with classes of the user's own."""
    return section.name == TABLE and "classes" in section and "text" in section


def load_texts(section: ConfigDict) -> LabelledTexts:
    """The texts that a data section names.

    Raises:
        ValueError: an unknown name or option, or a file that cannot be read, in one line.
    """
    if not is_own(section):
        with naming_options(section):
            return call_loader("corpus", CORPORA, section.name, section.options.to_dict())
    for key, what in (("path", "FILE"), ("target", "COLUMN")):
        if section[key] is None:
            raise ValueError(
                f"config.data.name={TABLE!r} needs a table of texts and classes, or JSON lines; give --config.data.{key}={what}"
            )
    return read_labelled_texts(section.path, section.target, section.text, section.classes)


def left_out(source: str | None, texts: LabelledTexts) -> tuple[str, ...]:
    """A line about characters that the tokenizer of config.transfer.source has no token for."""
    tokenizer = None if source is None else tokenizer_of_start(source)
    if tokenizer is None:
        return ()
    strange = lacking_characters(as_folder_tokenizer(tokenizer), "".join(texts.texts))
    if not strange:
        return ()
    told = f"{len(strange)} characters of the texts" if len(strange) > 1 else "a character of the texts"
    return (f"warning: {told} ({shortened_list(strange)}) without a token in {source}: left out",)


def resolve_labels(config: ConfigDict, given: Collection[str]) -> tuple[ConfigDict, tuple[str, ...]]:
    """The config fitted to the user's own texts with classes, and lines about them.

    Args:
        config: of such data; it is changed.
        given: the keys that the command line sets; they stay as they are.
    """
    section = config.data
    if section.path is not None:
        check_given(section, given)
    texts = load_texts(section)
    section.options, section.classes = ConfigDict(), texts.label_names
    section.digest = check_digest(section, digest_of_file(user_path(section.path)), section.path)
    fit_sizes(section, given, sizes_of(len(texts.texts), SHARES))
    counts = Counter(texts.labels.tolist())
    shown = ", ".join(f"{name} {counts[place]}" for place, name in enumerate(texts.label_names[:SHOWN]))
    more = ", …" if len(texts.label_names) > SHOWN else ""
    return config, (
        f"{section.path}: {len(texts.texts):,} texts",
        *left_out(config.transfer.source, texts),
        f"classes: {len(texts.label_names)} ({shown}{more}); always the largest: {max(counts.values()) / len(texts.texts):.3f}",
        tell_split(section, "drawn by each seed" if section.shuffle else "in the order of the file"),
    )
