"""Fingerprints: what stays of a picture when its tags, its name or its size change.

The *fingerprint* is the SHA-256 of the pixels, decoded small and before any turning: the same photo
with other tags has the same one, every other photo another. The *dHash* is 64 bits that say where
the picture gets brighter from left to right: of copies sent through a messenger few bits differ.
"""

import hashlib

#: Width and height, in pixels, of the grey picture that a dHash compares: eight steps a row.
DHASH_SIZE = 9, 8


def fingerprint(mode: str, width: int, height: int, pixels: bytes) -> str:
    """Return the fingerprint of pixels, in hexadecimal; sizes in pixels."""
    head = f"{mode} {width} {height}\n".encode()
    return hashlib.sha256(head + pixels).hexdigest()


def dhash(grey: bytes) -> str:
    """Return the dHash of a grey picture of DHASH_SIZE, in 16 hexadecimal digits."""
    width, height = DHASH_SIZE
    bits = 0
    for at in range(width * height):
        if at % width:
            bits = bits << 1 | (grey[at] > grey[at - 1])
    return f"{bits:016x}"


def distance(one: str, other: str) -> int:
    """Return how many of the 64 bits of two dHashes differ.

    >>> distance("0000000000000000", "8000000000000001")
    2
    """
    return (int(one, 16) ^ int(other, 16)).bit_count()
