"""Strategies for conversations, values and schemas that nobody would write, but somebody will."""

from dataclasses import replace

from hypothesis import strategies as st

from callwright.conversation import Conversation, Message, Tool, ToolCall
from callwright.openai import read_tool

NAMES = st.sampled_from(
    ["get_weather", "clock.now", "a-b", "f", "List_All2", "type", "properties", "description", "name", "Zoë", "x.y-z_1"]
)
KEYS = st.one_of(
    st.sampled_from(
        ["city", "unit", "type", "description", "properties", "required", "items", "enum", "name", "a-b", "a.b", "_x"]
    ),
    st.from_regex(r"[A-Za-z_][A-Za-z0-9_]{0,8}", fullmatch=True),
)
MARKERS = st.sampled_from(
    [
        "<tool_call>", "</tool_call>", "<|tool_call>", "<tool_call|>", '<|"|>', "<escape>", "<end_function_call>",
        "<think>", "</think>", "<|im_end|>", "<|eot_id|>", "<end_of_turn>", "[TOOL_CALLS]", "[ARGS]", "```tool_code\n",
        "```", "</function>", "</parameter>", "<function=x>", "<parameter=y>", "<|python_tag|>", "{", "}", "[", "]",
        "'", '"', "\\", "\n", "\t", "\r", "\x00", "\x7f", "\u2028", "é", "東京", "🚲", "\ud800", ",", ":", "<", ">",
    ]
)  # fmt: skip
TEXTS = st.one_of(
    st.text(max_size=12),
    st.lists(st.one_of(MARKERS, st.text(max_size=6)), max_size=5).map("".join),
    st.sampled_from(["", " ", "\n", " padded ", "42", "true", "null", "1e5", '{"a": 1}', "[1]", "None"]),
)
NUMBERS = st.one_of(
    st.integers(),
    st.integers(min_value=-(10**40), max_value=10**40),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0, -0.0, 1.0, 1e20, 1e-7, 5e-324, 1.7976931348623157e308, 2**53 + 1, 1e16, 123456.789]),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.one_of(KEYS, TEXTS), inner, max_size=3)),
    max_leaves=6,
)
ARGUMENTS = st.dictionaries(KEYS, VALUES, max_size=4)
CALLS = st.builds(ToolCall, NAMES, ARGUMENTS)
"""Calls that any tool may get; nothing in them agrees with a schema."""


DEFINITIONS = ("Point", "a/b~c", "Tree", "Alias", "Any")
"""What `rich_tools` defines: a plain schema, one whose name needs escapes, one in itself, a reference, and `true`."""
REFERENCES = st.sampled_from(
    [*(f"#/$defs/{name.replace('~', '~0').replace('/', '~1')}" for name in DEFINITIONS), "#/properties/a", "#",
     "#/$defs/Missing", "https://example.com/schema.json"]
)  # fmt: skip
_TYPES = ("string", "integer", "number", "boolean", "array", "object", "null")
_PLAIN = {
    "description": st.sampled_from(["", "Words.", "{}"]),
    "title": st.just("Title"),
    "nullable": st.booleans(),
    "default": st.sampled_from([None, False, 0, "", "x", [], {"$ref": "#"}]),
    "const": st.sampled_from([None, 1, "x"]),
    "minimum": st.sampled_from([0, 1.5]),
    "maxLength": st.just(9),
    "pattern": st.just("^a"),
    "format": st.just("date"),
    "uniqueItems": st.booleans(),
    "enum": st.sampled_from([["a", "b"], [1, 2], ["a", None], [True], []]),
}


