"""What a GGUF's header says of prompts and stops, against the format: read from the file, whoever wrote it."""

from pathlib import Path

from callwright.export.gguf_vocabulary import model_markers
from callwright.export.trained import Trained
from callwright.export.verify.check import Check
from callwright.instruments.vocabulary import PieceType
from callwright.models.gguf import open_gguf

_ENDS = ("eos", "eot", "eom")


def check_header(trained: Trained, path: Path) -> Check:
    """Compares template, stops and token types with the format's.

    Raises:
      WeightsError: There is no GGUF, or a broken one.
    """
    _, header = open_gguf(path)
    fmt, wrong = trained.format, list[str]()
    if header.get("tokenizer.chat_template") != fmt.chat_template():
        wrong.append(f"its chat template is not that of {fmt.id}")
    pieces: list[str] = header.get("tokenizer.ggml.tokens") or []
    types: list[int] = header.get("tokenizer.ggml.token_type") or []
    ends = {header.get(f"tokenizer.ggml.{name}_token_id") for name in _ENDS}
    ends_said = {pieces[end] for end in ends if isinstance(end, int) and end < len(pieces)}
    wrong += [f"{stop} ends no turn" for stop in fmt.stops if stop not in ends_said]
    kinds = dict(zip(pieces, types, strict=False))
    visible = model_markers(fmt)
    for token in fmt.special_tokens:
        wanted = PieceType.USER_DEFINED if token in visible else PieceType.CONTROL
        if kinds.get(token) != wanted:
            wrong.append(f"{token} has type {kinds.get(token)}, not {int(wanted)}")
    detail = f"{wrong[0]} ({len(wrong)} in all)" if wrong else f"template, stops and token types are those of {fmt.id}"
    return Check("header", not wrong, detail, {"different": float(len(wrong))})
