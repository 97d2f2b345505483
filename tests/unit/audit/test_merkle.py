"""The frontier agrees with RFC 9162 as it is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audit.merkle import EMPTY_ROOT, Frontier, leaf_hash, node_hash
from tests.unit.audit.merkle_reference import reference_root


@given(st.lists(st.binary(max_size=8), max_size=70))
def test_the_root_is_the_references(entries):
    """Whatever the entries, the frontier's root is the reference's."""
    frontier = Frontier()
    frontier.extend(leaf_hash(entry) for entry in entries)
    assert frontier.root() == reference_root(entries)


@given(st.integers(0, 300), st.integers(0, 40))
def test_a_stored_frontier_goes_on(stored, more):
    """A frontier read back from its bytes grows to the same root as one that was never stored."""
    leaves = [leaf_hash(str(number).encode()) for number in range(stored + more)]
    whole, first = Frontier(), Frontier()
    whole.extend(leaves)
    first.extend(leaves[:stored])
    again = Frontier.from_bytes(first.size, first.to_bytes())
    again.extend(leaves[stored:])
    assert (again.root(), again.size) == (whole.root(), whole.size)


def test_known_answers():
    """The roots of certificate transparency's test vectors."""
    vectors = [b"", b"\x00", b"\x10", b"\x20\x21", b"\x30\x31", b"\x40\x41\x42\x43", bytes(range(0x50, 0x58)), bytes(range(0x60, 0x70))]
    roots = {1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
             3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
             8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"}
    frontier = Frontier()
    assert frontier.root() == EMPTY_ROOT
    for entry in vectors:
        frontier.append(leaf_hash(entry))
        assert frontier.root().hex() == roots.get(frontier.size, frontier.root().hex())


def test_a_leaf_is_never_a_node():
    """Leaves and nodes are hashed under different prefixes, so neither can stand for the other."""
    left, right = leaf_hash(b"l"), leaf_hash(b"r")
    assert leaf_hash(left + right) != node_hash(left, right)


def test_a_damaged_frontier_is_refused():
    """A frontier has one hash for each one bit of its size."""
    with pytest.raises(ValueError, match="2 hashes, not 1"):
        Frontier.from_bytes(3, bytes(32))
