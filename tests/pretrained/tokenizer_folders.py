"""Tiny tokenizers of every kind of file, written without any library but `json`, and 200 awkward strings."""

import json
import struct
from pathlib import Path
from typing import Any

import tokenizers as hf
from tokenizers import decoders, models, pre_tokenizers, processors

WORDS = ("the", "Hello", "world", "token", "ing", "hello", "ed", "don", "can", "it", "is", "a", "of", "and", "to", "in")
PLAIN = [
    *(
        "",
        " ",
        "  ",
        "\n",
        "\t",
        "\r\n",
        " \n ",
        "a",
        "A",
        "é",
        "e\u0301",
        "ß",
        "İ",
        "ı",
        "Å",
        "ﬁ",
        "½",
        "²",
        "Ⅷ",
        "…",
        "—",
    ),
    *("don't", "DON'T", "it's", "I'm we're they'll you'd", "can’t", "o'clock", "''", '"quoted"', "`code`", "a'b'c"),
    *(
        "1",
        "12",
        "123",
        "1234",
        "12345",
        "3.14",
        "1,000,000",
        "1e-5",
        "0x1F",
        "١٢٣",
        "四五六",
        "½ cup",
        "№5",
        "#1",
        "50%",
    ),
    *(
        "hello world",
        "hello  world",
        "hello   world",
        " hello",
        "hello ",
        "  hello  ",
        "hello\nworld",
        "hello\n\nworld",
    ),
    *(
        "Hello, world!",
        "Hello,world!",
        "Hello... world?!",
        "(a) [b] {c} <d>",
        "a-b_c/d\\e",
        "a+b=c",
        "$5.00",
        "€5",
        "¥",
    ),
    *("https://example.org/a?b=c&d=e#f", "me@example.org", "C:\\dir\\file.txt", "/usr/bin/env", "--flag=value", "a::b"),
    *(
        "日本語",
        "中文 text",
        "한국어",
        "日本語のテキスト",
        "ไทย",
        "हिन्दी",
        "עברית",
        "العربية",
        "ελληνικά",
        "Русский",
        "עם ניקוד שָׁלוֹם",
    ),
    *("😀", "👍🏽", "👨‍👩‍👧‍👦", "🇫🇷", "a😀b", "❤️", "☃", "♞", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢", "𐍈", "\U0001f9d1\u200d\U0001f680", "🏴󠁧󠁢󠁥󠁮󠁧󠁿"),
    *(
        "\u00a0",
        "a\u00a0b",
        "\u200b",
        "a\u200bb",
        "\u2028",
        "\u2029",
        "\ufeff",
        "\ufeffhello",
        "\u3000",
        "a\u3000b",
        "\u00ad",
    ),
    *(
        "\x00",
        "a\x00b",
        "\x01\x02",
        "\x7f",
        "\x85",
        "\ufffd",
        "\ufffe",
        "\u202eabc",
        "a\u0300\u0301\u0302",
        "\u0301",
        "ﷺ",
    ),
    *(
        "<s>",
        "</s>",
        "<pad>",
        "<unk>",
        "<mask>",
        "[CLS]",
        "[SEP]",
        "[MASK]",
        "[PAD]",
        "[UNK]",
        "<|endoftext|>",
        "<extra_id_0>",
    ),
    *(
        "a <mask> b",
        "a<mask>b",
        "[MASK]ed",
        "the [MASK] is",
        "<|endoftext|>hello",
        "hello<|endoftext|>",
        "</s></s>",
        "<s> a",
    ),
    *(
        "<extra_id_0> the <extra_id_1>",
        "<|endoftext|><|endoftext|>",
        "<|endoftext",
        "[cls]",
        "<S>",
        "< s >",
        "[ MASK ]",
    ),
    *("▁", "▁hello", "a▁b", "##ing", "Ġhello", "Ċ", "hello##world", "▁▁", " ▁ ", "Ġ", "Ã©", "<0x0A>", "<0xFF>"),
    *("tokenization", "untokenizable", "TOKENIZING", "tokenTOKEN", "CamelCaseWords", "snake_case_words", "kebab-case"),
    *(
        "aaaaaaaaaaaaaaaaaaaa",
        "a" * 120,
        "ab" * 60,
        "hello" * 25,
        "!" * 40,
        " " * 40,
        "\n" * 10,
        "1" * 50,
        "é" * 30,
        "😀" * 12,
    ),
    *(
        "def f(x):\n    return x + 1\n",
        "if (a && b) { c(); }",
        "SELECT * FROM t;",
        "<a href='x'>y</a>",
        '{"k": [1, 2]}',
    ),
    *(
        "The quick brown fox.",
        "to be, or not to be: that is",
        "in and of it",
        "the the the",
        "theworld",
        "the world is a token",
    ),
    *(
        "Mr. O'Neill",
        "e.g. i.e.",
        "U.S.A.",
        "3rd",
        "x²+y²",
        "co-operate",
        "naïve café",
        "Straße",
        "ŒUVRE",
        "ĲSSEL",
        "ΣΊΣΥΦΟΣ",
    ),
    *(
        "tab\tseparated\tvalues",
        "line1\rline2",
        "mixed \t\n spaces",
        "trailing\n",
        "\nleading",
        "a \n b",
        "a\n \nb",
        "  \n  ",
    ),
]
AWKWARD = PLAIN[:200]


def stand_ins() -> dict[int, str]:
    kept = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [byte for byte in range(256) if byte not in kept]
    return {byte: chr(byte) for byte in kept} | {byte: chr(256 + i) for i, byte in enumerate(others)}


def byte_files(folder: Path, special: tuple[str, ...], first: bool = False) -> None:
    """vocab.json and merges.txt: all bytes, and the words letter by letter."""
    alphabet = [stand_ins()[byte] for byte in range(256)]
    merges: list[str] = []
    for word in WORDS:
        for spelling in (word, "Ġ" + word):
            merges += [f"{spelling[:i]} {spelling[i]}" for i in range(1, len(spelling))]
    merges = list(dict.fromkeys(merges))
    pieces = [*alphabet, *dict.fromkeys(merge.replace(" ", "") for merge in merges)]
    pieces = [*special, *pieces] if first else [*pieces, *special]
    (folder / "vocab.json").write_text(json.dumps({piece: i for i, piece in enumerate(pieces)}), encoding="utf-8")
    (folder / "merges.txt").write_text("#version: 0.2\n" + "\n".join(merges) + "\n", encoding="utf-8")


def word_pieces(folder: Path) -> None:
    letters = [
        chr(code) for code in (*range(33, 127), *range(0xE0, 0x100), *range(0x430, 0x450), 0x65E5, 0x672C, 0x4E2D)
    ]
    lines = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *(f"##{letter}" for letter in letters)]
    lines += [word.lower() for word in WORDS if len(word) > 1] + [
        f"##{word}" for word in WORDS if len(word) > 1 and word.islower()
    ]
    (folder / "vocab.txt").write_text("\n".join(dict.fromkeys(lines)) + "\n", encoding="utf-8")


