"""Engines: a model in this process, chat servers over HTTP, and a mock server for tests."""
