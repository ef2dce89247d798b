"""Finds a folder's tokenizer and reads it; writes the project's own tokenizers as folders have them (F181).

tokenizer.json; else vocab.json + merges.txt; else vocab.txt; else spiece.model or tokenizer.model
"""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tokenizers as hf
from tokenizers import decoders, models, normalizers, pre_tokenizers, processors

from nn_core.pretrained.folder import CONFIG, read_json
from nn_core.pretrained.folder_tokenizer import FolderTokenizer, texts_of
from nn_core.pretrained.spiece import tokenizer_of
from nn_core.pretrained.tensor_files import PretrainedError
from nn_core.text.characters import CharacterTokenizer
from nn_core.text.interface import UNKNOWN_TOKEN, Tokenizer, write_json
from nn_core.text.trained import TrainedTokenizer

TOKENIZER, VOCABULARY, MERGES, WORDPIECES = "tokenizer.json", "vocab.json", "merges.txt", "vocab.txt"
SPIECES = ("spiece.model", "tokenizer.model")
SETTINGS, SPECIAL, TEMPLATE = "tokenizer_config.json", "special_tokens_map.json", "chat_template.jinja"
LONGEST = 10**9  # transformers writes 10**30 where it knows no limit

# What transformers takes for granted where a folder does not say it, by model_type; "" for all others.
_WORDPIECE = {"unk": "[UNK]", "sep": "[SEP]", "pad": "[PAD]", "cls": "[CLS]", "mask": "[MASK]"}
_ROBERTA = {"bos": "<s>", "eos": "</s>", "sep": "</s>", "cls": "<s>", "unk": "<unk>", "pad": "<pad>", "mask": "<mask>"}
_DEFAULTS: dict[str, dict[str, str]] = {
    "gpt2": {"unk": "<|endoftext|>", "bos": "<|endoftext|>", "eos": "<|endoftext|>"},
    "qwen2": {"unk": "<|endoftext|>", "eos": "<|endoftext|>", "pad": "<|endoftext|>"},
    "qwen3": {"unk": "<|endoftext|>", "eos": "<|endoftext|>", "pad": "<|endoftext|>"},
    "bert": _WORDPIECE,
    "roberta": _ROBERTA,
    "t5": {"eos": "</s>", "unk": "<unk>", "pad": "<pad>"},
    "mt5": {"eos": "</s>", "unk": "<unk>", "pad": "<pad>"},
    "llama": {"bos": "<s>", "eos": "</s>", "unk": "<unk>"},
    "mistral": {"bos": "<s>", "eos": "</s>", "unk": "<unk>"},
}
_QWEN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
# The project's special tokens under the names that folders have for them.
_OURS = {
    "[PAD]": "pad_token",
    "[UNK]": "unk_token",
    "[SOS]": "bos_token",
    "[EOS]": "eos_token",
    "[MASK]": "mask_token",
    "[CLS]": "cls_token",
    "[SEP]": "sep_token",
}


def read_tokenizer(folder: Path, vocabulary_size: int | None = None) -> FolderTokenizer:
    """The tokenizer of a folder.

    Args:
        folder: with one of the files above.
        vocabulary_size: of the model; ids beyond it are an error.
    Raises:
        PretrainedError: no tokenizer, a damaged one, or one that does not fit the vocabulary.
    """
    settings = read_json(folder / SETTINGS) if (folder / SETTINGS).is_file() else {}
    model_type = str(read_json(folder / CONFIG).get("model_type", "")) if (folder / CONFIG).is_file() else ""
    special = {f"{name}_token": text for name, text in _DEFAULTS.get(model_type, {}).items()}
    if (folder / TOKENIZER).is_file():
        special = {}  # such a file says what it has
    if (folder / SPECIAL).is_file():
        special |= texts_of(read_json(folder / SPECIAL))
    special |= texts_of(settings)
    try:
        backend = _build(folder, model_type, settings, special)
    except PretrainedError:
        raise
    except Exception as error:  # the library raises bare Exception
        raise PretrainedError(
            f"{folder} has a damaged tokenizer ({str(error).splitlines()[0]}); download it again"
        ) from None
    backend.no_truncation()
    backend.no_padding()
    known = {name: text for name, text in special.items() if backend.token_to_id(text) is not None}
    tokenizer = FolderTokenizer(backend, known, _template(folder, settings), _longest(settings))
    if vocabulary_size is not None and tokenizer.vocabulary_size > vocabulary_size:
        raise PretrainedError(
            f"{folder}: the tokenizer has ids up to {tokenizer.vocabulary_size - 1} and the model a vocabulary of "
            f"{vocabulary_size}; they are not of one model"
        )
    return tokenizer


