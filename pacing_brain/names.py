"""Campaign names: folded, cut into tokens, compared; and which tokens of a name carry meaning.

Spelling alone proves nothing: names that differ only by UK/US are 94 % alike. So a similarity always stands beside `meanings`: the tokens
that tell siblings apart (market, year, quarter, number, with/without, device, audience). Names whose meanings differ are never proposed
as the same, unless one name merely has tokens added at its end.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd
from pandas.api.extensions import ExtensionArray
from rapidfuzz import process
from rapidfuzz.distance import Levenshtein

Floats = npt.NDArray[np.float64]

_ASCII_SEPARATORS = re.compile(r"[^a-z0-9]+")
_YEAR = re.compile(r"20(\d\d)")
_PERIODS_TOGETHER = re.compile(r"(20\d\d)([qh]\d)|([qh]\d)(20\d\d)")  # 2024q1, q12024

_WORDS = {
    "with or without": "with without w wo no non not ex excl excluding incl including only",
    "device": "mobile desktop tablet phone app web ios android ipad iphone ctv tv dooh",
    "audience": "men mens man women womens woman male female kids boys girls adults b2b b2c new existing prospecting retargeting remarketing",
    "brand": "brand branded nonbrand unbranded generic competitor",
    "month": "jan january feb february mar march apr april may jun june jul july aug august sep sept september oct october nov november"
             " dec december",
    "region": "emea apac latam dach mena nordics benelux iberia cee europe asia africa global north south east west northern southern"
              " eastern western",
}
_CLASS_OF = {word: name for name, words in _WORDS.items() for word in words.split()}


@lru_cache(maxsize=1 << 16)  # a campaign keeps its name from window to window
def fold(text: str) -> str:
    """Text for comparison: NFKC, casefold, without accents, every run of separators one space.

    >>> fold("Été_2026 – UK|Shoes")
    'ete 2026 uk shoes'
    """
    if text.isascii():
        return _ASCII_SEPARATORS.sub(" ", text.lower()).strip() or text.lower().strip()
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    bare = unicodedata.normalize("NFC", "".join(c for c in unicodedata.normalize("NFD", plain) if not "\u0300" <= c <= "\u036f"))
    return " ".join("".join(map(_letter, bare)).split()) or plain.strip()  # a name of emoji alone stands for itself


def _letter(char: str) -> str:
    """The character when it is part of a word, nothing for invisible marks (RTL, joiners), else a blank."""
    category = unicodedata.category(char)
    if category == "Cf" or "\ufe00" <= char <= "\ufe0f":
        return ""
    return char if category[0] in "LMN" else " "


def folded(names: ExtensionArray) -> ExtensionArray:
    """`fold` of every name (text or null, null when nothing is left); each distinct name is folded once."""
    codes, distinct = names.factorize()
    table = pd.array([fold(str(name)) or None for name in distinct], dtype="str")
    return table.take(codes, allow_fill=True)


def similarity(left: Sequence[str], right: Sequence[str]) -> Floats:
    """1 - Levenshtein distance / longer length, pair by pair, on folded names. Two empty names are alike."""
    if not len(left):
        return np.empty(0)
    return np.asarray(process.cpdist(left, right, scorer=Levenshtein.normalized_similarity, dtype=np.float64))


def similarity_matrix(left: Sequence[str], right: Sequence[str]) -> Floats:
    """The same for every pair: rows are `left`, columns `right`."""
    if not len(left) or not len(right):
        return np.empty((len(left), len(right)))
    return np.asarray(process.cdist(left, right, scorer=Levenshtein.normalized_similarity, dtype=np.float64))


class Synonyms:
    """Words that stand for one another (`[synonyms]` of the policy: key = canonical, values = other spellings)."""

    def __init__(self, table: Mapping[str, Iterable[str]]) -> None:
        self._canonical = {fold(word): fold(key) for key, words in table.items() for word in (key, *words)}
        phrases = sorted(self._canonical, key=lambda phrase: (-len(phrase), phrase))
        self._pattern = re.compile(rf"(?<!\S)(?:{'|'.join(map(re.escape, phrases))})(?!\S)") if phrases else None

    def apply(self, text: str) -> str:
        """Folded text with every synonym replaced by its canonical word."""
        return self._pattern.sub(lambda found: self._canonical[found[0]], text) if self._pattern else text

    def canonical(self, text: str) -> str:
        """A whole value (a market, a product), folded and made canonical."""
        return self.apply(fold(text))

    @property
    def words(self) -> frozenset[str]:
        return frozenset(self._canonical) | frozenset(self._canonical.values())


class Meanings:
    """What tells sibling campaigns apart. `markets`: every market that the plan or the platform names, besides the synonyms'."""

    def __init__(self, synonyms: Synonyms, markets: Iterable[str] = ()) -> None:
        self._synonyms = synonyms
        self._markets = synonyms.words | {synonyms.canonical(market) for market in markets}
        self._seen: dict[str, tuple[str, ...]] = {}  # a name is compared with many

    def of(self, name: str) -> tuple[str, ...]:
        """The meaningful tokens of a folded name, sorted: equal tuples, equal meaning."""
        if name not in self._seen:
            self._seen[name] = tuple(sorted(token for token in _tokens(self._synonyms.apply(name)) if self.kind(token)))
        return self._seen[name]

    def kind(self, token: str) -> str | None:
        """Why a token carries meaning, or None."""
        if re.fullmatch(r"[qh]\d", token):
            return "quarter"
        if any(char.isdigit() for char in token):
            return "number"
        if token in _CLASS_OF:
            return _CLASS_OF[token]
        # Two letters are a country or language code: a look-alike with another one is another campaign.
        return "market" if token in self._markets or (len(token) == 2 and token.isalpha()) else None

    def difference(self, left: str, right: str) -> str | None:
        """In words, how the meanings of two folded names differ; None when they do not. Tokens added at the end are no difference."""
        mine, theirs = list(self.of(left)), list(self.of(right))
        if mine == theirs or extends(left, right):
            return None
        only_mine, only_theirs = _minus(mine, theirs), _minus(theirs, mine)
        kinds = sorted({self.kind(token) or "" for token in only_mine + only_theirs})
        return f"{' and '.join(kinds)} differs: {_listed(only_mine)} in the plan, {_listed(only_theirs)} on the platform"


def extends(left: str, right: str) -> bool:
    """One folded name is the other with whole tokens added at its end."""
    short, long = sorted((left, right), key=len)
    return bool(short) and long.startswith(f"{short} ")


def _tokens(name: str) -> list[str]:
    """Tokens with years in two digits (2026 = 26), without leading zeros, 2024q1 as year and quarter."""
    split = _PERIODS_TOGETHER.sub(lambda m: " ".join(part for part in m.groups() if part), name).split()
    return [_number(token) for token in split]


def _number(token: str) -> str:
    if year := _YEAR.fullmatch(token):
        return year[1]
    return (token.lstrip("0") or "0") if token.isdigit() else token


def _minus(left: list[str], right: list[str]) -> list[str]:
    return sorted((Counter(left) - Counter(right)).elements())


def _listed(tokens: list[str]) -> str:
    return " ".join(token.upper() if len(token) == 2 else token for token in tokens) or "nothing"