def varint(number: int) -> bytes:
    out = b""
    while number > 127:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def message(number: int, body: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(body)) + body


def pieces_file(
    path: Path, special: tuple[str, ...], unigram: bool, *, squeeze: bool = True, prefix: bool = True, user: str = ""
) -> None:
    """A SentencePiece model: protocol buffer by hand. `user`: a piece that someone defined."""
    letters = [chr(code) for code in (*range(33, 127), 0xE9, 0xDF, 0x65E5, 0x672C)]
    plain = ["▁", *letters, *WORDS, *(f"▁{word}" for word in WORDS)]
    if not unigram:  # every step of a merge is a piece
        steps = [word[:i] for word in (*WORDS, *(f"▁{word}" for word in WORDS)) for i in range(2, len(word) + 1)]
        plain = ["▁", *letters, *steps]
    body = b""
    kinds = {"<unk>": 2}
    entries = [(text, 0.0, kinds.get(text, 3)) for text in special]
    if not unigram:
        entries += [(f"<0x{byte:02X}>", 0.0, 6) for byte in range(256)]
    entries += [(user, 0.0, 4)] if user else []
    taken = {text for text, _, _ in entries}
    fresh = [text for text in dict.fromkeys(plain) if text not in taken]
    entries += (
        [(text, -float(i % 37) - 12.0 / len(text), 1) for i, text in enumerate(fresh)]
        if unigram
        else [(text, -float(i), 1) for i, text in enumerate(fresh)]
    )
    for text, score, kind in entries:
        entry = (
            message(1, text.encode()) + varint(2 << 3 | 5) + struct.pack("<f", score) + varint(3 << 3) + varint(kind)
        )
        body += message(1, entry)
    trainer = varint(3 << 3) + varint(1 if unigram else 2) + varint(40 << 3) + varint(special.index("<unk>"))
    trainer += varint(35 << 3) + varint(0 if unigram else 1)
    said = message(1, b"identity") + b"".join(
        varint(number << 3) + varint(0) for number, wanted in ((3, prefix), (4, squeeze)) if not wanted
    )
    path.write_bytes(body + message(2, trainer) + message(3, said))


