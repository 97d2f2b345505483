"""The Merkle tree of RFC 9162 as the RFC writes it: slow and obvious."""

import hashlib


def reference_root(entries: list[bytes]) -> bytes:
    """RFC 9162, 2.1.1, word for word: split at the largest power of two below n."""
    if not entries:
        return hashlib.sha256(b"").digest()
    if len(entries) == 1:
        return hashlib.sha256(b"\x00" + entries[0]).digest()
    split = 1
    while split * 2 < len(entries):
        split *= 2
    return hashlib.sha256(b"\x01" + reference_root(entries[:split]) + reference_root(entries[split:])).digest()
