"""Amounts as people read them. Money is integer micros everywhere else."""

MICROS = 1_000_000
SYMBOLS = {"GBP": "£", "EUR": "€", "USD": "$", "JPY": "¥", "INR": "₹", "KRW": "₩"}  # others go by code: several currencies share a sign
NO_MINOR_UNIT = frozenset({"BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"})
WHOLE_FROM = 100 * MICROS  # from a hundred units on, hundredths are noise


def money(micros: int | None, currency: str | None) -> str:
    """`£45,195`, `€12.50`, `¥12,000`, `SEK 1,240`, `-£300`: rounded half-even to whole units from 100 units on, to hundredths below.

    An unknown amount is `unknown`; an unknown currency is left out.
    """
    if micros is None:
        return "unknown"
    code = (currency or "").strip().upper()
    size = abs(int(micros))
    number = _hundredths(size) if size < WHOLE_FROM and code not in NO_MINOR_UNIT else f"{_divided(size, MICROS):,}"
    mark = SYMBOLS.get(code) or (f"{code} " if code else "")
    sign = "-" if micros < 0 and number.strip("0.,") else ""
    return f"{sign}{mark}{number}"


def _hundredths(size: int) -> str:
    whole, rest = divmod(_divided(size, MICROS // 100), 100)
    return f"{whole:,}.{rest:02}" if rest else f"{whole:,}"


def _divided(value: int, by: int) -> int:
    """The quotient, rounded half-even."""
    whole, rest = divmod(value, by)
    return whole + (1 if 2 * rest > by or (2 * rest == by and whole % 2) else 0)
