"""The faithful server as a target of the probe, with the fault-injecting proxy before it."""

from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.faithful_server import FaithfulServer
from tests.support.fault import Fault
from tests.support.fault_proxy import between

from callwright.engines.chat import ChatServer
from callwright.engines.openai_chat import OpenAIChat
from callwright.instruments.instrument import Instrument
from callwright.probe.plan import Part
from callwright.probe.targets.base import Target

SLOTS = 4


class FaithfulTarget(Target):
    """A `Target` that is faithful, or goes wrong in one way.

    Args:
      fault: What goes wrong; None for nothing.
      context: How many tokens prompt and answer may have together.
    """

    name = "faithful"
    version = "of the tests"

    def __init__(self, fault: Fault | None = None, context: int = 8192) -> None:
        self.fault, self.context = fault, context

    @contextmanager
    def load(self, instrument: Instrument) -> Iterator[ChatServer]:
        """See `Target.load`."""
        with (
            FaithfulServer(instrument, context=self.context) as server,
            between(server, self.fault) as url,
            OpenAIChat(url, slots=SLOTS) as chat,
        ):
            yield chat

    def reproduce_with(self, fmt: str, part: Part) -> str:
        """See `Target.how`."""
        build = self.build_command(fmt, part, "probe.gguf")
        return f"{build}\n# and play it with tests/support/faithful_server.py"
