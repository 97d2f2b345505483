"""Amounts as people read them."""

import pytest
from hypothesis import given, strategies as st

from pacing_brain.money import money


@pytest.mark.parametrize(("micros", "currency", "text"), [
    (45_195_000_000, "GBP", "£45,195"), (1_626_374_000, "EUR", "€1,626"), (12_000_000_000, "JPY", "¥12,000"), (12_500_000, "USD", "$12.50"),
    (0, "EUR", "€0"), (99_994_999, "EUR", "€99.99"), (99_995_001, "EUR", "€100"), (100_500_000, "EUR", "€100"), (101_500_000, "EUR", "€102"),
    (-300_000_000, "GBP", "-£300"), (-1, "GBP", "£0"), (1_240_000_000, "sek", "SEK 1,240"), (7_500_000, "JPY", "¥8"), (12_000_000, None, "12"),
    (10**18, "IDR", "IDR 1,000,000,000,000"), (None, "EUR", "unknown")])
def test_amounts_read_as_on_a_card(micros, currency, text):
    """Whole units from 100 on, hundredths below, the currency's sign where it is unmistakable, its code otherwise."""
    assert money(micros, currency) == text


@given(st.integers(-(10**19), 10**19), st.text(max_size=5))
def test_every_amount_in_any_currency_has_a_text(micros, currency):
    """No amount and no currency code, however strange, fails, and from 100 units on the figure is within half a unit."""
    text = money(micros, currency)
    if abs(micros) >= 100_000_000 and currency == "GBP":
        assert abs(int(text.replace("£", "").replace(",", "")) * 1_000_000 - micros) <= 500_000
