"""Amounts as people write them mean one thing, to the micro, or are refused."""

from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.tracker_money import read_money

unhurried = settings(deadline=None, max_examples=60)  # a busy machine is no fault
amounts = st.decimals(min_value=0, max_value=Decimal("999999999999.99"), places=2)


def micros(*texts):
    return read_money(pd.Series(list(texts), dtype="str"))[0].tolist()


@pytest.mark.parametrize(("text", "units"), [
    ("1234", "1234"), ("1234.50", "1234.5"), ("1,234.50", "1234.5"), ("1.234,50", "1234.5"), ("1,234", "1234"), ("12,5", "12.5"),
    ("1'234.50", "1234.5"), ("1 234 567,89", "1234567.89"), ("1\u00a0234", "1234"), ("$1,200", "1200"), ("USD 12 000", "12000"),
    ("1.234,56 €", "1234.56"), ("CHF 1'000.-", "1000"), ("12,34,567.00", "1234567"), ("R$ 1.000,00", "1000"), ("(1,200)", "-1200"),
    ("−5", "-5"), ("0.000001", "0.000001"), ("1234.567", "1234.567"), ("0.123", "0.123"), ("+12", "12"),
])
def test_an_amount_is_read_exactly(text, units):
    """Separators, signs and currency marks of many countries give the same micros."""
    assert micros(text) == [int(Decimal(units) * 1_000_000)]


@pytest.mark.parametrize("text", ["10k", "1.5M", "tbd", "1e5", "12..5", "1,23,4", "1.2.3", "1234567890123", "12 5", "-", ".", ",", "$", "1-2", "٣٤"])
def test_what_is_no_amount_is_refused(text):
    """Nothing is guessed: no micros, and a reason."""
    values, reasons = read_money(pd.Series([text], dtype="str"))
    assert values.isna().all()
    assert reasons.notna().all()


def test_a_column_settles_what_one_cell_cannot():
    """1.234 is a thousand where the column has decimal commas, a decimal where it has decimal points, else refused."""
    assert micros("1.234", "1.234,50")[0] == 1_234_000_000
    assert micros("1.234", "12.50")[0] == 1_234_000
    assert pd.isna(micros("1.234")[0])
    assert pd.isna(micros("1,234", "12,50")[0])


def test_amounts_of_several_currencies_may_stand_in_one_column():
    """An amount with a currency is settled by those of its own: pounds with commas beside euros with decimal commas."""
    assert micros("£ 4,000", "12.500,00 €", "EUR 4.000", "GBP 1,250.50") == [4_000_000_000, 12_500_000_000, 4_000_000_000, 1_250_500_000]
    assert pd.isna(micros("€ 4,000", "12,50 EUR")[0])


@unhurried
@given(amounts)
def test_every_spelling_of_an_amount_agrees(amount):
    """Plain digits, English, German, Swiss and spaced spellings of one amount give the same micros."""
    english = f"{amount:,.2f}"
    german = english.translate(str.maketrans(",.", ".,"))
    expected = int(amount * 1_000_000)
    plain, swiss, spaced = f"{amount:.2f}", english.replace(",", "'"), german.replace(".", " ")
    assert micros(plain, english, swiss, f"$ {english}") == [expected] * 4
    assert micros(german, spaced, f"{german} EUR") == [expected] * 3


@unhurried
@given(st.integers(min_value=0, max_value=999_999_999_999), st.integers(min_value=0, max_value=999_999), st.booleans())
def test_the_fast_way_agrees_with_decimal(units, fraction, negative):
    """Digits alone give what Decimal gives, for all six places."""
    text = f"{'-' if negative else ''}{units}.{fraction:06d}"
    assert micros(text) == [int(Decimal(text) * 1_000_000)]


@unhurried
@given(st.text(max_size=12))
def test_no_text_breaks_the_reader(text):
    """Any text is an amount or has a reason; empty is neither."""
    values, reasons = read_money(pd.Series([text], dtype="str"))
    assert bool(values.isna().all()) == bool(reasons.notna().all() or text == "")