def whole_file(folder: Path, special: tuple[str, ...] = ("<|begin|>", "<|end|>")) -> None:
    """tokenizer.json of Llama 3's kind: a pattern of its own, a first token."""
    byte_files(folder, special)
    begin, end = special[0], special[-1]
    backend = hf.Tokenizer(models.BPE.from_file(str(folder / "vocab.json"), str(folder / "merges.txt")))
    pattern = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
    split = pre_tokenizers.Split(hf.Regex(pattern), "isolated")
    backend.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(False, use_regex=False)])
    backend.decoder = decoders.ByteLevel()
    backend.add_special_tokens(list(special))
    backend.post_processor = processors.TemplateProcessing(
        single=f"{begin} $A", special_tokens=[(begin, backend.token_to_id(begin))]
    )
    (folder / "tokenizer.json").write_text(backend.to_str(), encoding="utf-8")
    for name in ("vocab.json", "merges.txt"):
        (folder / name).unlink()
    about = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": begin, "eos_token": end}
    (folder / "tokenizer_config.json").write_text(json.dumps(about), encoding="utf-8")


def llama2(folder: Path) -> None:
    """As it is on the hub: its settings say that it begins with <s>."""
    pieces_file(folder / "tokenizer.model", ("<unk>", "<s>", "</s>"), unigram=False)
    about = {"tokenizer_class": "LlamaTokenizer", "add_bos_token": True, "add_eos_token": False, "legacy": False}
    (folder / "tokenizer_config.json").write_text(json.dumps(about), encoding="utf-8")


def mistral(folder: Path, legacy: bool = True, **more: Any) -> None:
    """As Mistral's first models have it; `more` of `pieces_file`."""
    pieces_file(folder / "tokenizer.model", ("<unk>", "<s>", "</s>"), unigram=False, **more)
    about = {"tokenizer_class": "LlamaTokenizer", "add_bos_token": True, "add_eos_token": False, "legacy": legacy}
    (folder / "tokenizer_config.json").write_text(json.dumps(about), encoding="utf-8")


KINDS = {
    "gpt2": lambda folder: byte_files(folder, ("<|endoftext|>",)),
    "qwen2": lambda folder: byte_files(folder, ("<|endoftext|>",)),
    "roberta": lambda folder: byte_files(folder, ("<s>", "<pad>", "</s>", "<unk>", "<mask>"), first=True),
    "bert": word_pieces,
    "t5": lambda folder: pieces_file(folder / "spiece.model", ("<pad>", "</s>", "<unk>"), unigram=True),
    "llama2": llama2,
    "llama3": whole_file,
    "mistral": mistral,
    "mistral_blanks": lambda folder: mistral(folder, squeeze=False),
    "mistral_user": lambda folder: mistral(folder, legacy=False, prefix=False, user="hello w"),
}


def write_tokenizer_folder(folder: Path, kind: str) -> Path:
    """A folder with a tokenizer and as much of a config.json as it needs."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(
        json.dumps({"model_type": next((name for name in ("llama", "mistral") if kind.startswith(name)), kind)}),
        encoding="utf-8",
    )
    KINDS[kind](folder)
    return folder