def _build(folder: Path, model_type: str, settings: dict[str, Any], special: dict[str, str]) -> hf.Tokenizer:
    if (folder / TOKENIZER).is_file():
        return hf.Tokenizer.from_str(json.dumps(read_json(folder / TOKENIZER)))
    if (folder / VOCABULARY).is_file() and (folder / MERGES).is_file():
        return _with_added(_with_special(_byte_pairs(folder, model_type, settings, special), special), settings)
    if (folder / WORDPIECES).is_file():
        return _wordpieces(folder, settings, special)
    for name in SPIECES:
        if (folder / name).is_file():
            tokenizer = tokenizer_of(folder / name, model_type, settings)
            return _framed(_with_added(_with_special(tokenizer, special), settings), model_type, settings, special)
    raise PretrainedError(
        f"{folder} has no tokenizer; it needs {TOKENIZER}, {VOCABULARY} and {MERGES}, {WORDPIECES}, or {SPIECES[0]}"
    )


def _byte_pairs(folder: Path, model_type: str, settings: dict[str, Any], special: dict[str, str]) -> hf.Tokenizer:
    tokenizer = hf.Tokenizer(models.BPE.from_file(str(folder / VOCABULARY), str(folder / MERGES)))
    prefix = bool(settings.get("add_prefix_space", False))
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix)
    if model_type.startswith("qwen"):
        tokenizer.normalizer = normalizers.NFC()
        split = pre_tokenizers.Split(hf.Regex(_QWEN), "isolated")
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(prefix, use_regex=False)])
    if model_type == "roberta":
        _with_special(tokenizer, special)
        last, first = ((special[name], _id(tokenizer, special[name])) for name in ("sep_token", "cls_token"))
        tokenizer.post_processor = processors.RobertaProcessing(last, first, trim_offsets=True, add_prefix_space=prefix)
    return tokenizer


def _wordpieces(folder: Path, settings: dict[str, Any], special: dict[str, str]) -> hf.Tokenizer:
    special |= {name: text for name, text in _named(_WORDPIECE).items() if name not in special}
    words = (folder / WORDPIECES).read_text(encoding="utf-8").split("\n")
    words = words[:-1] if words[-1] == "" else words
    vocabulary = {word.rstrip("\r"): i for i, word in enumerate(words)}
    tokenizer = hf.Tokenizer(models.WordPiece(vocabulary, unk_token=special["unk_token"]))
    tokenizer.normalizer = normalizers.BertNormalizer(
        handle_chinese_chars=settings.get("tokenize_chinese_chars", True),
        strip_accents=settings.get("strip_accents"),
        lowercase=settings.get("do_lower_case", True),
    )
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    tokenizer.post_processor = _brackets(vocabulary, special["cls_token"], special["sep_token"])
    return _with_special(tokenizer, special)


def _brackets(vocabulary: dict[str, int], first: str, last: str) -> Any:
    ids = [(token, vocabulary[token]) for token in dict.fromkeys((first, last))]
    return processors.TemplateProcessing(
        single=f"{first}:0 $A:0 {last}:0", pair=f"{first}:0 $A:0 {last}:0 $B:1 {last}:1", special_tokens=ids
    )


def _with_special(tokenizer: hf.Tokenizer, special: dict[str, str]) -> hf.Tokenizer:
    """Special tokens are found in texts before anything else; those that the vocabulary lacks are left out."""
    tokenizer.add_special_tokens(
        [
            hf.AddedToken(text, special=True, normalized=False)
            for text in special.values()
            if tokenizer.token_to_id(text) is not None
        ]
    )
    return tokenizer


def _with_added(tokenizer: hf.Tokenizer, settings: dict[str, Any]) -> hf.Tokenizer:
    """Tokens that stand in tokenizer_config.json alone, such as those around a chat's messages; ids go on from the last."""
    added = settings.get("added_tokens_decoder")
    for index, about in sorted(added.items(), key=lambda item: int(item[0])) if isinstance(added, dict) else ():
        flags = {name: bool(about.get(name, False)) for name in ("special", "lstrip", "rstrip", "single_word")}
        token = hf.AddedToken(about["content"], normalized=bool(about.get("normalized", not flags["special"])), **flags)
        (tokenizer.add_special_tokens if flags["special"] else tokenizer.add_tokens)([token])
        if tokenizer.token_to_id(token.content) != int(index):
            raise PretrainedError(
                f"{SETTINGS} has the token {token.content!r} at the id {index}; ids must have no gaps"
            )
    return tokenizer


def _framed(
    tokenizer: hf.Tokenizer, model_type: str, settings: dict[str, Any], special: dict[str, str]
) -> hf.Tokenizer:
    """T5 ends with its end token; Llama begins with its first one where the folder says so."""
    name, single, pair = "bos_token", "{0}:0 $A:0", "{0}:0 $A:0 {0}:1 $B:1"
    if model_type in ("t5", "mt5"):
        name, single, pair = "eos_token", "$A:0 {0}:0", "$A:0 {0}:0 $B:0 {0}:0"
    elif not settings.get("add_bos_token", False):
        return tokenizer
    text = special.get(name)
    index = None if text is None else tokenizer.token_to_id(text)
    if text is not None and index is not None:
        tokenizer.post_processor = processors.TemplateProcessing(
            single=single.format(text), pair=pair.format(text), special_tokens=[(text, index)]
        )
    return tokenizer


