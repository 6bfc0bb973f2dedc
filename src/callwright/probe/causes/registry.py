"""The causes: what a difference between expected and seen is put down to, and what a case tests for.

One vocabulary for both: a case is written for one cause (`Case.fault_class`), and what explains a difference may be
another. Each is a fault that real runtimes have shipped.

A cause is declared here. What explains a difference by it is registered with `@explains(Cause.…)`, for a prompt in the
module of the level where it acts (`request` and `request_tools`, `prompt`, `normalize`), for an answer in `reply`
and `calls`; what only one runtime does, in the quirks of its target (`targets.ollama_quirks`).
"""

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Literal, TypeVar

Function = TypeVar("Function", bound=Callable[..., object])
Group = Literal["rendering", "parsing", "loop", "context", "grammar", "sampling"]
"""Where between the model and the user something goes wrong."""


class Cause(StrEnum):
    """What explains a difference; the value is its name in reports and in files of cases.

    Attributes:
      group: Where it arises.
      sentence: What happens.
      source: The public issue where it was seen, OWNER/REPOSITORY#NUMBER; "" where none is known.
    """

    group: Group
    sentence: str
    source: str

    def __new__(cls, value: str, group: Group, sentence: str, source: str = "") -> "Cause":
        """The member of a row of the table below."""
        cause = str.__new__(cls, value)
        cause._value_ = value
        cause.group, cause.sentence, cause.source = group, sentence, source
        return cause

    TOOLS_DROPPED = "tools-dropped", "rendering", "The tools do not reach the model"
    TOOL_KEYS_LOST = "tool-keys-lost", "rendering", "Keys of a tool's schema are lost", "ollama/ollama#12244"
    PARAMETER_DROPPED = "parameter-dropped", "rendering", "A parameter named like a schema keyword is not shown"
    TYPE_LOST = "type-lost", "rendering", "The type of a parameter is left out, or of several only one is shown"
    TOOLS_REWRITTEN = "tools-rewritten", "rendering", "Tools reach the model in another order or spelling"
    TOOLS_AS_GO_STRUCT = (
        "tools-as-go-struct",
        "rendering",
        "Tools reach the model as Go prints a struct, not as JSON",
        "ollama/ollama#14601",
    )
    BRACES_DOUBLED = "braces-doubled", "rendering", "The example of a call that the model is shown has doubled braces"
    NULL_AS_TEXT = "null-as-text", "rendering", "null, true or false reaches the model as another word"
    NUMBER_REWRITTEN = "number-rewritten", "rendering", "A number is written in another way, as 1 for 1.0"
    UNICODE_ESCAPED = "unicode-escaped", "rendering", "Characters beyond ASCII reach the model as escapes"
    HTML_ESCAPED = "html-escaped", "rendering", "<, > and & reach the model as escapes"
    ARGUMENTS_RESORTED = (
        "arguments-resorted",
        "rendering",
        "The arguments of an earlier call come back in another order",
    )
    ARGUMENTS_DOUBLE_ENCODED = (
        "arguments-double-encoded",
        "rendering",
        "The arguments of an earlier call come back as a string",
    )
    CALLS_LOST_FROM_HISTORY = "calls-lost-from-history", "rendering", "Earlier calls do not reach the model"
    CONTENT_LOST_FROM_HISTORY = (
        "content-lost-from-history",
        "rendering",
        "Text beside an earlier call does not reach the model",
    )
    RESULT_LOST = "result-lost", "rendering", "A tool's result does not reach the model"
    RESULT_REWRITTEN = "result-rewritten", "rendering", "A tool's result reaches the model in another form"
    RESULTS_SWAPPED = (
        "results-swapped",
        "rendering",
        "Results reach the model in another order, or as those of other calls",
    )
    RESULT_CUT = "result-cut", "rendering", "A tool's result reaches the model cut"
    SYSTEM_INJECTED = "system-injected", "rendering", "A system prompt is added that nobody wrote"
    SYSTEM_LOST = "system-lost", "rendering", "The system prompt does not reach the model"
    SYSTEM_MOVED = "system-moved", "rendering", "A later system message stands at the beginning"
    BOS_DOUBLED = "bos-doubled", "rendering", "The prompt begins with BOS twice"
    BOS_MISSING = "bos-missing", "rendering", "The prompt begins without BOS"
    CONTROL_TOKEN_INJECTION = "control-token-injection", "rendering", "Text that a user typed becomes a control token"
    CONTROL_TOKEN_AS_TEXT = (
        "control-token-as-text",
        "rendering",
        "A control token of the template reaches the model as text",
    )
    GENERATION_PROMPT_MISSING = "generation-prompt-missing", "rendering", "The model's turn is not opened"
    THINKING_DEFAULT = "thinking-default", "rendering", "Thinking is switched otherwise than the request says"
    THOUGHT_CUE_MISSING = "thought-cue-missing", "rendering", "The thought that opens a turn is missing after a result"
    ASSISTANT_CONTINUED = "assistant-continued", "rendering", "A last message of the assistant is continued"
    WHITESPACE_IN_PROMPT = "whitespace-in-prompt", "rendering", "Whitespace of the prompt is added or taken away"
    REQUEST_REFUSED = "request-refused", "rendering", "A conversation that the format can express is refused"
    UNSTABLE_PROMPT = "unstable-prompt", "rendering", "The same request gives different prompts"
    CALL_LEFT_IN_CONTENT = "call-left-in-content", "parsing", "A call is left in the text"
    CALL_DROPPED = "call-dropped", "parsing", "A call vanishes: neither call nor text"
    PARALLEL_CALLS_LOST = "parallel-calls-lost", "parsing", "Calls after the first are lost"
    CALL_ALTERED = "call-altered", "parsing", "A call's name or arguments are not what the model generated"
    CALL_INVENTED = "call-invented", "parsing", "A call that the model never made"
    MALFORMED_CALL_REPAIRED = "malformed-call-repaired", "parsing", "A malformed call is repaired in silence"
    UNCLOSED_CALL_ACCEPTED = "unclosed-call-accepted", "parsing", "A call that never ended counts as complete"
    STRING_CUT_AT_DELIMITER = "string-cut-at-delimiter", "parsing", "A delimiter inside a string ends the argument"
    INTEGER_ROUNDED = "integer-rounded", "parsing", "A large integer loses digits"
    NUMBER_RETYPED = "number-retyped", "parsing", "A number comes back in another spelling, as 1 for 1.0"
    VALUE_AS_STRING = "value-as-string", "parsing", "A number, null or object comes back as a string, or the reverse"
    NEWLINES_STRIPPED = "newlines-stripped", "parsing", "Whitespace at the edges of a value is lost"
    ARGUMENT_ORDER_LOST = "argument-order-lost", "parsing", "Arguments come back in another order"
    MARKER_LEAKED = "marker-leaked", "parsing", "A control token stands in the text"
    STOP_INCLUDED = "stop-included", "parsing", "The stop token stands in the text"
    CALL_IN_REASONING = "call-in-reasoning", "parsing", "A call inside the reasoning counts as one"
    REASONING_IN_CONTENT = "reasoning-in-content", "parsing", "Reasoning stands in the text"
    CONTENT_AS_REASONING = "content-as-reasoning", "parsing", "Text that the model generated comes as reasoning"
    REASONING_LOST = "reasoning-lost", "parsing", "Reasoning is lost"
    CONTENT_LOST = "content-lost", "parsing", "Text that the model generated is lost"
    CONTENT_CUT_AT_MARKER = "content-cut-at-marker", "parsing", "A marker mentioned in prose swallows what follows"
    CONTENT_WHITESPACE = "content-whitespace", "parsing", "Whitespace around the text is added or taken away"
    SERVER_ERROR = "server-error", "parsing", "Model output ends in an error, or a request in no answer"
    ARGUMENTS_NOT_STREAMED = "arguments-not-streamed", "parsing", "The arguments of a call are missing from the stream"
    STREAM_DIFFERS = "stream-differs", "parsing", "The stream differs from the whole answer"
    LIMIT_AS_STOP = "limit-as-stop", "parsing", "An answer cut by the token limit is reported as finished"
    CUT_CALL_ACCEPTED = "cut-call-accepted", "parsing", "A call cut by the token limit is given with broken arguments"
    FINISH_REASON_WRONG = "finish-reason-wrong", "parsing", "The finish reason is another than the answer's"
    STATE_LEAKS = "state-leaks", "parsing", "An answer holds parts of an earlier request's"
    LOOP_CALL_CHANGED = "loop-call-changed", "loop", "The next prompt does not hold the call as it was generated"
    LOOP_REASONING_CHANGED = (
        "loop-reasoning-changed",
        "loop",
        "The next prompt does not hold the reasoning as the family wants it",
    )
    OLDEST_MESSAGES_DROPPED = "oldest-messages-dropped", "context", "What does not fit is dropped in silence"
    SYSTEM_DROPPED = "system-dropped", "context", "The system prompt is dropped to save space"
    PROMPT_CUT = "prompt-cut", "context", "The prompt is cut in the middle of a message"
    TOKENS_FORCED = "tokens-forced", "grammar", "The runtime forces tokens that the model had not chosen"
    SAMPLER_DEFAULT = "sampler-default", "sampling", "Without options the draw is not from the model's distribution"
    TEMPERATURE_IGNORED = "temperature-ignored", "sampling", "The temperature asked for is not applied"
    TOP_K_IGNORED = "top-k-ignored", "sampling", "The top-k asked for is not applied"
    TOP_P_IGNORED = "top-p-ignored", "sampling", "The top-p asked for is not applied"
    MIN_P_IGNORED = "min-p-ignored", "sampling", "The min-p asked for is not applied"
    PENALTY_APPLIED = "penalty-applied", "sampling", "Repetition is penalized though the request does not ask for it"
    PENALTY_IGNORED = "penalty-ignored", "sampling", "The penalty asked for is not applied"
    SEED_IGNORED = "seed-ignored", "sampling", "The same seed gives other draws"
    UNEXPLAINED = "unexplained", "rendering", "A difference that no known fault explains"


CAUSES: Mapping[str, Cause] = {cause.value: cause for cause in Cause}
"""By name; a report of another version may hold names that this one does not have."""


class Explanations(list[tuple[Cause, Function]]):
    """The functions of one level, each with the cause that it explains, in the order in which they are defined."""

    def explains(self, cause: Cause) -> Callable[[Function], Function]:
        """A decorator that registers a function for a cause."""

        def register(function: Function) -> Function:
            self.append((cause, function))
            return function

        return register
