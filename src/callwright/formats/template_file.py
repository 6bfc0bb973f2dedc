"""`template:PATH`: any Hugging Face chat template, rendered as transformers renders it.

PATH is a Jinja file, or a `tokenizer_config.json` or `chat_template.json` that holds the template. A template says how
to write and nothing of how to read, so a format has to be declared whose markers, control tokens and stops are used: it
follows the path, as in `template:chat.jinja/qwen3` or `template:chat.jinja/mistral/v13`, or is the variant, as in
`{name: "template:chat.jinja", variant: qwen3}`. The variables `bos_token`, `eos_token` and so on come from a
`tokenizer_config.json` beside the file, and without one from the declared format. The date is frozen; `enable_thinking`
is passed where it is set.

Nothing that others wrote becomes control. Where a text of the conversation or of the tools spells a control token, or
ends with the beginning of one, the token's first character is replaced before rendering by a letter that occurs
nowhere; what is rendered is cut at the control tokens that are left, which the template wrote, and the characters are
put back. A template that looks for such a marker in a message (Qwen's, for `</think>`) therefore does not find it.

Supervised is what the template's `{% generation %}` blocks enclose. Without such blocks an assistant's turn is found by
rendering: what the template writes up to it, asking for an answer, must be what the model is given; what it adds with
the turn, to the first stop token, is what the model says. A turn is not supervised where that is not so: where the
template later rewrites what came before (drops old reasoning, moves the tools), where it writes no stop, or where the
declared format does not read the turn's calls back, of which a warning tells. Training refuses an example in which
nothing is left to learn.

What the template leaves out of a tool is found by rendering the tool with a question, whole and without each of its
keywords: one without which nothing changes is lost, and a warning names tool, parameter and keyword.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from callwright.conversation import Conversation, Json, Message, Tool, ToolCall
from callwright.errors import FormatError
from callwright.formats.base import Format, Warn
from callwright.formats.grammar import MarkerFinder
from callwright.formats.hiding import ConversationHider
from callwright.formats.jinja import ChatTemplate
from callwright.formats.jsontext import reason
from callwright.formats.omissions import Omissions
from callwright.formats.reading import Stream
from callwright.formats.schemas import source_tool
from callwright.formats.template_omissions import Keyword, omitted
from callwright.tokens import Segment

PREFIX = "template:"
Span = tuple[int, int]


class TemplateFormat(Format):
    """The template in a file, read with a declared format."""

    def __init__(self, path: Path, declared: Format) -> None:
        self.name = f"{PREFIX}{path}"
        self.variant = declared.id
        self.declared, self.stops, self.grammar = declared, declared.stops, declared.grammar
        self._sources, tokens = read_templates(path)
        self._templates = {name: ChatTemplate(source) for name, source in self._sources.items()}
        self._variables: dict[str, Json] = dict(tokens or {"bos_token": declared.bos, "eos_token": declared.stops[0]})
        self.bos = str(self._variables.get("bos_token", ""))
        spelled = {*declared.special_tokens, *map(str, self._variables.values())} - {""}
        self.special_tokens = tuple(sorted(spelled, key=lambda token: (-len(token), token)))  # the longest wins
        self._omitted = lru_cache(maxsize=1024)(self._find_omitted)
        self._control, self._stop = MarkerFinder(self.special_tokens), MarkerFinder(self.stops)

    def _segments(
        self, conversation: Conversation, *, add_generation_prompt: bool, thinking: bool | None, warn: Warn
    ) -> Iterator[Segment]:
        try:
            hider = ConversationHider(conversation, self._control, "".join(self._sources.values()))
        except RecursionError as error:
            raise FormatError("JSON values of a sane depth", reason(error), "flatten them") from error
        hidden = hider.hidden

        def write(messages: tuple[Message, ...], opened: bool, marks: tuple[str, str] | None = None) -> str:
            return self._template(hidden).render(
                replace(hidden, messages=messages),
                add_generation_prompt=opened,
                thinking=thinking,
                variables=self._variables,
                marks=marks,
                sort_as=hider.restore,
            )

        marked = write(hidden.messages, add_generation_prompt, hider.marks)
        text, spans = _unmarked(marked, hider.marks)
        for n, tool in enumerate(conversation.tools):
            omissions = Omissions(f"tools[{n}]", tool.name)
            for path, keyword in self._omitted(json.dumps(source_tool(tool), ensure_ascii=False, default=str)):
                omissions.add(path, keyword)
            omissions.tell(warn)
        answers = [message for message in hidden.messages if message.role == "assistant"]
        if len(spans) == len(answers):
            spans = [span for span, message in zip(spans, answers, strict=True) if message.supervised]
        elif not all(message.supervised for message in answers):
            spans = []
        if not spans:
            spans = list(self._turns(hidden, text, write, warn))
        yield from self._cut(text, spans, hider.restore)

    def _find_omitted(self, text: str) -> Sequence[Keyword]:
        """What the template leaves out of a tool, which comes as JSON, where it stands alone with a question."""
        source = json.loads(text)
        wrapped = "function" in source

        def write(*functions: Mapping[str, Json]) -> str:
            tools = ({**source, "function": function} if wrapped else function for function in functions)
            asked = Conversation((Message("user", "?"),), tuple(Tool("", given=tool) for tool in tools))
            return self._template(asked).render(asked, variables=self._variables)

        function = source["function"] if wrapped else source
        try:
            if write(function) == write():
                return [(None, "everything: the template prints no tools")]
            return omitted(function, write)
        except (FormatError, RecursionError):  # the template wants another conversation, or the schema is very deep
            return []

    def _check_thinking(self, thinking: bool | None) -> None:
        """The template is told, whatever it makes of it."""

    def stream(self, **options: Any) -> Stream:
        """See `Format.stream`."""
        return self.declared.stream(**options)

    def drops_content(self, message: Message) -> bool:
        """See `Format.drops_content`: what the declared format says."""
        return self.declared.drops_content(message)

    def chat_template(self) -> str:
        """The file's template; of several the one for tools."""
        return self._sources.get("tool_use") or self._sources["default"]

    def _template(self, conversation: Conversation) -> ChatTemplate:
        return self._templates["tool_use" if conversation.tools and "tool_use" in self._templates else "default"]

    def _turns(
        self, hidden: Conversation, text: str, write: Callable[[tuple[Message, ...], bool], str], warn: Warn
    ) -> Iterator[Span]:
        """Where the assistant's turns stand, as far as rendering their beginnings shows it."""
        end = 0
        for index, message in enumerate(hidden.messages):
            if message.role != "assistant" or not message.supervised:
                continue
            try:
                before = write(hidden.messages[:index], True)
                after = write(hidden.messages[: index + 1], False)
            except FormatError:  # what cannot be rendered cannot be asked for
                continue
            stop = self._stop.find(after, len(before))
            if stop is None or not after.startswith(before) or not text.startswith(after[: stop.end()]):
                continue
            read = self.declared.parse(after[len(before) : stop.end()], tools=hidden.tools, generation_prompt=before)
            if _plain(read.tool_calls) != _plain(message.tool_calls):
                warn(
                    f"messages[{index}] is not trained: {self.variant} does not read the calls that {self.name} writes"
                )
            elif len(before) >= end:
                yield len(before), (end := stop.end())

    def _cut(self, text: str, spans: list[Span], restore: Callable[[str], str]) -> Iterator[Segment]:
        """The text, cut at control tokens and where training begins and ends."""
        at = 0
        for begin, end in [*spans, (len(text), len(text))]:
            for start, stop, supervised in ((at, begin, False), (begin, end, True)):
                while start < stop:
                    match = self._control.find(text, start)
                    edge = min(match.start(), stop) if match else stop
                    if edge > start:
                        yield Segment(restore(text[start:edge]), supervised=supervised)
                    if match is None or edge == stop:
                        break
                    yield Segment(match.group(), control=True, supervised=supervised)
                    start = match.end()
            at = end