def _named(tokens: dict[str, str]) -> dict[str, str]:
    return {f"{name}_token": text for name, text in tokens.items()}


def _template(folder: Path, settings: dict[str, Any]) -> str | None:
    path = folder / TEMPLATE
    if path.is_file():
        try:
            return path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise PretrainedError(f"{path} cannot be read as UTF-8 ({error}); download it again") from None
    found = settings.get("chat_template")
    if isinstance(found, list):
        named = {entry.get("name"): entry.get("template") for entry in found if isinstance(entry, dict)}
        found = named.get("default")
    return found if isinstance(found, str) else None


def _longest(settings: dict[str, Any]) -> int | None:
    longest = settings.get("model_max_length")
    return longest if type(longest) is int and 0 < longest < LONGEST else None


def as_folder_tokenizer(tokenizer: Tokenizer, brackets: bool = False) -> FolderTokenizer:
    """One of the project's tokenizers as folders have them: the same ids.

    Args:
        tokenizer: of characters, trained, or a folder's.
        brackets: texts are fed between [CLS] and [SEP], as encoders want it.
    Raises:
        ValueError: a tokenizer that no tokenizer.json can describe.
    """
    if isinstance(tokenizer, FolderTokenizer):
        return tokenizer
    makers: dict[type, Callable[[Any], hf.Tokenizer]] = {
        CharacterTokenizer: _characters,
        TrainedTokenizer: lambda one: hf.Tokenizer.from_str(one.json_text),
    }
    if type(tokenizer) not in makers:
        raise ValueError(f"a {type(tokenizer).__name__} has no counterpart among Hugging Face's tokenizers")
    backend = makers[type(tokenizer)](tokenizer)
    special = {_OURS[text]: text for text in tokenizer.special_ids if text in _OURS}
    if brackets and {"cls_token", "sep_token"} <= special.keys():
        backend.post_processor = _brackets(backend.get_vocab(), special["cls_token"], special["sep_token"])
    return FolderTokenizer(backend, special)


def ended(tokenizer: FolderTokenizer, name: str) -> FolderTokenizer:
    """The tokenizer with a special token, such as "eos_token", behind each text that is fed."""
    text = tokenizer.special[name]
    tokenizer.backend.post_processor = processors.TemplateProcessing(
        single=f"$A:0 {text}:0",
        pair=f"$A:0 {text}:0 $B:0 {text}:0",
        special_tokens=[(text, _id(tokenizer.backend, text))],
    )
    return tokenizer


def write_tokenizer(folder: Path, tokenizer: Tokenizer, brackets: bool = False) -> dict[str, int]:
    """Writes tokenizer.json and tokenizer_config.json; arguments and errors as `as_folder_tokenizer`.

    Returns:
        Ids of the special tokens for config.json: {"eos_token_id": …}.
    """
    made = as_folder_tokenizer(tokenizer, brackets)
    folder.mkdir(parents=True, exist_ok=True)
    about: dict[str, Any] = {"tokenizer_class": "PreTrainedTokenizerFast", "clean_up_tokenization_spaces": False}
    about |= made.special
    if made.longest is not None:
        about["model_max_length"] = made.longest
    if made.chat_template is not None:
        about["chat_template"] = made.chat_template
    write_json(folder / SETTINGS, json.dumps(about, indent=2) + "\n")
    made.save(folder / TOKENIZER)  # last: where it is, the other is
    return {f"{name}_id": _id(made.backend, text) for name, text in made.special.items()}


def _id(tokenizer: hf.Tokenizer, text: str) -> int:
    index = tokenizer.token_to_id(text)
    if index is None:
        raise PretrainedError(f"the tokenizer lacks its special token {text!r}; download it again")
    return index


def _characters(tokenizer: CharacterTokenizer) -> hf.Tokenizer:
    """One token a character. What is unknown is left out where the vocabulary has no name for it."""
    spellings = [*tokenizer.special_tokens, *tokenizer.characters]
    vocabulary = {text: i for i, text in enumerate(spellings)}
    unknown = {"unk_token": UNKNOWN_TOKEN} if UNKNOWN_TOKEN in vocabulary else {}
    backend = hf.Tokenizer(models.WordLevel(vocabulary, **unknown) if unknown else models.BPE(vocabulary, []))
    backend.pre_tokenizer = pre_tokenizers.Split(hf.Regex(r"[\s\S]"), "isolated")
    backend.decoder = decoders.Fuse()
    backend.add_special_tokens(list(tokenizer.special_tokens))
    return backend
