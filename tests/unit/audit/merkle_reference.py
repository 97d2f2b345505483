"""The Merkle tree of RFC 9162 as the RFC writes it: slow and obvious."""

import hashlib
from functools import cache


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


class Reference:
    """The proofs of RFC 9162 over some entries, as the recursions it writes; the root of each run of entries is made once."""

    def __init__(self, entries: list[bytes]) -> None:
        self.root = cache(lambda start, end: reference_root(entries[start:end]))

    def inclusion(self, index: int, start: int, end: int) -> list[bytes]:
        """PATH(index, D[start:end]): 2.1.3.1."""
        if end - start == 1:
            return []
        split = start + _split(end - start)
        if index < split:
            return [*self.inclusion(index, start, split), self.root(split, end)]
        return [*self.inclusion(index, split, end), self.root(start, split)]

    def consistency(self, old: int, new: int) -> list[bytes]:
        """PROOF(old, D[0:new]): 2.1.4.1."""
        return self._subproof(old, 0, new, True)

    def _subproof(self, old: int, start: int, end: int, whole: bool) -> list[bytes]:
        if old == end:
            return [] if whole else [self.root(start, end)]
        split = start + _split(end - start)
        if old <= split:
            return [*self._subproof(old, start, split, whole), self.root(split, end)]
        return [*self._subproof(old, split, end, False), self.root(start, split)]


def _split(size: int) -> int:
    split = 1
    while split * 2 < size:
        split *= 2
    return split
