"""The Merkle tree of RFC 6962 (9162) over a growing list: pure arithmetic, of which only the frontier is kept.

The frontier of n leaves is one hash for each one bit of n: the roots of the perfect subtrees, largest first.

Source: RFC 9162, 2.1.1.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Self

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256().digest()


def leaf_hash(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


@dataclass
class Frontier:
    """All of a tree that is needed to append to it and to know its root."""

    size: int = 0
    hashes: list[bytes] = field(default_factory=list)

    @classmethod
    def from_bytes(cls, size: int, data: bytes) -> Self:
        """Raises ValueError: not one hash for each one bit of the size."""
        if len(data) != HASH_BYTES * size.bit_count():
            raise ValueError(f"a frontier of {size} leaves has {size.bit_count()} hashes, not {len(data) / HASH_BYTES:g}")
        return cls(size, [data[at:at + HASH_BYTES] for at in range(0, len(data), HASH_BYTES)])

    def to_bytes(self) -> bytes:
        return b"".join(self.hashes)

    def append(self, leaf: bytes) -> None:
        """Each one bit that the new number carries over joins two subtrees of one size."""
        carry = self.size
        while carry & 1:
            leaf = node_hash(self.hashes.pop(), leaf)
            carry >>= 1
        self.hashes.append(leaf)
        self.size += 1

    def extend(self, leaves: Iterable[bytes]) -> None:
        for leaf in leaves:
            self.append(leaf)

    def root(self) -> bytes:
        if not self.hashes:
            return EMPTY_ROOT
        *larger, root = self.hashes
        for subtree in reversed(larger):
            root = node_hash(subtree, root)
        return root
