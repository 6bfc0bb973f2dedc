"""The vocabulary of faults: what a case tests for, and what a difference is put down to.

One vocabulary for both: a case is written for one class of fault (`Case.fault_class`), and the cause of a difference is
the class that explains it, which may be another. The classes are those that real runtimes have shipped; `source` names
a public issue where there is one.
"""

from dataclasses import dataclass
from typing import Literal

Group = Literal["rendering", "parsing", "loop", "context", "grammar", "sampling"]


@dataclass(frozen=True, slots=True)
class FaultClass:
    """One kind of fault.

    Attributes:
      name: What it is called in results.
      group: Where between the model and the user it arises.
      title: What happens, in a few words.
      source: Where it was seen in public.
    """

    name: str
    group: Group
    title: str
    source: str = ""


_ALL = (
    FaultClass("tools-dropped", "rendering", "The tools do not reach the model"),
    FaultClass("tool-keys-lost", "rendering", "Keys of a tool's schema are lost", "ollama/ollama#12244"),
    FaultClass("parameter-dropped", "rendering", "A parameter named like a schema keyword is not shown"),
    FaultClass("tools-rewritten", "rendering", "Tools reach the model in another order or spelling"),
    FaultClass("null-as-text", "rendering", "null, true or false reaches the model as another word"),
    FaultClass("number-rewritten", "rendering", "A number is written in another way, as 1 for 1.0"),
    FaultClass("unicode-escaped", "rendering", "Characters beyond ASCII reach the model as escapes"),
    FaultClass("html-escaped", "rendering", "<, > and & reach the model as escapes"),
    FaultClass("arguments-resorted", "rendering", "The arguments of an earlier call come back in another order"),
    FaultClass("arguments-double-encoded", "rendering", "The arguments of an earlier call come back as a string"),
    FaultClass("calls-lost-from-history", "rendering", "Earlier calls do not reach the model"),
    FaultClass("content-lost-from-history", "rendering", "Text beside an earlier call does not reach the model"),
    FaultClass("result-lost", "rendering", "A tool's result does not reach the model"),
    FaultClass("result-rewritten", "rendering", "A tool's result reaches the model in another form"),
    FaultClass("result-cut", "rendering", "A tool's result reaches the model cut"),
    FaultClass("system-injected", "rendering", "A system prompt is added that nobody wrote"),
    FaultClass("system-lost", "rendering", "The system prompt does not reach the model"),
    FaultClass("bos-doubled", "rendering", "The prompt begins with BOS twice"),
    FaultClass("bos-missing", "rendering", "The prompt begins without BOS"),
    FaultClass("control-token-injection", "rendering", "Text that a user typed becomes a control token"),
    FaultClass("control-token-as-text", "rendering", "A control token of the template reaches the model as text"),
    FaultClass("generation-prompt-missing", "rendering", "The model's turn is not opened"),
    FaultClass("thinking-default", "rendering", "Thinking is switched otherwise than the request says"),
    FaultClass("thought-cue-missing", "rendering", "The thought that opens a turn is missing after a result"),
    FaultClass("assistant-continued", "rendering", "A last message of the assistant is continued"),
    FaultClass("whitespace-in-prompt", "rendering", "Whitespace of the prompt is added or taken away"),
    FaultClass("request-refused", "rendering", "A conversation that the format can say is refused"),
    FaultClass("unstable-prompt", "rendering", "The same request gives different prompts"),
    FaultClass("call-left-in-content", "parsing", "A call is left in the text"),
    FaultClass("call-dropped", "parsing", "A call vanishes: neither call nor text"),
    FaultClass("parallel-calls-lost", "parsing", "Calls after the first are lost"),
    FaultClass("call-altered", "parsing", "A call's name or arguments are not what the model said"),
    FaultClass("call-invented", "parsing", "A call that the model never made"),
    FaultClass("malformed-call-repaired", "parsing", "A malformed call is mended in silence"),
    FaultClass("unclosed-call-accepted", "parsing", "A call that never ended counts as complete"),
    FaultClass("string-cut-at-delimiter", "parsing", "A delimiter inside a string ends the argument"),
    FaultClass("integer-rounded", "parsing", "A large integer loses digits"),
    FaultClass("number-retyped", "parsing", "A number comes back in another spelling, as 1 for 1.0"),
    FaultClass("value-as-string", "parsing", "A number, null or object comes back as a string, or the reverse"),
    FaultClass("newlines-stripped", "parsing", "Whitespace at the edges of a value is lost"),
    FaultClass("argument-order-lost", "parsing", "Arguments come back in another order"),
    FaultClass("marker-leaked", "parsing", "A control token stands in the text"),
    FaultClass("stop-included", "parsing", "The stop token stands in the text"),
    FaultClass("call-in-reasoning", "parsing", "A call inside the reasoning counts as one"),
    FaultClass("reasoning-in-content", "parsing", "Reasoning stands in the text"),
    FaultClass("content-as-reasoning", "parsing", "Text that the model said comes as reasoning"),
    FaultClass("reasoning-lost", "parsing", "Reasoning is lost"),
    FaultClass("content-lost", "parsing", "Text that the model said is lost"),
    FaultClass("content-cut-at-marker", "parsing", "A marker mentioned in prose swallows what follows"),
    FaultClass("content-whitespace", "parsing", "Whitespace around the text is added or taken away"),
    FaultClass("server-error", "parsing", "What the model said ends in an error, or a request in no answer"),
    FaultClass("arguments-not-streamed", "parsing", "The arguments of a call are missing from the stream"),
    FaultClass("stream-differs", "parsing", "The stream says other things than the whole answer"),
    FaultClass("limit-as-stop", "parsing", "An answer cut by the token limit is reported as finished"),
    FaultClass("cut-call-accepted", "parsing", "A call cut by the token limit is given with broken arguments"),
    FaultClass("finish-reason-wrong", "parsing", "The finish reason is another than the answer's"),
    FaultClass("state-leaks", "parsing", "An answer holds parts of an earlier request's"),
    FaultClass("loop-call-changed", "loop", "The next prompt does not hold the call as it was said"),
    FaultClass("loop-reasoning-changed", "loop", "The next prompt does not hold the reasoning as the family wants it"),
    FaultClass("oldest-messages-dropped", "context", "What does not fit is dropped without a word"),
    FaultClass("system-dropped", "context", "The system prompt is dropped to make room"),
    FaultClass("prompt-cut", "context", "The prompt is cut in the middle of a message"),
    FaultClass("tokens-forced", "grammar", "The runtime forces tokens that the model had not chosen"),
    FaultClass("sampler-default", "sampling", "Without options the draw is not from the model's distribution"),
    FaultClass("temperature-ignored", "sampling", "The temperature asked for is not applied"),
    FaultClass("top-k-ignored", "sampling", "The top-k asked for is not applied"),
    FaultClass("top-p-ignored", "sampling", "The top-p asked for is not applied"),
    FaultClass("min-p-ignored", "sampling", "The min-p asked for is not applied"),
    FaultClass("penalty-applied", "sampling", "Repetition is penalised though nobody asked"),
    FaultClass("penalty-ignored", "sampling", "The penalty asked for is not applied"),
    FaultClass("seed-ignored", "sampling", "The same seed gives other draws"),
    FaultClass("unexplained", "rendering", "A difference that no known fault explains"),
)

FAULTS: dict[str, FaultClass] = {one.name: one for one in _ALL}
UNEXPLAINED = "unexplained"
