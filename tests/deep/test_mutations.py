"""Changing a threshold, a band's edge or a weight of the brain makes a test fail."""

import os

import pytest

from tests.deep.mutations import MUTATIONS, copy_of_the_tree, noticed, run_tests

DEEP = os.environ.get("PACING_TEST_DEEP") == "1"


@pytest.fixture(scope="module")
def tree():
    with copy_of_the_tree() as tree:
        yield tree


@pytest.mark.deep
@pytest.mark.parametrize("mutation", MUTATIONS if DEEP else MUTATIONS[:1], ids=lambda mutation: mutation.what)
def test_a_changed_number_is_noticed(mutation, tree):
    """The tests pass on the tree as it is (they are in this suite), and fail on the changed one."""
    assert noticed(tree, mutation)


@pytest.mark.deep
@pytest.mark.skipif(not DEEP, reason="the same tests run in this suite; PACING_TEST_DEEP=1 runs them on the copy too")
def test_the_unchanged_copy_passes(tree):
    """What is noticed is the change, not the copy."""
    assert run_tests(tree, *sorted({mutation.tests for mutation in MUTATIONS})) == 0
