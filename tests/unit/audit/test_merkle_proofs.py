"""Proofs about the tree: those of RFC 9162 and no others, and none that was changed is taken."""

import os
import random

import pytest

from audit.merkle import (
    EMPTY_ROOT,
    Frontier,
    consistency_proof,
    consistency_ranges,
    inclusion_proof,
    inclusion_ranges,
    includes,
    is_consistent,
    leaf_hash,
    subtree_roots,
)
from tests.unit.audit.merkle_reference import Reference, reference_root

LARGEST = 257
MUTATED = 100_000 if os.environ.get("PACING_TEST_DEEP") else 4_000
ENTRIES = [f"entry {number}".encode() for number in range(LARGEST)]
LEAVES = [leaf_hash(entry) for entry in ENTRIES]

# The entries, roots, paths and consistency proofs of certificate-transparency's merkletree/merkle_tree_test.cc, which transparency-dev/merkle
# (testonly) carries on. It counts leaves from 1, we from 0.
VECTORS = [b"", b"\x00", b"\x10", b"\x20\x21", b"\x30\x31", b"\x40\x41\x42\x43", bytes(range(0x50, 0x58)), bytes(range(0x60, 0x70))]
ROOTS = ["6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d", "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
         "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77", "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
         "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4", "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
         "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c", "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"]
LEAF_1, PAIR_23, FOUR_4567 = ("96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
                              "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e",
                              "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4")
LEAF_4, PAIR_45, PAIR_67 = ("bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                            "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                            "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0")
INCLUSIONS = [(0, 8, [LEAF_1, PAIR_23, FOUR_4567]), (5, 8, [LEAF_4, PAIR_67, ROOTS[3]]), (2, 3, [ROOTS[1]]), (1, 5, [ROOTS[0], PAIR_23, LEAF_4]),
              (0, 1, [])]
CONSISTENCIES = [(1, 1, []), (1, 8, [LEAF_1, PAIR_23, FOUR_4567]), (6, 8, [PAIR_45, PAIR_67, ROOTS[3]]), (2, 5, [PAIR_23, LEAF_4])]


@pytest.fixture(scope="module")
def roots():
    """The root of each size up to the largest."""
    frontier, found = Frontier(), [EMPTY_ROOT]
    for leaf in LEAVES:
        frontier.append(leaf)
        found.append(frontier.root())
    return found


@pytest.fixture(scope="module")
def reference():
    return Reference(ENTRIES)


def test_published_vectors():
    """Roots, inclusion and consistency proofs of certificate transparency's own tests are made and taken."""
    leaves = [leaf_hash(entry) for entry in VECTORS]
    roots = [bytes.fromhex(root) for root in ROOTS]
    assert [reference_root(VECTORS[:size]) for size in range(1, 9)] == roots
    for index, size, path in INCLUSIONS:
        proof = [bytes.fromhex(each) for each in path]
        assert inclusion_proof(leaves, index, size) == proof
        assert includes(roots[size - 1], size, index, leaves[index], proof)
    for old, new, path in CONSISTENCIES:
        proof = [bytes.fromhex(each) for each in path]
        assert consistency_proof(leaves, old, new) == proof
        assert is_consistent(old, roots[old - 1], new, roots[new - 1], proof)


def of_subtrees(reference, ranges):
    """A proof from the subtrees that it names; their roots are the reference's."""
    return [reference.root(each.start, each.stop) for each in ranges]


def test_every_inclusion_up_to_257(roots, reference):
    """For every size up to 257 and every entry the proof is the reference's, and is taken for that entry but not for its neighbour."""
    for size in range(1, LARGEST + 1):
        for index in range(size):
            proof = of_subtrees(reference, inclusion_ranges(index, size))
            assert proof == reference.inclusion(index, 0, size)
            assert includes(roots[size], size, index, LEAVES[index], proof)
            assert not includes(roots[size], size, index, LEAVES[index - 1], proof) or size == 1


def test_every_consistency_up_to_257(roots, reference):
    """For every pair of sizes up to 257 the proof is the reference's, and is taken but not for another old root."""
    for new in range(LARGEST + 1):
        for old in range(new + 1):
            proof = of_subtrees(reference, consistency_ranges(old, new))
            assert old == 0 or proof == reference.consistency(old, new)
            assert is_consistent(old, roots[old], new, roots[new], proof)
            assert not is_consistent(old, leaf_hash(roots[old]), new, roots[new], proof)


@pytest.mark.parametrize("size", [1, 2, 7, 64, 255, 257])
def test_one_pass_over_the_leaves_makes_the_proof(size, reference):
    """Proofs made from the leaves alone, read once and in order, are the reference's."""
    for one in range(1, size + 1, max(1, size // 16)):
        assert inclusion_proof(iter(LEAVES), one - 1, size) == reference.inclusion(one - 1, 0, size)
        assert consistency_proof(iter(LEAVES), one, size) == reference.consistency(one, size)


def mutated(dice, proof):
    """A proof that differs: a bit, an order, a length, an element."""
    changed = list(proof)
    at = dice.randrange(len(changed)) if changed else 0
    match dice.choice(["bit", "drop", "double", "swap", "add", "short", "other"] if changed else ["add"]):
        case "bit":
            flipped = bytearray(changed[at])
            flipped[dice.randrange(32)] ^= 1 << dice.randrange(8)
            changed[at] = bytes(flipped)
        case "drop":
            del changed[at]
        case "double":
            changed.insert(at, changed[at])
        case "swap":
            other = dice.randrange(len(changed))
            changed[at], changed[other] = changed[other], changed[at]
        case "short":
            changed[at] = changed[at][:-1]
        case "other":
            changed[at] = dice.choice(LEAVES)
        case _:
            changed.insert(at, dice.choice([*LEAVES[:4], *proof]))
    return changed


@pytest.mark.deep
def test_a_mutated_proof_is_never_taken(roots):
    """Proofs changed at random, and true proofs of another entry or another old size, are refused."""
    dice, tried = random.Random(6962), 0
    while tried < MUTATED:
        size = dice.randrange(1, LARGEST + 1)
        index, old = dice.randrange(size), dice.randrange(1, size + 1)
        path, link = inclusion_proof(LEAVES, index, size), consistency_proof(LEAVES, old, size)
        for _ in range(10):
            false_path, false_link = mutated(dice, path), mutated(dice, link)
            another = dice.randrange(-1, size + 2)
            assert false_path == path or not includes(roots[size], size, index, LEAVES[index], false_path)
            assert another == index or not includes(roots[size], size, another, LEAVES[index], path)
            assert false_link == link or not is_consistent(old, roots[old], size, roots[size], false_link)
            assert another == old or not is_consistent(another, roots[old], size, roots[size], link)
            tried += 4


def test_what_cannot_be_proven_is_refused():
    """An entry that the tree has not, an old tree that is larger, and too few leaves have no proof."""
    with pytest.raises(ValueError, match="has no entry 3"):
        inclusion_ranges(3, 3)
    with pytest.raises(ValueError, match="does not begin with 4"):
        consistency_ranges(4, 3)
    with pytest.raises(ValueError, match="fewer leaves than 5"):
        subtree_roots(LEAVES[:4], [range(4, 5)])
