"""A test's server that is left by its client says nothing of it."""

import http.client
import socket
import struct
import time
from urllib.parse import urlsplit

import pytest
from tests.support.canned_server import Canned, canned_server

from callwright.engines.loopback import Response, listening


def canned(body):
    return canned_server(Canned(body))


def looping(body):
    return listening(lambda method, path, asked: Response(200, body))


@pytest.mark.parametrize("serve", [canned, looping])
@pytest.mark.parametrize("length", [2, 1000])
def test_a_client_that_leaves_is_no_traceback(serve, length, capfd):
    with serve(b"x" * 10_000_000) as url:
        address = urlsplit(url)
        for _ in range(5):
            with socket.create_connection((address.hostname, address.port)) as left:
                left.sendall(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n{}" % length)
                # Closing with this option is what a process that is killed does: the connection is reset.
                left.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        time.sleep(0.2)
        asked = http.client.HTTPConnection(address.hostname, address.port)
        asked.request("GET", "/")
        assert len(asked.getresponse().read()) == 10_000_000
    assert capfd.readouterr().err == ""
