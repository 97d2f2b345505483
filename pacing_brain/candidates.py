"""Which platform campaign might be the one a plan line means, when neither id, nor alias, nor an equal name says so.

A proposal needs a similarity of `identity_proposal_similarity`, a distance of `identity_proposal_margin` to the next campaign that is
not ruled out, and no rival line. Closer ones are a tie: all are shown. A campaign is ruled out when a meaningful token differs, when
another line has it, or when a person said so. Names that look alike but are ruled out are listed as not proposed, with the reason.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from pacing_brain import names
from pacing_brain.records import Row, records
from pacing_brain.roster import Codes

NEAR = 0.6  # names less alike than this are not worth a line
SHOWN_NEAR, SHOWN_TIED = 3, 5
MOST_CELLS = 25_000_000  # name pairs in one block; above it only names with the same first word are compared
CHUNK_CELLS = 2_000_000
EDGE = 1e-9  # 0.88 - 0.80 is 0.08 to people, not to floats


@dataclass(frozen=True)
class Candidate:
    planned: int  # position of the tracker campaign
    campaign: int  # position in the roster
    similarity: float
    verdict: str  # proposed | tie | not proposed
    why: str


@dataclass(frozen=True)
class Known:
    """What rules a campaign out: who has it already, by position in the roster, and what people denied."""

    claimed: Mapping[int, str]
    denied: Mapping[int, list[int]]
    meanings: names.Meanings


def find(planned: pd.DataFrame, roster: pd.DataFrame, known: Known) -> list[Candidate]:
    """Candidates of every planned campaign (index = its position; columns platform, account_id, campaign_id, folded, row,
    identity_proposal_similarity, identity_proposal_margin), sorted by planned, verdict and similarity.
    """
    lines = dict(zip(planned.index.tolist(), records(planned.rename_axis("planned").reset_index()), strict=True))
    platforms = records(roster)
    found: dict[int, list[Candidate]] = {}
    for mine, theirs in _blocks(planned, roster):
        for index, pairs in _near(mine, roster, theirs, known):
            found[index] = _judge(lines[index], pairs, platforms, known)
    for index, pair in _same_id_elsewhere(planned, roster):
        found[index] = _with_other_account(found.get(index, []), lines[index], pair, theirs=platforms[pair.campaign], known=known)
    order = {"proposed": 0, "tie": 1, "not proposed": 2}
    return sorted(_without_rivals(found, lines), key=lambda c: (c.planned, order[c.verdict], -c.similarity, c.campaign))


def _blocks(planned: pd.DataFrame, roster: pd.DataFrame) -> Iterator[tuple[pd.Series, Codes]]:
    """Names of planned campaigns with the roster positions they may be: of their account, or of their platform when it is not known."""
    by_platform = roster.groupby("platform").indices
    by_account = roster.groupby(["platform", "account_id"]).indices
    named = planned.loc[planned["folded"].notna(), ["platform", "account_id", "folded"]]
    for (platform, account), rows in named.groupby([named["platform"], named["account_id"].fillna("")]).indices.items():
        pool = by_account.get((platform, account)) if account else by_platform.get(platform)
        if pool is None:
            continue
        mine = named["folded"].iloc[rows]
        if len(mine) * len(pool) <= MOST_CELLS:
            yield mine, pool
            continue
        first_words = roster["folded"].iloc[pool].str.partition(" ")[0]
        for word, same in mine.groupby(mine.str.partition(" ")[0]):
            theirs = pool[(first_words == word).to_numpy()]
            if 0 < len(same) * len(theirs) <= MOST_CELLS:
                yield same, theirs


def _same_id_elsewhere(planned: pd.DataFrame, roster: pd.DataFrame) -> Iterator[tuple[int, "_Pair"]]:
    """The planned id, in another account than the planned one."""
    asked = planned[planned["campaign_id"].isin(roster["campaign_id"].dropna()) & planned["account_id"].notna()]
    if asked.empty:
        return
    pairs = asked.reset_index(names="index").merge(roster.reset_index(names="campaign"), on=["platform", "campaign_id"], suffixes=("", "_theirs"))
    alike = names.similarity(pairs["folded"].fillna("").tolist(), pairs["folded_theirs"].fillna("").tolist())
    for index, campaign, similarity in zip(pairs["index"].tolist(), pairs["campaign"].tolist(), alike.tolist(), strict=True):
        yield index, _Pair(campaign, similarity, ruled_out=False)


def _with_other_account(found: list[Candidate], line: Row, pair: "_Pair", *, theirs: Row,
                        known: Known) -> list[Candidate]:
    """Same id but another account contradicts the plan: a proposal at most, and only when the name agrees and nothing else is open."""
    index, account = int(line["planned"]), theirs["account_id"]
    if pair.campaign in known.claimed or pair.campaign in known.denied.get(index, ()):
        verdict, why = "not proposed", _why_not(line, theirs, pair, known)
    else:
        agrees = pair.similarity >= line["identity_proposal_similarity"] - EDGE
        open_before = any(candidate.verdict != "not proposed" for candidate in found)
        verdict = "not proposed" if not agrees else "tie" if open_before else "proposed"
        why = f"it has the id of the plan, but in account {account}; the plan says {line['account_id']}"
    mine = [replace(c, verdict="tie") if verdict == "tie" and c.verdict == "proposed" else c for c in found]
    return [*mine, Candidate(index, pair.campaign, pair.similarity, verdict, why)]


@dataclass(frozen=True)
class _Pair:
    campaign: int
    similarity: float
    ruled_out: bool


def _near(planned: pd.Series, roster: pd.DataFrame, pool: Codes, known: Known) -> Iterator[tuple[int, list[_Pair]]]:
    """For each planned campaign, by its name, its nearest names: those not ruled out, then a few that are."""
    theirs = roster["folded"].iloc[pool].fillna("").tolist()
    taken = np.array([position in known.claimed for position in pool.tolist()], dtype=bool)
    step = max(1, CHUNK_CELLS // len(pool))
    for start in range(0, len(planned), step):
        part = planned.iloc[start : start + step]
        alike = names.similarity_matrix(part.tolist(), theirs)
        open_ = _same_meaning(part.tolist(), theirs, known.meanings) & ~taken
        for row, index in ((r, i) for r, i in enumerate(part.index.tolist()) if i in known.denied):
            open_[row, np.isin(pool, known.denied[index])] = False
        best = _top(np.where(open_, alike, -1.0), SHOWN_TIED + 1)
        others = _top(np.where(open_, -1.0, alike), SHOWN_NEAR)
        for row, index in enumerate(part.index.tolist()):
            pairs = [_Pair(int(pool[c]), float(alike[row, c]), ruled_out=False) for c in best[row] if open_[row, c]]
            pairs += [_Pair(int(pool[c]), float(alike[row, c]), ruled_out=True) for c in others[row] if not open_[row, c]]
            yield index, [pair for pair in pairs if pair.similarity >= NEAR]


def _top(scores: names.Floats, count: int) -> Codes:
    """Columns of the highest scores of each row, best first, equal ones in column order."""
    count = min(count, scores.shape[1])
    kept = np.sort(np.argpartition(-scores, count - 1, axis=1)[:, :count], axis=1)
    order = np.argsort(-np.take_along_axis(scores, kept, axis=1), axis=1, kind="stable")
    return np.take_along_axis(kept, order, axis=1)


def _same_meaning(left: list[str], right: list[str], meanings: names.Meanings) -> np.ndarray:
    """Pairs whose meaningful tokens are the same, or of which one is the other with tokens added at its end."""
    codes = pd.factorize(pd.Series([" ".join(meanings.of(name)) for name in (*left, *right)], dtype="str"))[0]
    same: np.ndarray = codes[: len(left), None] == codes[None, len(left) :]
    for longer, shorter, flip in ((right, left, False), (left, right, True)):
        where = defaultdict(list)
        for position, name in enumerate(shorter):
            where[name].append(position)
        for position, name in enumerate(longer):
            words = name.split()
            for other in (o for cut in range(1, len(words)) for o in where.get(" ".join(words[:cut]), ())):
                same[(position, other) if flip else (other, position)] = True
    return same


def _judge(line: Row, pairs: list[_Pair], platforms: list[Row], known: Known) -> list[Candidate]:
    """Verdicts of one planned campaign, before rivals are heard."""
    index = int(line["planned"])
    free = [pair for pair in pairs if not pair.ruled_out]
    best = free[0].similarity if free else 0.0
    enough = best >= line["identity_proposal_similarity"] - EDGE
    close = [p for p in free if enough and best - p.similarity < line["identity_proposal_margin"] - EDGE]
    rest = sorted((pair for pair in pairs if pair not in close), key=lambda pair: (-pair.similarity, pair.campaign))
    verdict = "proposed" if len(close) == 1 else "tie"
    result = [Candidate(index, p.campaign, p.similarity, verdict, _why_close(line, platforms[p.campaign], p, len(close)))
              for p in close[:SHOWN_TIED]]
    for pair in rest[:SHOWN_NEAR]:
        theirs = platforms[pair.campaign]
        forgotten = _id_forgotten(line, theirs, pair, known)
        result.append(Candidate(index, pair.campaign, pair.similarity, "tie" if forgotten else "not proposed",
                                _why_not(line, theirs, pair, known, best if close else None)))
    return result


def _id_forgotten(line: Row, theirs: Row, pair: _Pair, known: Known) -> bool:
    """The very name, in the same account, without an id, while another line has it: perhaps its next flight. A person must say."""
    return (pair.campaign in known.claimed and pair.campaign not in known.denied.get(line["planned"], ()) and pd.isna(line["campaign_id"])
            and line["folded"] == theirs["folded"] and line["account_id"] == theirs["account_id"])


def _why_close(line: Row, theirs: Row, pair: _Pair, count: int) -> str:
    why = [f"the names are {_percent(pair.similarity)} alike"]
    if pd.notna(line["account_id"]):
        why.append("same account")
    if pd.notna(line["campaign_id"]) and pd.notna(theirs["campaign_id"]):
        why.append(f"but the plan says id {line['campaign_id']}")
    why.append("no other line wants it" if count == 1 else f"{count} campaigns are about as close")
    return ", ".join(why)


def _why_not(line: Row, theirs: Row, pair: _Pair, known: Known, best: float | None = None) -> str:
    if pair.campaign in known.denied.get(line["planned"], ()):
        return "a person answered that it is a different campaign"
    if pd.notna(line["folded"]) and pd.notna(theirs["folded"]) and (other := known.meanings.difference(line["folded"], theirs["folded"])):
        return other
    if pair.campaign in known.claimed:
        return f"{known.claimed[pair.campaign]} has it"
    return f"the names are only {_percent(pair.similarity)} alike" if best is None else f"another is closer ({_percent(best)})"


def _without_rivals(found: dict[int, list[Candidate]], lines: Mapping[int, Row]) -> Iterator[Candidate]:
    """One line per campaign: a line whose rival is closer by the margin loses its proposal; rivals about as close are tied."""
    wants: dict[int, list[Candidate]] = defaultdict(list)
    for candidate in (c for found_here in found.values() for c in found_here if c.verdict != "not proposed"):
        wants[candidate.campaign].append(candidate)
    for candidate in (c for found_here in found.values() for c in found_here):
        rivals = [rival for rival in wants[candidate.campaign] if rival.planned != candidate.planned]
        if candidate.verdict != "proposed" or not rivals:
            yield candidate
            continue
        rival = max(rivals, key=lambda r: (r.similarity, -int(lines[r.planned]["row"]), -r.planned))
        lead = candidate.similarity - rival.similarity
        margin = lines[candidate.planned]["identity_proposal_margin"] - EDGE
        name = f"row {lines[rival.planned]['row']} of the plan"
        if lead >= margin:
            yield candidate
        elif -lead >= margin:
            yield replace(candidate, verdict="not proposed", why=f"{name} is closer to it ({_percent(rival.similarity)})")
        else:
            yield replace(candidate, verdict="tie", why=f"{name} wants it as well ({_percent(rival.similarity)} alike)")


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %"
