"""A client of servers on the loopback."""

import ssl

import httpx


def client_of(url: str) -> httpx.Client:
    """A client of a server on the loopback; it knows no certificates, whose loading takes longer than many a test."""
    return httpx.Client(base_url=url, timeout=60, verify=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT))
