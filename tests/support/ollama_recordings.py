"""What a real Ollama said (tests/golden/ollama): finding the row that answers a request, and putting a cue into it.

Nothing is made up here. A request that no row answers raises NeverRecordedError.
"""

import functools
import json
import re
from dataclasses import dataclass
from pathlib import Path

import gguf

GOLDEN = Path(__file__).parents[1] / "golden" / "ollama"
BUILTIN = ("gemma4", "functiongemma", "qwen3-coder", "qwen3.5", "qwen3-vl-instruct")
SETUPS = (*BUILTIN, "xml-args-go", "xml-arguments-go", "xml-args-jinja", "xml-arguments-jinja")
GO = '<start_of_turn>{{ range .ToolCalls }}<tool_call>{"name": "x", "%s": {{ .Function.Arguments }}}{{ end }}'
CUT = 5
"""The limit, in tokens, that answers were recorded with a second time."""
PRIVATE = 0xE000
_CUE = re.compile(r"(.*) @@([\w.-]+)@@", re.DOTALL | re.ASCII)
_UNKNOWN, _CONTROL, _USER_DEFINED = 2, 3, 4


class NeverRecordedError(Exception):
    """No recording answers this; the message says what is missing."""


@functools.cache
def rows(name):
    """The rows of one file, in order."""
    lines = (GOLDEN / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return tuple(json.loads(line) for line in lines)


def rows_of(setup, kind):
    return [row for row in rows(setup) if row["kind"] == kind]


def canonical(value):
    """JSON in which equal values are equal text, and 1 is not 1.0."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def setup_of(renderer, parser, template, chat_template):
    """The recorded setup that serves a chat in the same way; None when none does."""
    if renderer or parser:
        return renderer if renderer == parser and renderer in BUILTIN else None
    text, path = (template, "go") if template else (chat_template or "", "jinja")
    if "<start_of_turn>" not in text or "<tool_call>" not in text:
        return None
    for key in ("arguments", "args"):
        if f'"{key}"' in text:
            return f"xml-{key}-{path}"
    return None


@dataclass(frozen=True)
class Tokens:
    """The vocabulary of a GGUF, as llama.cpp reads it where special tokens are looked for: in chats, everywhere."""

    pieces: tuple[str, ...]
    kinds: tuple[int, ...]
    bos_id: int
    adds_bos: bool

    @functools.cached_property
    def _index(self):
        return {piece: id_ for id_, piece in enumerate(self.pieces)}

    @functools.cached_property
    def _special(self):
        kinds = zip(self.pieces, self.kinds, strict=True)
        special = [piece for piece, kind in kinds if kind in (_UNKNOWN, _CONTROL, _USER_DEFINED)]
        return re.compile("(" + "|".join(map(re.escape, sorted(special, key=len, reverse=True))) + ")")

    def shown(self, ids):
        """What an x-ray says: a private-use character a token, the same for all cues of prompt lengths."""
        return "".join(chr(PRIVATE + (self._cue if id_ in self._cues else id_)) for id_ in ids)

    @functools.cached_property
    def _cues(self):
        return {id_ for id_, piece in enumerate(self.pieces) if re.fullmatch(r"@@xray\.[0-9]+@@", piece)}

    @functools.cached_property
    def _cue(self):
        return min(self._cues)

    def encode(self, text):
        ids = []
        for number, part in enumerate(self._special.split(text)):
            ids += [self._index[part]] if number % 2 else [self._index[piece] for piece in _spelled(part)]
        return ids


def _spelled(text):
    return ["\u2581" if byte == 0x20 else f"<0x{byte:02X}>" for byte in text.encode()]


def read_gguf(path):
    """The vocabulary and the chat template (None when there is none) of a GGUF file."""
    fields = gguf.GGUFReader(path).fields

    def value(key, otherwise=None):
        return fields[key].contents() if key in fields else otherwise

    tokens = Tokens(
        tuple(value("tokenizer.ggml.tokens")),
        tuple(value("tokenizer.ggml.token_type")),
        value("tokenizer.ggml.bos_token_id", -1),
        bool(value("tokenizer.ggml.add_bos_token", True)),
    )
    return tokens, value("tokenizer.chat_template")


def cut_cue(messages):
    """The messages without the cue that ends the last user message, and its name; None when there is none."""
    for place in reversed(range(len(messages))):
        if messages[place].get("role") == "user":
            found = _CUE.fullmatch(messages[place].get("content") or "")
            if not found:
                return messages, None
            return [*messages[:place], messages[place] | {"content": found[1]}, *messages[place + 1 :]], found[2]
    return messages, None


def find_prompt(setup, messages, tools, think):
    """The row that asked this.

    Ids of calls are left out of account: none of the recorded templates shows them.
    """
    asked = canonical([_without_ids(messages), tools or None, think])
    if asked not in _prompts(setup):
        raise NeverRecordedError(f"the prompt of this conversation in the setup {setup}")
    return _prompts(setup)[asked]


@functools.cache
def _prompts(setup):
    prompts = {}
    for row in rows_of(setup, "prompt"):
        request = row["request"]
        prompts[canonical([_without_ids(request["messages"]), request.get("tools"), request.get("think")])] = row
    return prompts


def _without_ids(messages):
    plain = []
    for message in messages:
        kept = {key: value for key, value in message.items() if key != "tool_call_id" and value not in (None, [])}
        if calls := kept.get("tool_calls"):
            functions = [{key: value for key, value in call["function"].items() if key != "index"} for call in calls]
            kept["tool_calls"] = [{"function": function} for function in functions]
        plain.append({"content": ""} | kept)
    return plain


def find_parse(setup, case, tools, think=...):
    """The row of a recorded case; think is left out of account where the wire does not say it."""
    for row in rows_of(setup, "parse"):
        if row["case"] == case:
            if canonical(row["tools"]) != canonical(tools or []):
                raise NeverRecordedError(f"the case {case} of the setup {setup} with these tools")
            if think is not ... and think != row["think"]:
                raise NeverRecordedError(f"the case {case} of the setup {setup} with think {think}")
            return row
    raise NeverRecordedError(f"the case {case} in the setup {setup}")


def prompt_ids(row, cue, tokens):
    """What reached the model, as ids of `tokens`.

    Args:
      row: A prompt row with `seen`.
      cue: What the last user message ended with beside the recorded text; "" for nothing.
      tokens: The vocabulary. Whether BOS is added is a matter of the GGUF, so BOS counts only if it is added, or if
        the template itself writes it.
    """
    text = "".join(part for part, _ in row["seen"])
    bos = row["seen"][0][0]
    from_template = (row["debug_render"] or "").startswith(bos)
    text = text.removeprefix(bos)
    if cue:
        text = with_cue(text, last_user(row["request"]["messages"]), cue)
    if tokens.adds_bos:
        return [tokens.bos_id, *tokens.encode(text)]
    return tokens.encode(bos * from_template + text)


def opens_thought(row):
    """Whether the prompt ends in a thought that it opens, so that what the model says is taken for one.

    No row shows that, because no parse row has such a prompt; a real server does it, with these weights and others.
    """
    return "".join(text for text, _ in row["seen"][-2:]).endswith(("<|channel>thought\n", "<think>\n"))


def with_cue(text, user, cue):
    """The prompt's text with the cue after the last user message, where some templates take whitespace away."""
    output = user.strip()
    place = text.rfind(output)
    if place < 0 or not output:
        raise NeverRecordedError("where the cue stands: the last user message is not in the prompt")
    end = place + len(output)
    tail = user[len(user.rstrip()) :]
    kept = len(tail) if text.startswith(tail, end) else 0
    return text[: end + kept] + tail[kept:] + cue + text[end + kept :]


def last_user(messages):
    """What the last user message says."""
    return next(message["content"] for message in reversed(messages) if message["role"] == "user")
