"""Chat messages as the text that a model was trained on: the folder's own template, in Jinja's sandbox."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from nn_core.pretrained.folder_tokenizer import FolderTokenizer
from nn_core.pretrained.tensor_files import PretrainedError

Message = Mapping[str, Any]
# What a template is told of the time where nobody says it, so that what is learned does not depend on the day: the day
# that Llama 3's own template takes for granted.
DAY = datetime(2024, 7, 26)


def check_messages(messages: Any) -> Sequence[Message]:
    """The messages; raises ValueError if they are not chat messages."""
    good = isinstance(messages, Sequence) and not isinstance(messages, str) and len(messages) > 0
    if not good or not all(isinstance(one, Mapping) and {"role", "content"} <= one.keys() for one in messages):
        raise ValueError('chat messages are a list of {"role": "user", "content": "text"}')
    return messages


@lru_cache(maxsize=8)  # a file of conversations is written by one template
def _compiled(template: str) -> Any:
    """The template, ready to be rendered."""
    from jinja2 import TemplateError, nodes
    from jinja2.ext import Extension
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    class Generation(Extension):
        """{% generation %} marks the answers for training; here it is the text inside."""

        tags = {"generation"}

        def parse(self, parser: Any) -> Any:
            line = next(parser.stream).lineno
            body = parser.parse_statements(("name:endgeneration",), drop_needle=True)
            return nodes.Scope(body, lineno=line)

    def refuse(message: str) -> None:
        raise TemplateError(message)

    def to_json(value: Any, indent: int | None = None, **options: Any) -> str:
        return json.dumps(value, ensure_ascii=False, indent=indent, **options)

    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[Generation, "jinja2.ext.loopcontrols"]
    )
    environment.filters["tojson"] = to_json
    environment.globals["raise_exception"] = refuse
    return environment.from_string(template)


def render(
    tokenizer: FolderTokenizer, messages: Sequence[Message], add_generation_prompt: bool = True, now: datetime = DAY
) -> str:
    """The text of a conversation.

    Args:
        tokenizer: with a chat template.
        messages: {"role": …, "content": …} in order.
        add_generation_prompt: end with what the model's answer begins with.
        now: what its `strftime_now(format)` tells, as in transformers.
    Raises:
        PretrainedError: no template, one that fails, one that its author makes fail, or Jinja is not installed.
    """
    if tokenizer.chat_template is None:
        raise PretrainedError("this folder has no chat template; give a text instead of messages")
    try:
        from jinja2 import TemplateError
    except ImportError:
        raise PretrainedError("chat templates need Jinja: pip install 'nn_core[pretrained]'") from None
    try:
        return _compiled(tokenizer.chat_template).render(
            messages=[dict(one) for one in messages],
            tools=None,
            documents=None,
            add_generation_prompt=add_generation_prompt,
            strftime_now=lambda form: now.strftime(form),
            **tokenizer.special,
        )
    except (TemplateError, TypeError, ValueError, AttributeError, KeyError, RecursionError, OverflowError) as error:
        reason = (str(error).splitlines() or ["nothing said"])[0]
        raise PretrainedError(f"the folder's chat template fails on these messages: {reason}") from None


def render_begun(tokenizer: FolderTokenizer, messages: Sequence[Message], now: datetime = DAY) -> str:
    """The text of a conversation whose last message is to be gone on with: it ends where this message does (F181).

    Raises:
        PretrainedError: as `render`; or the template does not write the message as it is.
    """
    text, last = render(tokenizer, messages, add_generation_prompt=False, now=now), str(messages[-1]["content"])
    place = text.rfind(last.strip())
    if place < 0:
        raise PretrainedError("the folder's chat template changes the last message, which cannot be gone on with")
    end = last.lstrip() if text.startswith(last.lstrip(), place) else last.strip()
    return text[: place + len(end)]
