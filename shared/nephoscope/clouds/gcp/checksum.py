"""CRC-32C (Castagnoli), by which Google says what a secret's bytes must be. The standard library knows only the other
CRC-32; a secret has 64 KiB at most, so a table of 256 numbers does.

Source: RFC 3720, section 12.1 (polynomial 11EDC6F41, reflected) and appendix B.4 (examples).
"""

from __future__ import annotations

from functools import cache

_REFLECTED = 0x82F63B78


def crc32c(data: bytes) -> int:
    """0 to 2**32 - 1."""
    table, value = _table(), 0xFFFFFFFF
    for byte in data:
        value = (value >> 8) ^ table[(value ^ byte) & 0xFF]
    return value ^ 0xFFFFFFFF


@cache
def _table() -> tuple[int, ...]:
    return tuple(map(_entry, range(256)))


def _entry(value: int) -> int:
    for _ in range(8):
        value = (value >> 1) ^ (_REFLECTED if value & 1 else 0)
    return value