@st.composite
def schemas(draw, depth: int = 2, references: st.SearchStrategy[str] | None = REFERENCES) -> dict:
    """A schema with any keywords, in any order."""
    kinds = [None, "string", "integer", "boolean", ["string", "null"], *(["array", "object", ["array", "null"]] * 2)]
    kind = draw(st.sampled_from(kinds if depth else kinds[:5]))
    schema = {
        key: draw(_PLAIN[key]) for key in draw(st.lists(st.sampled_from(sorted(_PLAIN)), unique=True, max_size=4))
    }
    if kind is not None:
        schema["type"] = kind
    if references is not None and draw(st.integers(0, 3)) == 0:
        schema["$ref"] = draw(references)
    if depth:
        inner = schemas(depth - 1, references)
        if kind in ("array", ["array", "null"]) and draw(st.booleans()):
            schema["items"] = draw(st.one_of(inner, st.lists(inner, max_size=2), st.just(True)))
        if kind in ("object", None) and draw(st.booleans()):
            schema["properties"] = draw(st.dictionaries(KEYS, inner, max_size=3))
            schema["required"] = draw(st.lists(st.sampled_from(sorted(schema["properties"]) or ["x"]), unique=True))
        for key in draw(st.lists(st.sampled_from(["anyOf", "oneOf", "allOf"]), unique=True, max_size=1)):
            schema[key] = draw(st.lists(st.one_of(inner, st.just({"type": "null"})), max_size=3))
        if draw(st.integers(0, 3)) == 0:
            schema["additionalProperties"] = draw(st.one_of(st.booleans(), inner))
    keys = draw(st.permutations(sorted(schema)))
    return {key: schema[key] for key in keys}


@st.composite
def rich_tools(draw, references: st.SearchStrategy[str] | None = REFERENCES) -> Tool:
    """A tool with any schema, as its source wrote it."""
    parameters = draw(schemas(0, None)) | {"type": "object"}
    for key in ("enum", "default", "const", "nullable"):
        parameters.pop(key, None)
    if draw(st.integers(0, 9)):
        names = st.one_of(st.sampled_from(["a", "b", "type"]), KEYS)
        parameters["properties"] = draw(st.dictionaries(names, schemas(2, references), max_size=3))
    if draw(st.booleans()):
        parameters["$defs"] = {
            "Point": draw(schemas(1, None)),
            "a/b~c": draw(schemas(1, None if references is None else st.just("#/$defs/Point"))),
            "Tree": {"type": "object", "properties": {"left": {"$ref": "#/$defs/Tree"}, "n": {"type": "integer"}}},
            "Alias": {"$ref": "#/$defs/Point", "description": "Another."},
            "Any": True,
        }
    function = {"name": "f", "description": "Does it.", "parameters": parameters}
    return read_tool({"type": "function", "function": function})


def tool_of(call: ToolCall, *others: ToolCall) -> Tool:
    """A tool whose schema has every argument of the calls, typed as it is; those on whose type they differ it omits."""
    types: dict[str, set[str]] = {}
    for key, value in (item for output in (call, *others) for item in output.arguments.items()):
        types.setdefault(key, set()).add(_type(value))
    properties = {
        key: {"type": next(iter(kinds)), "description": "x"} for key, kinds in types.items() if len(kinds) < 2
    }
    return Tool(call.name, "Does it.", {"type": "object", "properties": properties, "required": list(properties)})


def _type(value: object) -> str:
    for kind, name in (
        (bool, "boolean"), (int, "integer"), (float, "number"), (str, "string"), (list, "array"), (dict, "object"),
    ):  # fmt: skip
        if isinstance(value, kind):
            return name
    return "null"


@st.composite
def answers(draw, reasoning: bool = False) -> Conversation:
    """A conversation that ends with an assistant message: words, calls, or both."""
    calls = draw(st.lists(CALLS, max_size=3))
    if draw(st.booleans()):  # some families want ids, and want them to be nine letters and digits
        calls = [replace(call, id=f"call{n:05}") for n, call in enumerate(calls)]
    content = draw(st.one_of(st.none(), TEXTS))
    thought = draw(st.one_of(st.none(), TEXTS)) if reasoning else None
    tools = {name: tool_of(*(call for call in calls if call.name == name)) for name in {c.name: 0 for c in calls}}
    answer = Message("assistant", content, reasoning=thought, tool_calls=tuple(calls))
    return Conversation((Message("user", draw(TEXTS)), answer), tuple(tools.values()))


def output(fmt, conversation: Conversation, **options) -> list:
    """What the model says in the last message, as segments, the end of its turn included."""
    segments = list(fmt.render(conversation, **options).segments)
    while segments and not segments[-1].supervised:
        segments.pop()
    turn = []
    while segments and segments[-1].supervised:
        turn.append(segments.pop())
    return turn[::-1]
