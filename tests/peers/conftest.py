"""Peers are made ready beside other tests, and one that cannot be made is one loud failure.

Which peers a test needs stands in its mark, `pytest.mark.peer("mistral-common")`. Making one means waiting for a
registry or a compiler, so all that the selected tests need are begun as soon as these are known, and peers' tests come
last. The first test whose peer cannot be made fails and says why; the others that need it are skipped.
"""

import os
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from filelock import FileLock
from tests.conftest import SHARED
from tests.peers.bfcl_official import official_bfcl
from tests.peers.dialog import dialog_peer
from tests.peers.hf_transformers import peft_peer, transformers_peer
from tests.peers.mistral_common import mistral_peer

from callwright.engines import llama_program
from callwright.errors import CallwrightError

PEERS: dict[str, Callable[[], Path]] = {
    "bfcl-official": official_bfcl.python,
    "dialog": dialog_peer.python,
    "mistral-common": mistral_peer.python,
    "peft": peft_peer.python,
    "transformers": transformers_peer.python,
    "llama.cpp": llama_program.build,
}
_begun: dict[str, Future[Path]] = {}


def needs(item: pytest.Item) -> list[str]:
    """The peers that a test needs."""
    return [name for mark in item.iter_markers("peer") for name in mark.args]


def make(name: str) -> Path:
    """Makes a peer ready, or fails as another worker did.

    Raises:
      CallwrightError: It cannot be made.
      NoInterpreter: This machine has no Python that it runs on.
    """
    failure = Path(os.environ[SHARED]) / f"{name}.failure"
    with FileLock(failure.with_suffix(".lock")):
        if failure.exists():
            raise CallwrightError(f"the peer {name}", failure.read_text(), "see the first failure")
        try:
            return PEERS[name]()
        except dialog_peer.NoInterpreter:
            raise
        except Exception as error:  # whatever it is, it is told once
            failure.write_text(str(error))
            raise CallwrightError(f"the peer {name}", str(error), "see what it says") from error


def pytest_collection_finish(session: pytest.Session) -> None:
    if session.config.option.collectonly:
        return
    wanted = {name for item in session.items for name in needs(item)}
    pool = ThreadPoolExecutor(len(PEERS))
    _begun.update({name: pool.submit(make, name) for name in PEERS if name in wanted})


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Waits for the test's peers, before its fixtures ask for them."""
    for name in needs(item):
        try:
            _begun[name].result()
        except dialog_peer.NoInterpreter as reason:
            pytest.skip(str(reason))
        except CallwrightError as error:
            told = Path(os.environ[SHARED]) / f"{name}.told"
            try:
                told.touch(exist_ok=False)
            except FileExistsError:
                pytest.skip(f"the peer {name} could not be made, as another test's failure says")
            raise pytest.fail.Exception(f"THE PEER {name} COULD NOT BE MADE: {error}", pytrace=False) from None
