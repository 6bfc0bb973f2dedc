"""What a server's answer says, as text that can be shown: JSON or not, broken characters or not."""

import json

from callwright.conversation import Json


def read_json(text: str) -> Json:
    """The value of a JSON text.

    Raises:
      ValueError: It is not JSON, or nested too deeply; the message is one line.
    """
    try:
        value: Json = json.loads(text)
    except (ValueError, RecursionError) as error:
        got = one_line(text[:200], 100) or "nothing"
        raise ValueError(f"expected JSON; got {got!r}") from error
    return value


def json_text(value: Json) -> str:
    """The value as JSON; what is nested so deeply that it can be read but not written is described instead."""
    try:
        return json.dumps(value, ensure_ascii=False)
    except RecursionError:
        return "(nested too deeply to be shown)"


def one_line(text: str, length: int = 300) -> str:
    """The text without line breaks, cut to so many characters."""
    line = " ".join(whole_characters(text).split())
    return line if len(line) <= length else line[: length - 1] + "…"


def whole_characters(text: str) -> str:
    """The text with halves of surrogate pairs joined, and those without the other half replaced: no file holds them."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def error_text(body: Json) -> str:
    """The error in the body of an answer, in the forms that servers use; "" where there is none."""
    match body:
        case {"error": {"message": str(text)}} | {"error": str(text)} | {"message": str(text)} if text.strip():
            return one_line(text)
        case {"error": None}:
            return ""
        case {"error": other} | {"detail": other}:
            return one_line(other if isinstance(other, str) else json_text(other))
    return ""
