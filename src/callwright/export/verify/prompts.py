"""Prompts and tokens of a runtime against ours: the same bytes for a conversation, the same ids for a text.

What is compared is what the model was trained on: our renderer's prompt, and the ids of our tokenizer. llama.cpp's
`/apply-template` gives a prompt without its BOS, which the server puts in front itself.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import zip_longest

from callwright.conversation import Conversation, Json
from callwright.engines.llama_completion import LlamaCompletion
from callwright.export.verify.check import Check
from callwright.formats.base import Format
from callwright.formats.jinja import ChatTemplate
from callwright.notices import ignore
from callwright.openai import read_conversation, write_conversation
from callwright.tokens import Tokenizer, encode_segments

Renderer = Callable[[Conversation], str]
"""A conversation to the prompt of its next answer, BOS left out."""
_AROUND = 24
"""Bytes of both prompts that a message shows from where they part."""


def served_renderer(server: LlamaCompletion) -> Renderer:
    """The template that a llama.cpp server has loaded, in its own engine."""

    def render(conversation: Conversation) -> str:
        return str(server.post("/apply-template", write_conversation(conversation)).get("prompt"))

    return render


def template_renderer(source: str, fmt: Format) -> Renderer:
    """A chat template, rendered as transformers renders it."""
    template, variables = ChatTemplate(source), {"bos_token": fmt.bos, "eos_token": fmt.stops[0]}

    def render(conversation: Conversation) -> str:
        text = template.render(conversation, add_generation_prompt=True, variables=dict(variables))
        return text.removeprefix(fmt.bos)

    return render


def check_prompts(
    fmt: Format, render: Renderer, conversations: Mapping[str, Conversation], *, name: str = "prompts"
) -> Check:
    """Compares prompts byte for byte with our renderer's.

    Args:
      fmt: The format.
      render: The other renderer.
      conversations: What is rendered, by the names that errors use; each waits for the model's answer.
      name: What the check is called.

    Raises:
      WorkError: The server goes away.
      FormatError: The format cannot say a conversation.
    """
    wrong = list[str]()
    for id_, conversation in conversations.items():
        sent = read_conversation(write_conversation(conversation), notify=ignore)  # as a client sends it
        expected = fmt.render(sent, add_generation_prompt=True).text.removeprefix(fmt.bos).encode(errors="replace")
        got = render(sent).encode(errors="replace")
        if got != expected:
            pairs = enumerate(zip_longest(expected, got))
            at = next(place for place, (ours, theirs) in pairs if ours != theirs)
            wrong.append(
                f"{id_} differs from byte {at} on: {_shown(expected, at)} was trained, {_shown(got, at)} is served"
            )
    return _all_or(wrong, len(conversations), "prompts", name)


def _shown(prompt: bytes, at: int) -> str:
    return repr(prompt[at : at + _AROUND].decode(errors="replace"))


def check_tokens(
    server: LlamaCompletion,
    tokenizer: Tokenizer,
    fmt: Format,
    conversations: Mapping[str, Conversation],
    texts: Sequence[str] = (),
) -> Check:
    """Compares a llama.cpp server's token ids with ours: of prompts with special tokens, of texts without.

    Args:
      server: Serves the file.
      tokenizer: Ours.
      fmt: The format of the prompts.
      conversations: What the prompts are about, by the names that errors use.
      texts: Texts that the ids must also give back.

    Raises:
      WorkError: The server goes away.
      FormatError: The format cannot say a conversation.
    """
    wrong = list[str]()
    for id_, text, ours, special in _cases(tokenizer, fmt, conversations, texts):
        body: dict[str, Json] = {"content": text, "add_special": False, "parse_special": special}
        theirs = server.post("/tokenize", body).get("tokens")
        if theirs != ours:
            pairs = enumerate(zip_longest(ours, theirs if isinstance(theirs, list) else ()))
            at = next(place for place, (mine, other) in pairs if mine != other)
            before = tokenizer.decode(ours[max(at - 4, 0) : at])
            got = (*(theirs or ()), None)[at] if isinstance(theirs, list) and at <= len(theirs) else None
            wrong.append(f"{id_} has token {ours[at : at + 1]} at {at}, behind {before!r}, and the server {got}")
        elif tokenizer.decode(ours) != text:
            wrong.append(f"the tokens of {id_} give back another text")
    return _all_or(wrong, len(conversations) + len(texts), "texts", "tokens")


def _cases(
    tokenizer: Tokenizer, fmt: Format, conversations: Mapping[str, Conversation], texts: Sequence[str]
) -> Iterator[tuple[str, str, list[int], bool]]:
    for id_, conversation in conversations.items():
        rendered = fmt.render(conversation, add_generation_prompt=True)
        yield id_, rendered.text, encode_segments(tokenizer, rendered.segments)[0], True
    for number, text in enumerate(texts):
        yield f"text {number}", text, tokenizer.encode(text), False


def _all_or(wrong: Sequence[str], count: int, things: str, name: str) -> Check:
    """Passed where something was compared and nothing differs."""
    detail = f"{wrong[0]} ({len(wrong)} of {count} {things} differ)" if wrong else f"all {count} {things} are the same"
    return Check(name, not wrong and count > 0, detail, {"compared": float(count), "different": float(len(wrong))})
