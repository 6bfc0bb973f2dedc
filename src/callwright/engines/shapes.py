"""Sizes of arrays, rounded up: every new shape is compiled once, so there are few, and little of each is padding."""

_STEP = 16


def rounded_width(count: int) -> int:
    """Places in a row of a prompt: 0, 1, multiples of 16 up to 128, above that four sizes from each power of two on."""
    if count <= 1:
        return count
    step = max(_STEP, 1 << max((count - 1).bit_length() - 3, 0))
    return -(-count // step) * step


def rounded_rows(count: int) -> int:
    """Rows: powers of two, and one and a half times those."""
    power = 1 << max(count - 1, 0).bit_length()
    between = power * 3 // 4
    return between if power > 2 and count <= between else power


def rounded_slots(count: int) -> int:
    """Slots of a cache: as rows are, from 64 on, because decoding comes in several numbers of rows for each of them."""
    return max(64, rounded_rows(count))
