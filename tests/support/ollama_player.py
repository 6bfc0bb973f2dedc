"""How the double answers a chat: a recorded answer for the model's cue, or an x-ray's echo of a recorded prompt.

Only times, ids and the model's name are added to what was recorded.
"""

import itertools
import json
import math
import re
from dataclasses import dataclass, field

from tests.support.ollama_recordings import (
    BUILTIN,
    CUT,
    NeverRecordedError,
    Tokens,
    cut_cue,
    find_parse,
    find_prompt,
    last_user,
    opens_thought,
    prompt_ids,
    with_cue,
)

JSON = "application/json; charset=utf-8"
NDJSON = "application/x-ndjson"
WHEN = "2026-11-23T09:26:44.104322636Z"
_TIMES = {"total_duration": 2515475576, "load_duration": 2051313593}
_SHARES = {"prompt_eval_count": {"prompt_eval_duration": 102028000}, "eval_count": {"eval_duration": 355694000}}
_ids = itertools.count(1)


@dataclass(frozen=True)
class Model:
    """A model that was created; without setup and tokens where the recordings hold no such model."""

    name: str
    setup: str | None = None
    tokens: Tokens | None = None
    context: int = 4096
    entry: dict = field(default_factory=dict)
    modelfile: str = ""
    template: str = "{{ .Prompt }}"
    renderer: str | None = None
    parser: str | None = None


@dataclass(frozen=True)
class CannedResponse:
    """An answer: bytes, or pieces that are sent one by one."""

    status: int
    content_type: str | None
    body: bytes | list[bytes]


def as_json(value, status=200, content_type=JSON):
    return CannedResponse(status, content_type, json.dumps(value, ensure_ascii=False).encode())


def as_lines(values, status=200, content_type=NDJSON):
    return CannedResponse(
        status, content_type, [json.dumps(value, ensure_ascii=False).encode() + b"\n" for value in values]
    )


def exists(name):
    """Whether a renderer or a parser of this name exists; None is no name, and no mistake either."""
    return name is None or name in BUILTIN


def play_chat(model, body, recorded, replayed):
    """The answer to a body of /api/chat.

    Args:
      model: Who is asked.
      body: What is asked.
      recorded: Which recorded case a cue stands for.
      replayed: (setup, kind, case) of the row that answers goes there.
    """
    if body.get("tools") and not exists(model.parser):
        return as_json({"error": f"registry.ollama.ai/library/{model.name} does not support tools"}, 400)
    if not exists(model.renderer):
        return as_json({"error": f'unknown renderer "{model.renderer}"'}, 500)
    if model.setup is None:
        raise NeverRecordedError("how a model with this renderer, parser and template is served")
    messages, cue = cut_cue(body["messages"])
    if cue in recorded:
        row = find_parse(model.setup, recorded[cue], body.get("tools"), body.get("think"))
        output = _play_script(row, body)
    else:
        back = re.fullmatch(r"xray\.([0-9]+)", cue or "xray.0")
        if back is None:
            raise NeverRecordedError(f"what is said after the cue {cue}")
        row = find_prompt(model.setup, messages, body.get("tools"), body.get("think"))
        output = _play_xray(row, model, body, messages, f" @@{cue}@@" if cue else "", int(back[1]))
    _note(row, replayed)
    return output


def play_v1(model, body, recorded, replayed):
    """The answer to a body of /v1/chat/completions, which was recorded unstreamed and without a limit."""
    _, cue = cut_cue(body["messages"])
    if model.setup is None or cue not in recorded or body.get("stream") or "reasoning_effort" in body:
        raise NeverRecordedError("this request at /v1")
    row = find_parse(model.setup, recorded[cue], body.get("tools"))
    if body.get("max_tokens", math.inf) < row["v1"]["body"].get("usage", {}).get("completion_tokens", 0):
        raise NeverRecordedError(f"an answer of /v1 cut at {body['max_tokens']} tokens")
    _note(row, replayed)
    if row["v1"]["status"] != 200:
        return as_json(row["v1"]["body"], row["v1"]["status"])
    made = {"id": f"chatcmpl-{next(_ids)}", "created": 1795426036, "system_fingerprint": "fp_ollama"}
    output = _copy(row["v1"]["body"]) | made | {"model": body["model"]}
    for choice in output["choices"]:
        _name_calls(choice["message"])
    return as_json(output)


def _play_script(row, body):
    limit, streamed = body.get("options", {}).get("num_predict", -1), body.get("stream", True)
    if limit == CUT:
        if streamed:
            raise NeverRecordedError("the stream of an answer that the limit cuts")
        return _completed(row["cut_at_5_tokens"], body["model"])
    if 0 <= limit < row["once"]["body"].get("eval_count", 0):
        raise NeverRecordedError(f"an answer cut at {limit} tokens")
    return _completed(row["stream" if streamed else "once"], body["model"])


def _play_xray(row, model, body, messages, cue, back):
    """What an x-ray says that repeats the last `back` tokens of its prompt; one that repeats more says nothing."""
    name, options = body["model"], body.get("options", {})
    if row["status"] != 200:
        return as_json({"error": row["error"].replace('"xray"', f'"{name}"')}, row["status"])
    if body.get("_debug_render_only"):
        text = with_cue(row["debug_render"], last_user(messages), cue) if cue else row["debug_render"]
        message, debug = {"role": "", "content": ""}, {"rendered_template": text}
        output = {"model": name, "created_at": WHEN, "message": message, "done": False, "_debug_info": debug}
        return as_json(output)
    if body.get("stream", True):
        raise NeverRecordedError("the stream of an x-ray")
    ids = prompt_ids(row, cue, model.tokens)
    # What is kept of a prompt that does not fit was recorded with a token a byte; it stands for other vocabularies too.
    context, theirs = options.get("num_ctx", model.context), row["request"]["options"]["num_ctx"]
    if len(ids) > context or (row["case"] == "overflow" and context != theirs):
        raise NeverRecordedError(f"what of this prompt is kept in a context of {context} tokens")
    says = ids[len(ids) - back :] if back <= len(ids) else []
    limit, room = options.get("num_predict", -1), context - len(ids)
    limit = min(limit, room) if limit >= 0 else room
    cut = limit <= len(says)
    shown = model.tokens.shown(says[: max(limit, 0)])
    message = {"role": "assistant", "content": row.get("echoed", "") + shown}
    if opens_thought(row):
        message |= {"content": "", "thinking": shown}
    output = {
        "model": name,
        "message": message,
        "done": True,
        "done_reason": "length" if cut else "stop",
        "prompt_eval_count": len(ids),
        "eval_count": limit if cut else len(says) + 1,
    }
    return _completed({"status": 200, "body": output}, name)


def _completed(recorded, name):
    """A recorded answer with what recordings leave out: the model's name, times, and the ids of calls."""
    pieces = _copy(recorded.get("lines", [recorded.get("body")]))
    if recorded["status"] != 200:
        return as_json(pieces[0], recorded["status"])
    for piece in pieces:
        piece |= {"model": name, "created_at": WHEN}
        _name_calls(piece["message"])
        if piece["done"]:
            piece |= _TIMES
            for count, duration in _SHARES.items():
                piece |= duration if count in piece else {}
    return as_lines(pieces) if "lines" in recorded else as_json(pieces[0])


def _note(row, replayed):
    replayed.add((row["setup"], row["kind"], row["case"]))


def _name_calls(message):
    for call in message.get("tool_calls", []):
        call["id"] = f"call_{next(_ids):08d}"


def _copy(value):
    return json.loads(json.dumps(value))
