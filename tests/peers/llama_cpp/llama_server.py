"""The real llama.cpp server that our tests compare with: always the pinned build, whatever the user has."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from callwright.engines import llama_server
from callwright.engines.llama_program import build


@contextmanager
def serve(model: Path, *options: str, context: int = 8192) -> Iterator[httpx.Client]:
    """A client of a server that runs `model` on a port of the loopback, ended with the block."""
    with llama_server.serve(model, program=build(), context=context, options=options) as server:
        # Each request has a connection of its own: the server closes idle ones just as the next request is sent.
        alone = httpx.Limits(max_keepalive_connections=0)
        with httpx.Client(base_url=server.url, timeout=600, limits=alone) as client:
            yield client
