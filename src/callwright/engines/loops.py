"""Whether an output goes round in a loop: greedy decoding that has begun to repeat itself never stops doing so."""

from collections.abc import Sequence

LAST_TOKENS = 64
LONGEST_PERIOD = 16


def is_loop(tokens: Sequence[int]) -> bool:
    """Whether the last 64 tokens repeat a beginning of at most 16, so at least four times."""
    last = tokens[-LAST_TOKENS:]
    return len(last) == LAST_TOKENS and any(
        last[period:] == last[:-period] for period in range(1, LONGEST_PERIOD + 1) if last[-1] == last[-1 - period]
    )
