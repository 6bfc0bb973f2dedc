"""What a user can do about a cause until the runtime does it right: only what is known to help.

By cause, and then by `Target.name`; ANY holds for every runtime.
"""

from collections.abc import Mapping

from callwright.probe.causes.registry import CAUSES, Cause

ANY = ""
"""Every runtime that has no entry of its own."""
_AS_STRING = "Declare the parameter as a string if its spelling matters, as that of a long id does"
_IN_DESCRIPTION = "Say it in the parameter's description too"
_OWN_PROMPT = (
    "Render prompts with `callwright render`, send them to /completion, which forces and parses nothing, and read the"
    " answers with `callwright parse`"
)
_PARSER = "Start it with --enable-auto-tool-choice --tool-call-parser NAME, the parser of the family"
_REFUSE_OVERFLOW = 'Send "truncate": false, so that a prompt that does not fit is an error, or a larger num_ctx'
_SAMPLING = "Send temperature 1, top_k 0, top_p 1 and min_p 0, or the values that are wanted, with each request"
_WHOLE = "Ask without streaming"

WORKAROUNDS: Mapping[Cause, Mapping[str, str]] = {
    Cause.TOOL_KEYS_LOST: {ANY: _IN_DESCRIPTION},
    Cause.PARAMETER_DROPPED: {ANY: "Name the parameter unlike keywords of JSON schemas (type, description, ...)"},
    Cause.TYPE_LOST: {ANY: _IN_DESCRIPTION},
    Cause.TOOLS_REWRITTEN: {
        "llama.cpp": "Give each tool a description; where there is none, an empty one is added",
        "vLLM": "Give each tool a description; where there is none, null is added",
    },
    Cause.NUMBER_REWRITTEN: {ANY: _AS_STRING},
    Cause.SYSTEM_INJECTED: {ANY: "Send a system prompt of your own, which takes its place"},
    Cause.BOS_DOUBLED: {
        ANY: "Take BOS out of the chat template, or have the tokenizer add none",
        "llama.cpp": "Start it with --override-kv tokenizer.ggml.add_bos_token=bool:false",
    },
    Cause.CONTROL_TOKEN_INJECTION: {
        ANY: "Take what is spelled like a special token out of what users and tools write, before it is sent"
    },
    Cause.THINKING_DEFAULT: {
        "llama.cpp": (
            'Send "chat_template_kwargs": {"enable_thinking": false} (or true), or start it with --reasoning off'
        ),
        "Ollama": 'Send "think": false (or true) to /api/chat, "reasoning_effort": "none" to /v1',
    },
    Cause.ASSISTANT_CONTINUED: {"llama.cpp": "Start it with --no-prefill-assistant"},
    Cause.CALL_LEFT_IN_CONTENT: {
        ANY: "Read calls out of the content with `callwright parse`",
        "vLLM": _PARSER,
    },
    Cause.CALL_DROPPED: {
        "Ollama": "With a TEMPLATE, let calls have the key `arguments` (xml/arguments), not `args`, or name a PARSER"
    },
    Cause.PARALLEL_CALLS_LOST: {"llama.cpp": 'Send "parallel_tool_calls": true'},
    Cause.INTEGER_ROUNDED: {ANY: _AS_STRING},
    Cause.NUMBER_RETYPED: {ANY: _AS_STRING},
    Cause.REASONING_IN_CONTENT: {"vLLM": "Start it with --reasoning-parser NAME, the parser of the family"},
    Cause.CONTENT_AS_REASONING: {"Ollama": 'Send "think": false to /api/chat, "reasoning_effort": "none" to /v1'},
    Cause.ARGUMENTS_NOT_STREAMED: {ANY: _WHOLE},
    Cause.STREAM_DIFFERS: {ANY: _WHOLE},
    Cause.LIMIT_AS_STOP: {ANY: "Compare the number of tokens of the answer with the limit that was sent"},
    Cause.CUT_CALL_ACCEPTED: {ANY: 'Run no call of an answer whose finish_reason is "length"'},
    Cause.OLDEST_MESSAGES_DROPPED: {"Ollama": _REFUSE_OVERFLOW},
    Cause.SYSTEM_DROPPED: {"Ollama": _REFUSE_OVERFLOW},
    Cause.PROMPT_CUT: {"Ollama": _REFUSE_OVERFLOW},
    Cause.TOKENS_FORCED: {"llama.cpp": _OWN_PROMPT},
    Cause.SAMPLER_DEFAULT: {
        "llama.cpp": _SAMPLING,
        "Ollama": _SAMPLING,
        "transformers": "Pass do_sample=True, temperature=1.0, top_k=0 and top_p=1.0, or what is wanted, to generate",
    },
}


def find_workaround(name: str, target: str) -> str:
    """The workaround for a cause in a runtime, by their names; "" where none is known."""
    known = WORKAROUNDS.get(CAUSES[name], {}) if name in CAUSES else {}
    return known.get(target, known.get(ANY, ""))
