"""Whether a format can write a file's tools, and whether they fit into a prompt: known once format and model are."""

from dataclasses import replace
from pathlib import Path

from callwright.conversation import Conversation, Message, Tool
from callwright.data.own_tools.sides import one_side
from callwright.data.own_tools.turns import single
from callwright.data.rng import Rng
from callwright.data.tools_file.declaration import ToolGroup
from callwright.data.tools_file.includes import place
from callwright.errors import DataError, FormatError
from callwright.formats.base import Format
from callwright.tokens import Tokenizer, encode_segments

_ID = "000000000"  # as some formats want one


def check_names(file: ToolGroup, path: Path, fmt: Format) -> None:
    """Refuses a tool that the format cannot write, or a call of it.

    Raises:
      DataError: There is one; the message names file and line.
    """
    for number, tool in enumerate(one_side(file, held_out=False).tools):
        (call,) = single(tool, Rng("written", number)).calls
        answer = Message("assistant", tool_calls=(replace(call, id=_ID),))
        try:
            fmt.render(Conversation((Message("user", "?"), answer), (tool.tool,)))
        except FormatError as error:
            where = f"tool {tool.tool.name} in {place(path, ('tools', number))}"
            raise DataError(
                f"{where}, that format {fmt.id} can write: {error.expected}", error.got, error.fix
            ) from error


def check_length(file: ToolGroup, path: Path, fmt: Format, tokenizer: Tokenizer, limit: int, key: str) -> None:
    """Refuses more tools than fit into a prompt.

    Args:
      file: The tools file.
      path: Where it is, for the error.
      fmt: The format that writes the prompt.
      tokenizer: The model's.
      limit: The most tokens of a prompt.
      key: The setting that says so.

    Raises:
      DataError: The tools alone are longer; the message says how many of them fit.
    """
    tools = one_side(file, held_out=False).offered
    length = _length(tools, fmt, tokenizer)
    if length <= limit:
        return
    fit, too_many = 0, len(tools)
    while too_many - fit > 1:
        middle = (fit + too_many) // 2
        if _length(tools[:middle], fmt, tokenizer) <= limit:
            fit = middle
        else:
            too_many = middle
    raise DataError(
        f"the {len(tools)} tools of {path} in a prompt of at most {limit} tokens",
        f"{length} tokens without any request; the first {fit} of them fit",
        f"raise {key}, or shorten descriptions or leave tools out",
    )


def _length(tools: tuple[Tool, ...], fmt: Format, tokenizer: Tokenizer) -> int:
    prompt = fmt.render(Conversation((Message("user", "?"),), tools), add_generation_prompt=True)
    return len(encode_segments(tokenizer, prompt.segments)[0])
