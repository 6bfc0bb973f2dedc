"""Edits of how a finished prompt shows tools, and how to call them; see `prompt`."""

import json
import re
from collections.abc import Iterator

from callwright.conversation import Json, Tool
from callwright.probe.causes.prompt import Edit
from callwright.probe.causes.registry import Cause, Explanations
from callwright.probe.prompt import PromptPieces, RenderedRequest, change_texts, text_of_pieces

TOOL_EDITS: Explanations[Edit] = Explanations()
explains = TOOL_EDITS.explains

_BRACED_LINE = re.compile(r"^.*[{}].*$", re.MULTILINE)
_OBJECT = re.compile(r"\{")
_PARAMETERS = re.compile(r'"parameters":\s*(?=\{)')
_JSON = json.JSONDecoder(strict=False)
_BRACKET = re.compile(r"[{}\[\]]")
_BEFORE, _AFTER = re.compile(r"[^{}]*\Z"), re.compile(r"[^{}]*")
"""The text beside a tool, by which it is found again, up to the brace of another one."""


@explains(Cause.BRACES_DOUBLED)
def double_braces(request: RenderedRequest, pieces: PromptPieces, seen: PromptPieces) -> PromptPieces:
    """A line has each brace twice, as where a template was written for a program that takes one away."""
    lines = {line for text, special in seen if not special for line in text.split("\n")}

    def doubled(line: re.Match[str]) -> str:
        twice = re.sub(r"[{}]", r"\g<0>\g<0>", line[0])
        return twice if twice in lines and line[0] not in lines else line[0]

    return change_texts(pieces, lambda text: _BRACED_LINE.sub(doubled, text))


@explains(Cause.TOOLS_AS_GO_STRUCT)
def print_tools_as_go_structs(request: RenderedRequest, pieces: PromptPieces, seen: PromptPieces) -> PromptPieces:
    """Of each tool the whole, its function or its parameters are as Go prints a struct or a map, without quotes."""
    got = text_of_pieces(seen)

    def printed(text: str) -> str:
        for tool in filter(lambda tool: _may_be_struct(tool, got), request.conversation.tools):
            for start, end, opening in _json_of_tool(tool, text):
                before, after = _BEFORE.search(text, 0, start), _AFTER.match(text, end)
                struct = _struct(got, opening, before[0] if before else "", after[0] if after else "")
                if struct and all(name in struct for name in _names(tool)):
                    text = f"{text[:start]}{struct}{text[end:]}"
                    break
        return text

    return change_texts(pieces, printed)


def _may_be_struct(tool: Tool, text: str) -> bool:
    return any(begin in text for begin in (f"{{{tool.name} ", "{object ", "map["))


def _struct(text: str, opening: str, before: str, after: str) -> str:
    """What begins with the pattern `opening`, ends where its brackets are closed, and stands between two texts."""
    for found in re.finditer(f"(?<={re.escape(before)})(?:{opening})", text):
        depth = 0
        for bracket in _BRACKET.finditer(text, found.start()):
            depth += 1 if bracket[0] in "{[" else -1
            if not depth:
                if text.startswith(after, bracket.end()):
                    return text[found.start() : bracket.end()]
                break
    return ""


def _json_of_tool(tool: Tool, text: str) -> Iterator[tuple[int, int, str]]:
    """Where a text has the JSON of a tool, its function and its parameters, and how Go begins to print it."""
    name = re.escape(tool.name)
    named = rf"(?s:.*?)\bname:{name}\b"
    for brace in _OBJECT.finditer(text):
        value, end = _decoded(text, brace.start())
        if not isinstance(value, dict):
            continue
        inner = value.get("function")
        if isinstance(inner, dict) and inner.get("name") == tool.name:
            yield brace.start(), end, rf"&?\{{function (?:<nil> )?&?\{{{name} |map\[function:{named}"
        if value.get("name") == tool.name and "parameters" in value:
            yield brace.start(), end, rf"&?\{{{name} |map\[description:{named}"
            for key in _PARAMETERS.finditer(text, brace.start(), end):
                yield key.end(), _decoded(text, key.end())[1], r"&?\{object |map\["


def _decoded(text: str, start: int) -> tuple[Json, int]:
    """The JSON value that begins at a place of a text, and its end; None where there is none."""
    try:
        value, end = _JSON.raw_decode(text, start)
    except (ValueError, RecursionError):
        return None, start
    return value, end


def _names(tool: Tool) -> Iterator[str]:
    """What must be left of a tool, however it is printed: the names of its parameters."""
    properties = tool.parameters.get("properties")
    yield from properties if isinstance(properties, dict) else ()