def locate(place: str, variant: str | None) -> tuple[Path, str]:
    """The file that `PATH`, `PATH/NAME` or `PATH/NAME/VARIANT` names, and the name of the declared format.

    Raises:
      FormatError: No such file, or no format is declared.
    """
    parts = place.split("/")
    lengths = [n for n in range(1, len(parts) + 1) if Path("/".join(parts[:n])).is_file()]
    if not lengths:
        raise FormatError("a chat template in a file", f"no file {place!r}", f"name one: {PREFIX}path/to/it.jinja")
    path, declared = "/".join(parts[: lengths[0]]), variant or "/".join(parts[lengths[0] :])
    if not declared:
        raise FormatError(
            f"a declared format for {PREFIX}{path}",
            "none",
            "set variant to the format that reads what the model says, such as qwen3 or mistral/v13",
        )
    return Path(path), declared


def reading_format(id: str) -> str:
    """The id of the format that reads: of `template:PATH/FORMAT` the declared one, else the id itself.

    Raises:
      FormatError: No such file, or no format is declared.
    """
    return locate(id.removeprefix(PREFIX), None)[1] if id.startswith(PREFIX) else id


def read_templates(path: Path) -> tuple[dict[str, str], dict[str, str]]:
    """The templates of a Jinja or JSON file by name, and the special tokens that lie beside them.

    Raises:
      FormatError: The file cannot be read, or has no template named `default`.
    """
    try:
        text = path.read_text(encoding="utf-8")
        held = json.loads(text) if path.suffix == ".json" else {"chat_template": text}
        beside = path.with_name("tokenizer_config.json")
        config = json.loads(beside.read_text(encoding="utf-8")) if beside.is_file() else {}
    except (OSError, ValueError, RecursionError) as error:
        raise FormatError(
            f"a chat template in {path}", str(error), "name a Jinja or JSON file that can be read"
        ) from error
    template = held.get("chat_template") if isinstance(held, dict) else None
    if isinstance(template, list):
        template = {entry.get("name"): entry.get("template") for entry in template if isinstance(entry, dict)}
    templates = template if isinstance(template, dict) else {"default": template}
    sources = {str(name): source for name, source in templates.items() if isinstance(source, str)}
    if "default" not in sources:
        raise FormatError(f"a chat template in {path}", "no default one", "name a file that has one")
    tokens = {}
    for name, value in config.items() if isinstance(config, dict) else ():
        spelled = value.get("content") if isinstance(value, dict) else value
        if name.endswith("_token") and isinstance(spelled, str):
            tokens[name] = spelled
    return sources, tokens


def _unmarked(text: str, marks: tuple[str, str]) -> tuple[str, list[Span]]:
    """The text without its marks, and what they enclosed."""
    opened, closed = marks
    head, *pieces = text.split(opened)
    parts, spans, at = [head], [], len(head)
    for piece in pieces:
        inside, _, behind = piece.partition(closed)
        spans.append((at, at + len(inside)))
        parts += [inside, behind]
        at += len(inside) + len(behind)
    return "".join(parts), spans


def _plain(calls: tuple[ToolCall, ...]) -> list[tuple[str, dict[str, Json]]]:
    return [(call.name, dict(call.arguments)) for call in calls]
