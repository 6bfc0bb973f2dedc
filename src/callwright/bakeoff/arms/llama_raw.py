"""`llamacpp-raw`: llama.cpp with token ids in and token ids out."""

import asyncio
from collections.abc import Mapping
from typing import Any

from pydantic import Field

from callwright.bakeoff.arms.base import ArmError, ArmOptions
from callwright.bakeoff.arms.raw import RawArm, RawOutput, RawPrompt
from callwright.bakeoff.arms.servers import failure_of, is_local, llama_version
from callwright.conversation import Json
from callwright.engines.llama_completion import COMPLETION, LlamaCompletion
from callwright.engines.openai_chat import server_address
from callwright.errors import WorkError


class LlamaOptions(ArmOptions):
    """What can be set for an arm of llama.cpp."""

    url: str | None = None
    """Where the server is; None for the one that the bake-off starts."""
    slots: int = Field(1, ge=1)
    """How many tasks are asked side by side."""


class LlamaRawArm(RawArm):
    """llama.cpp's `/completion`."""

    options_type = LlamaOptions
    needs_server = True

    def take(self, options: Any) -> None:
        """See `Arm.take`."""
        self.slots = options.slots
        self._url = server_address(options.url) if options.url else self.setup.server
        self._client: LlamaCompletion | None = None
        self._record: Mapping[str, Json] = {}

    @property
    def local(self) -> bool:
        """See `Arm.local`."""
        return is_local(self._url)

    async def open(self) -> None:
        """See `Arm.open`."""
        if self._url is None:
            raise ArmError("http_error", f"a llama.cpp server for the arm {self.name}", "none", "name its url")
        self._record = await asyncio.to_thread(llama_version, self._url)
        self._client = LlamaCompletion(self._url, self.setup.seconds)

    async def generate(self, prompt: RawPrompt) -> RawOutput:
        """See `RawArm.generate`."""
        return await asyncio.to_thread(self._ask, prompt)

    def _ask(self, prompt: RawPrompt) -> RawOutput:
        if self._client is None:
            return RawOutput(failure="arm_error", error="the arm is not open")
        url = f"{self._url}{COMPLETION}"
        try:
            output = self._client.generated(
                prompt.ids, prompt.limit, sampling=self.setup.sampling(prompt.seed), logprobs=True
            )
        except WorkError as error:
            return RawOutput(url=url, failure=failure_of(error.got), error=str(error))
        return RawOutput(
            ids=output.tokens,
            truncated=output.finish_reason == "length",
            stop_reason=output.finish_reason,
            request=dict(output.request),
            url=url,
            logprobs=output.logprobs or None,
            top_ids=output.likeliest or None,
        )

    def record(self) -> Mapping[str, Json]:
        """See `Arm.record`."""
        return self._record

    async def close(self) -> None:
        """See `Arm.close`."""
        if self._client is not None:
            self._client.close()
