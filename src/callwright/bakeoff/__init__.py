"""Runtimes compared on tasks: the same requests through several arms, a trace of every step, and where arms part."""
