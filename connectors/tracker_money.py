"""Amounts as people write them, to exact micros: `1,234.50`, `1.234,50 €`, `1'234`, `USD 12 000`.

The rules, for text (a number cell is never ambiguous):
1. A plain number with a point, `1234.5`, is itself; so is one without separators.
2. With both separators the last one is the decimal one: `1.234,56`, `1,234.56`, `12,34,567.00`.
3. A separator that repeats, or a blank or apostrophe, separates thousands: `1.234.567`, `1 234`, `1'234`.
4. One comma or point with another number of digits than three behind it is the decimal one: `12,5`, `1234.50`.
5. One comma with three digits behind it, `1,234`, separates thousands (a budget is not planned to a thousandth), unless another amount of
   the column has a decimal comma: then it is ambiguous and an error.
6. One point with three digits behind it, `1.234`, is a decimal point where another amount of the column has one, thousands where one has
   a decimal comma, and otherwise ambiguous and an error. After four or more digits, or a zero, it is a decimal point.

For 5 and 6 an amount that is written with a currency is compared with those of the same currency only: `£ 4,000` and `12.500,00 €` may
stand in one column.
"""

import re
from decimal import ROUND_HALF_EVEN, Decimal

import numpy as np
import pandas as pd

MICROS = 1_000_000
_LIMIT = Decimal(1_000_000_000_000)  # units; a sum of such still fits 64 bits
_PLAIN = r"-?[0-9]{1,12}(?:\.(?:[0-9]{1,2}|[0-9]{4,6}))?"
_NUMBER = re.compile(r"[0-9][0-9.,]*|[.,][0-9]+")
_BLANKS = re.compile("(?<=[0-9])[ \u202f\u2009'’](?=[0-9]{3}(?![0-9]))")
_CURRENCY = "(?:[A-Z]{0,2}[$€£¥₹₩₽₺₫฿₪₴₦₱]|[A-Z]{3}|[Kk]r\\.?|zł|Kč|R|Fr\\.)"
_SIGNED = re.compile(rf"(?:{_CURRENCY}\s*)?(?P<number>[0-9.,].*?)(?:[.,][-–]|\s*{_CURRENCY})?")
_CODE = re.compile(r"(?<![A-Za-z])[A-Z]{3}(?![A-Za-z])")
_WRITTEN_WITH = {"€": {"EUR"}, "£": {"GBP", "EGP", "GIP", "FKP", "SHP", "LBP", "SYP", "SDG", "SSP"}, "¥": {"JPY", "CNY"}, "₹": {"INR"}}
_NO_DOLLARS = set().union(*_WRITTEN_WITH.values()) | {"CHF", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF", "RON", "TRY", "ZAR", "AED", "ILS", "KRW", "THB"}
AMBIGUOUS = "may mean {} or {}: write it without a thousands separator"


def read_money(texts: pd.Series) -> tuple[pd.Series, pd.Series]:
    """Micros (`Int64`, null where empty or unreadable) and, beside them, why one cannot be read (null where it can)."""
    micros, reasons = pd.Series(pd.NA, index=texts.index, dtype="Int64"), pd.Series(None, index=texts.index, dtype=object)
    if texts.eq("").all():
        return micros, reasons
    plain = texts.str.fullmatch(_PLAIN).fillna(False).to_numpy(dtype=bool)
    if plain.any():
        micros[plain] = _plain_micros(texts[plain])
    odd = texts[~plain & texts.ne("").to_numpy(dtype=bool)]
    if len(odd):
        signs = {text: _sign(text) for text in odd.unique()}
        evidence = {sign: _evidence(texts if not sign else odd[odd.map(signs).eq(sign)]) for sign in set(signs.values())}
        read = {text: _odd_micros(text, *evidence[sign]) for text, sign in signs.items()}
        good = odd[[isinstance(read[text], int) for text in odd]]
        micros[good.index] = pd.array([read[text] for text in good], dtype="Int64")
        bad = odd.drop(good.index)
        reasons[bad.index] = [read[text] for text in bad]
    return micros, reasons


def other_currency(texts: pd.Series, currencies: pd.Series) -> pd.Series:
    """Beside each amount that is written with the sign or the code of another currency than its row's, why it cannot be used."""
    odd = ~texts.str.fullmatch(r"[0-9.,]*").fillna(True).to_numpy(dtype=bool) & currencies.notna().to_numpy(dtype=bool)
    reasons = pd.Series(None, index=texts.index, dtype=object)
    for row in texts.index[odd]:
        if (sign := _contradiction(texts[row], currencies[row])) is not None:
            reasons[row] = f"is written with {sign}, the currency is {currencies[row]}: mend one of them"
    return reasons


def _contradiction(text: str, currency: str) -> str | None:
    for sign, theirs in _WRITTEN_WITH.items():
        if sign in text and currency not in theirs:
            return sign
    if "$" in text and currency in _NO_DOLLARS:
        return "$"
    return next((code for code in _CODE.findall(text) if code != currency), None)


def _plain_micros(texts: pd.Series) -> pd.Series:
    """Text -> micros by digits alone: no float on the way."""
    parts = texts.str.removeprefix("-").str.partition(".")
    units = parts[0].astype("int64") * MICROS + parts[2].str.pad(6, side="right", fillchar="0").astype("int64")
    return (units * np.where(texts.str.startswith("-"), -1, 1)).astype("Int64")


def _evidence(texts: pd.Series) -> tuple[bool, bool]:
    """Whether some amount of the column has, beyond doubt, a decimal comma or a decimal point."""
    comma = texts.str.contains(r"(?:\.[0-9]{3},[0-9]+|^[^.,]*,(?:[0-9]{1,2}|[0-9]{4,}))(?:[^0-9.,]|$)", regex=True)
    point = texts.str.contains(r"(?:,[0-9]{3}\.[0-9]+|^[^.,]*\.(?:[0-9]{1,2}|[0-9]{4,}))(?:[^0-9.,]|$)", regex=True)
    return bool(comma.any()), bool(point.any())


def _sign(text: str) -> str:
    """The currency that an amount is written with, `` without one: a sign and its code are one."""
    found = _CODE.search(text)
    sign = found[0] if found else next((one for one in text if one in "$€£¥₹₩₽₺₫฿₪₴₦₱"), "")
    return {"EUR": "€", "GBP": "£", "USD": "$", "INR": "₹"}.get(sign, sign)


def _odd_micros(text: str, comma: bool, point: bool) -> int | str:
    """Micros of an amount that is not plain, or the reason why it has none."""
    bare = text.replace("−", "-").replace("\u00a0", " ").strip()
    negative = bare.startswith("-") or (bare.startswith("(") and bare.endswith(")"))
    bare = bare.strip("()").removeprefix("-").removeprefix("+").strip()
    signed = _SIGNED.fullmatch(bare.replace("-", "", 1) if re.match(r"[^0-9]+-\s*[0-9]", bare) else bare)
    negative |= bool(re.match(r"[^0-9]+-\s*[0-9]", bare))
    bare = _BLANKS.sub("", signed["number"].strip()) if signed else ""
    if not _NUMBER.fullmatch(bare):
        return "is not an amount: write digits, for instance 12500.00"
    number = _settled(bare, comma=comma, point=point)
    if "?" in number:
        return AMBIGUOUS.format(*number.split("?"))
    if not number:
        return "has separators in places where no number has them: write digits, for instance 12500.00"
    amount = Decimal(number)
    if amount >= _LIMIT:
        return "is larger than any budget: write it in units of the currency"
    micros = int((amount * MICROS).to_integral_value(ROUND_HALF_EVEN))
    return -micros if negative else micros


def _settled(bare: str, *, comma: bool, point: bool) -> str:
    """Digits with a decimal point by the module's rules 2 to 6; "" when no rule fits; "a?b" when two do."""
    if "," in bare and "." in bare:
        mark = max(",.", key=bare.rfind)
        whole, _, rest = bare.rpartition(mark)
        grouped = _ungrouped(whole, "," if mark == "." else ".")
        return f"{grouped}.{rest}" if grouped and rest.isdigit() else ""
    mark = "," if "," in bare else "."
    if bare.count(mark) != 1:
        return _ungrouped(bare, mark) if mark in bare else bare
    whole, _, rest = bare.partition(mark)
    if len(rest) != 3 or not 1 <= len(whole) <= 3 or whole.startswith("0"):
        return f"{whole or 0}.{rest or 0}"
    thousands, decimals = whole + rest, f"{whole}.{rest}"
    evidence = (comma, point) if mark == "." else (not comma, comma)  # (thousands, decimals)
    if mark == "," and comma:
        return f"{thousands}?{decimals}"
    return {(True, False): thousands, (False, True): decimals}.get(evidence, f"{thousands}?{decimals}")


def _ungrouped(text: str, mark: str) -> str:
    """Digits of a grouped whole number, in threes or (Indian) twos before the last three; "" when it is not grouped so."""
    first, *groups = text.split(mark)
    threes = all(len(group) == 3 for group in groups)
    indian = bool(groups) and len(groups[-1]) == 3 and all(len(group) == 2 for group in groups[:-1]) and len(first) <= 2
    fits = text.replace(mark, "").isdigit() and (not groups or (1 <= len(first) <= 3 and (threes or indian)))
    return first + "".join(groups) if fits else ""
