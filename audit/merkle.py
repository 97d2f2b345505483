"""The Merkle tree of RFC 6962 (9162) over a growing list: pure arithmetic, of which only the frontier is kept; and proofs about it.

The frontier of n leaves is one hash for each one bit of n: the roots of the perfect subtrees, largest first.

Source: RFC 9162, 2.1.1.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Self

HASH_BYTES = 32
EXTENDED_LEAVES = 1 << 14  # at a time: flat memory
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
        """Append many, level by level: half the work of one at a time."""
        more = iter(leaves)
        while level := list(islice(more, EXTENDED_LEAVES)):
            self._extend(level)

    def _extend(self, level: list[bytes]) -> None:
        """On each level the frontier's own subtree goes before the new ones, pairs are joined, and an odd one stays."""
        carry, before, after = self.size, self.hashes, list[bytes]()
        self.size += len(level)
        while level or carry:
            if carry & 1:
                level.insert(0, before.pop())
            if len(level) & 1:
                after.append(level.pop())
            pairs = iter(level)
            level = [hashlib.sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=True)]
            carry >>= 1
        self.hashes = after[::-1]

    def root(self) -> bytes:
        if not self.hashes:
            return EMPTY_ROOT
        *larger, root = self.hashes
        for subtree in reversed(larger):
            root = node_hash(subtree, root)
        return root


# Proofs. Each is a list of the roots of a few subtrees; which ones is arithmetic, and one pass over the leaves gives them.


def inclusion_ranges(index: int, size: int) -> list[range]:
    """The subtrees whose roots are the inclusion proof of entry `index` in a tree of `size`, nearest first.

    Raises:
        ValueError: there is no such entry.

    Source: RFC 9162, 2.1.3.1.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} entries has no entry {index}")
    start, end, path = 0, size, []
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(range(middle, end))
            end = middle
        else:
            path.append(range(start, middle))
            start = middle
    return path[::-1]


def consistency_ranges(old: int, new: int) -> list[range]:
    """The subtrees whose roots prove that the tree of `old` entries begins the tree of `new`; none when there is nothing to prove.

    Raises:
        ValueError: the old tree is the larger one.

    Source: RFC 9162, 2.1.4.1.
    """
    if not 0 <= old <= new:
        raise ValueError(f"a tree of {new} entries does not begin with {old}")
    if old in (0, new):
        return []
    start, end, path = 0, new, []
    while old != end:
        middle = start + _split(end - start)
        if old <= middle:
            path.append(range(middle, end))
            end = middle
        else:
            path.append(range(start, middle))
            start = middle
    if start:  # else the old tree is a subtree, whose root the verifier knows
        path.append(range(start, end))
    return path[::-1]


def subtree_roots(leaves: Iterable[bytes], ranges: Iterable[range]) -> list[bytes]:
    """The root of each range of leaves, in the order asked; ranges must not overlap. One pass, flat memory.

    Raises:
        ValueError: there are fewer leaves than the ranges need.
    """
    asked = list(ranges)
    roots: dict[range, bytes] = {}
    numbered = enumerate(leaves)
    for wanted in sorted(asked, key=lambda each: each.start):
        frontier = Frontier()
        for number, leaf in numbered:
            if number >= wanted.start:
                frontier.append(leaf)
            if number + 1 == wanted.stop:
                break
        if frontier.size != len(wanted):
            raise ValueError(f"there are fewer leaves than {wanted.stop}")
        roots[wanted] = frontier.root()
    return [roots[wanted] for wanted in asked]


def inclusion_proof(leaves: Iterable[bytes], index: int, size: int) -> list[bytes]:
    """That leaf `index` is one of the first `size`. Raises ValueError: as `inclusion_ranges` and `subtree_roots`."""
    return subtree_roots(leaves, inclusion_ranges(index, size))


def consistency_proof(leaves: Iterable[bytes], old: int, new: int) -> list[bytes]:
    """That the first `old` of `new` leaves are still what they were. Raises ValueError: as `consistency_ranges` and `subtree_roots`."""
    return subtree_roots(leaves, consistency_ranges(old, new))


def includes(root: bytes, size: int, index: int, leaf: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the proof shows `leaf` to be entry `index` of the tree with this size and root; both must come from one signed checkpoint.

    Source: RFC 9162, 2.1.3.2; its step numbers.
    """
    if not 0 <= index < size or any(len(each) != HASH_BYTES for each in (root, leaf, *proof)):  # 1
        return False
    here, last, made = index, size - 1, leaf  # 2, 3
    for sibling in proof:  # 4
        if last == 0:
            return False
        if here & 1 or here == last:
            made = node_hash(sibling, made)
            here, last = _to_right_child(here, last)
        else:
            made = node_hash(made, sibling)
        here, last = here >> 1, last >> 1
    return last == 0 and made == root  # 5


def is_consistent(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether the proof shows the tree (new, new_root) to begin with the tree (old, old_root).

    Source: RFC 9162, 2.1.4.2; its step numbers.
    """
    if not 0 <= old <= new or any(len(each) != HASH_BYTES for each in (old_root, new_root, *proof)):
        return False
    if old in (0, new):
        return not proof and old_root == (EMPTY_ROOT if old == 0 else new_root)
    path = [old_root, *proof] if old & (old - 1) == 0 else list(proof)  # 2
    if not proof:  # 1
        return False
    here, last = old - 1, new - 1  # 3
    while here & 1:  # 4
        here, last = here >> 1, last >> 1
    made_old = made_new = path[0]  # 5
    for sibling in path[1:]:  # 6
        if last == 0:
            return False
        if here & 1 or here == last:
            made_old, made_new = node_hash(sibling, made_old), node_hash(sibling, made_new)
            here, last = _to_right_child(here, last)
        else:
            made_new = node_hash(made_new, sibling)
        here, last = here >> 1, last >> 1
    return last == 0 and made_old == old_root and made_new == new_root  # 7


def _split(size: int) -> int:
    """The largest power of two below the size."""
    return 1 << (size - 1).bit_length() - 1


def _to_right_child(here: int, last: int) -> tuple[int, int]:
    """Up to where the node is a right child: above the last node of a level that has no sibling."""
    while here and not here & 1:
        here, last = here >> 1, last >> 1
    return here, last
