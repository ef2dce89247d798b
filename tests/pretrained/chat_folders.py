"""Tiny chat folders: the templates of well-known families as their folders have them, and what is said in them."""

import json
from pathlib import Path
from typing import Any

from tests.pretrained.folders import write_folder
from tests.pretrained.tokenizer_folders import AWKWARD, byte_files, pieces_file, whole_file

CHATML = (
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\n"
    "You are a helpful assistant.<|im_end|>\n' }}{% endif %}{{'<|im_start|>' + message['role'] + '\n' + "
    "message['content'] + '<|im_end|>' + '\n'}}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
# An empty thinking block before the last answer, and the thoughts of others taken out, as Qwen 3 has it.
THINKING = (
    "{%- for message in messages %}{%- if message.role == 'assistant' %}{%- set said = message.content %}"
    "{%- if '</think>' in said %}{%- set said = said.split('</think>')[-1] %}{%- endif %}"
    "{{- '<|im_start|>assistant\n' }}{%- if loop.last %}{{- '<think>\n\n</think>\n\n' }}{%- endif %}"
    "{{- said + '<|im_end|>\n' }}{%- else %}{{- '<|im_start|>' + message.role + '\n' + message.content + '<|im_end|>\n' }}"
    "{%- endif %}{%- endfor %}{%- if add_generation_prompt %}{{- '<|im_start|>assistant\n' }}{%- endif %}"
)
LLAMA3 = (
    "{% set loop_messages = messages %}{% for message in loop_messages %}{% set content = '<|start_header_id|>' + "
    "message['role'] + '<|end_header_id|>\n\n'+ message['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}"
    "{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}{% if add_generation_prompt %}"
    "{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
TURNS = "{{ raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') }}"
LLAMA2 = (
    "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}{% set system_message = "
    "messages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% set system_message = false %}{% endif %}"
    "{% for message in loop_messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    + TURNS
    + "{% endif "
    "%}{% if loop.index0 == 0 and system_message != false %}{% set content = '<<SYS>>\\n' + system_message + "
    "'\\n<</SYS>>\\n\\n' + message['content'] %}{% else %}{% set content = message['content'] %}{% endif %}"
    "{% if message['role'] == 'user' %}{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}"
    "{% elif message['role'] == 'assistant' %}{{ ' '  + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}"
)
MISTRAL = (
    "{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    + TURNS
    + "{% endif %}{% if message['role'] == 'user' %}{{ '[INST] ' + message['content'] + ' [/INST]' }}"
    "{% elif message['role'] == 'assistant' %}{{ message['content'] + eos_token}}{% else %}"
    "{{ raise_exception('Only user and assistant roles are supported!') }}{% endif %}{% endfor %}"
)
ZEPHYR = (
    "{% for message in messages %}\n{% if message['role'] == 'user' %}\n{{ '<|user|>\n' + message['content'] + eos_token "
    "}}\n{% elif message['role'] == 'system' %}\n{{ '<|system|>\n' + message['content'] + eos_token }}\n"
    "{% elif message['role'] == 'assistant' %}\n{{ '<|assistant|>\n'  + message['content'] + eos_token }}\n{% endif %}\n"
    "{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n{% endfor %}"
)
# No special token at all: the text of a question and of its answer.
ENDLESS = "{% for m in messages %}{{ m.role }}: {{ m.content }}\n{% endfor %}{% if add_generation_prompt %}assistant:{% endif %}"

IM = ("<|endoftext|>", "<|im_start|>", "<|im_end|>")
HEADERS = ("<|begin|>", "<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<|end|>")


def qwen(folder: Path, template: str = CHATML) -> None:
    """vocab.json and merges.txt; the tokens around messages stand in tokenizer_config.json alone, as Qwen 2 has it."""
    byte_files(folder, ())
    first = len(json.loads((folder / "vocab.json").read_text(encoding="utf-8")))
    flags = {"lstrip": False, "normalized": False, "rstrip": False, "single_word": False, "special": True}
    added: dict[str, Any] = {str(first + i): {"content": text, **flags} for i, text in enumerate(IM)}
    about = {"tokenizer_class": "Qwen2Tokenizer", "eos_token": IM[2], "pad_token": IM[0], "unk_token": IM[0]}
    say(folder, about | {"added_tokens_decoder": added, "chat_template": template, "model_max_length": 32768})


def smollm(folder: Path) -> None:
    """tokenizer.json; padding is the end token."""
    whole_file(folder, IM)
    say(folder, {"eos_token": IM[2], "pad_token": IM[2], "chat_template": CHATML})


def llama3(folder: Path) -> None:
    """tokenizer.json, the template in a file of its own; no padding token, and another end of texts."""
    whole_file(folder, HEADERS)
    say(folder, {"bos_token": "<|begin|>", "eos_token": "<|end|>"})
    (folder / "chat_template.jinja").write_text(LLAMA3, encoding="utf-8")


def pieces(folder: Path, template: str) -> None:
    """tokenizer.model."""
    pieces_file(folder / "tokenizer.model", ("<unk>", "<s>", "</s>"), unigram=False)
    about = {"tokenizer_class": "LlamaTokenizer", "add_bos_token": True, "add_eos_token": False, "legacy": False}
    say(folder, about | {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "chat_template": template})


def endless(folder: Path) -> None:
    """GPT-2's tokens."""
    whole_file(folder, IM[:1])
    say(folder, {"bos_token": IM[0], "eos_token": IM[0], "chat_template": ENDLESS})


def say(folder: Path, about: dict[str, Any]) -> None:
    about = {"tokenizer_class": "PreTrainedTokenizerFast", **about}
    (folder / "tokenizer_config.json").write_text(json.dumps(about), encoding="utf-8")


CHATS = {
    "qwen": ("qwen2", qwen),
    "thinking": ("qwen2", lambda folder: qwen(folder, THINKING)),
    "smollm": ("llama", smollm),
    "llama3": ("llama", llama3),
    "llama2": ("llama", lambda folder: pieces(folder, LLAMA2)),
    "mistral": ("llama", lambda folder: pieces(folder, MISTRAL)),
    "zephyr": ("llama", lambda folder: pieces(folder, ZEPHYR)),
    "endless": ("gpt2", endless),
}
NO_SYSTEM = ("mistral",)


def write_chat_folder(folder: Path, kind: str, vocabulary: int | None = None) -> Path:
    """A chat folder; with a tiny model of its family where a vocabulary is given."""
    folder.mkdir(parents=True, exist_ok=True)
    model_type, write = CHATS[kind]
    if vocabulary is None:
        (folder / "config.json").write_text(json.dumps({"model_type": model_type}), encoding="utf-8")
    else:
        write_folder(folder, model_type, vocabulary)
    write(folder)
    return folder


def said(kind: str) -> list[list[dict[str, str]]]:
    """One and two turns, with and without a system message, whole and as prompts; awkward texts without special tokens."""
    special = ("<|", "<s>", "</s>", "<unk>")
    texts = [text for text in AWKWARD if text.strip() and not any(one in text for one in special)]
    found = []
    for i in range(0, len(texts) - 5, 5):
        first, second = texts[i : i + 2], texts[i + 2 : i + 4]
        rows = [pair for pair in zip(("user", "assistant", "user", "assistant"), (*first, *second), strict=True)]
        rows = rows[: 1 + i // 5 % 4]
        if kind not in NO_SYSTEM and i // 5 % 3 == 0:
            rows = [("system", texts[i + 4]), *rows]
        found.append([{"role": role, "content": text} for role, text in rows])
    return found
