import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pacing_brain.names import Meanings, Synonyms, extends, fold, folded, similarity, similarity_matrix
from pacing_brain.policy import Policy

SYNONYMS = Synonyms(Policy().synonyms)
MEANINGS = Meanings(SYNONYMS, ["BE", "South Tyrol"])


@pytest.mark.parametrize(("written", "plain"), [
    ("Acme_UK-Shoes | Q1", "acme uk shoes q1"), ("ＡＣＭＥ　ｕｋ", "acme uk"), ("Été à Zürich", "ete a zurich"),
    ("\u200fשלום\u200f_2026", "שלום 2026"), ("STRASSE Straße", "strasse strasse"), ("🎉Acme🎉", "acme"), ("हिन्दी_शब्द", "हिन्दी शब्द"),
])
def test_folding(written, plain):
    """Case, width, accents, separators and invisible marks say nothing; letters of every script do."""
    assert fold(written) == plain


@settings(deadline=None)
@given(st.text(max_size=80))
def test_folding_is_settled(text):
    """Folded text folds to itself."""
    assert fold(fold(text)) == fold(text)


def test_names_of_signs_alone_stay_different():
    """Names without a letter stand for themselves instead of all becoming the same empty name."""
    assert fold("🎉") != fold("🔥")


def test_folded_keeps_nulls():
    """A missing or blank name is null, never the text nan."""
    result = folded(pd.array(["A_b", None, "  "], dtype="str"))
    assert result[0] == "a b"
    assert result.isna().tolist() == [False, True, True]


def _distance(a: str, b: str) -> int:
    """Levenshtein by the book."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row, before = [i], row
        for j, y in enumerate(b, 1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (x != y)))
    return row[-1]


@settings(deadline=None)
@given(st.lists(st.tuples(st.text("abc ", max_size=8), st.text("abc ", max_size=8)), max_size=5))
def test_similarity_is_the_formula(pairs):
    """Similarity is 1 - Levenshtein distance / longer length, pair by pair and as a matrix."""
    left, right = [a for a, _ in pairs], [b for _, b in pairs]
    expected = [1 - _distance(a, b) / max(len(a), len(b), 1) for a, b in pairs]
    assert list(similarity(left, right)) == pytest.approx(expected)
    assert [similarity_matrix(left, right)[i, i] for i in range(len(pairs))] == pytest.approx(expected)


@pytest.mark.parametrize(("mine", "theirs", "what"), [
    ("acme uk shoes", "acme us shoes", "market"), ("acme fr video", "acme be video", "market"), ("acme shoes 2025", "acme shoes 2026", "number"),
    ("acme q1 shoes", "acme q2 shoes", "quarter"), ("acme shoes 1 new", "acme shoes 2 new", "number"), ("brand with video x", "brand without video x", "with"),
    ("acme mobile search", "acme desktop search", "device"), ("acme mens shoes", "acme womens shoes", "audience"), ("acme jan sale x", "acme jun sale x", "month"),
    ("acme uk shoes", "acme shoes", "market"),
])
def test_meaningful_tokens_differ(mine, theirs, what):
    """Siblings that differ by market, year, quarter, number, with/without, device, audience or month are told apart, in words."""
    assert what in MEANINGS.difference(mine, theirs)


@pytest.mark.parametrize(("mine", "theirs"), [
    ("acme uk shoes", "acme united kingdom shoes"), ("acme shoes 2026 x", "acme shoes 26 x"), ("acme 2026q1 shoes", "acme q1 2026 shoes"),
    ("acme shoes 01 x", "acme shoes 1 x"), ("acme de shoes", "acme de shoes 2"), ("acme de shoes", "acme de shoe"),
])
def test_same_meaning(mine, theirs):
    """Synonyms, two-digit years, leading zeros, order and tokens added at the end are no difference."""
    assert MEANINGS.difference(mine, theirs) is None
    assert MEANINGS.difference(theirs, mine) is None


def test_extends_needs_whole_tokens():
    """A longer last word is not an added token."""
    assert extends("acme de", "acme de new")
    assert not extends("acme de", "acme denmark")


def test_synonyms_hold_for_whole_words():
    """`us` in `bus` is no country."""
    assert SYNONYMS.canonical("Bus United States") == "bus us"
    assert Synonyms({}).canonical("A_b") == "a b"
