"""Moving budget between a client's flights: from those that cannot spend it to those that can, as a small linear program.

    give_i = budget - upper forecast      what it will not spend even at the upper end of its 80 % range
    take_j = upper forecast - budget      what it could spend beyond its budget, at that end

both at most `reallocation.most_pct` percent of the flight's own budget, in whole units of the currency. Then, over amounts x_ij >= 0,

    maximise  sum x_ij (1 - cost_ij)      under  sum_j x_ij <= give_i,  sum_i x_ij <= take_j

cost_ij is 0 within one platform and market and a little more across: as much as possible moves, and as near as possible. What one flight gives
another takes, so the client's total stays. The constraint matrix is totally unimodular: the solver's corners are whole numbers.
Source: HiGHS through scipy.optimize.linprog.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from pacing_brain.model import Lane
from pacing_brain.money import MICROS, money

OTHER_PLATFORM, OTHER_MARKET = 0.02, 0.01  # cost of a unit that crosses
MOST_FLIGHTS = 300  # givers and takers of one client that are looked at, the largest first
LANES = [Lane.HEALTHY.value, Lane.WARNING.value, Lane.CRITICAL.value]
READ = ["flight_id", "campaign_name", "platform", "market", "client", "currency", "budget_micros", "forecast_hi_micros", "stake_micros"]
Units = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Move:
    """Budget that goes from one flight to another of the same client and currency."""

    giver: str
    taker: str
    micros: int


def moves(decisions: pd.DataFrame, values: pd.DataFrame) -> tuple[Move, ...]:
    """What should move, per client and currency; nothing less than counts as an amount at stake.

    Args:
        decisions: the decided cohort, with its forecast.
        values: `Policy.resolve(decisions)`, same index.
    """
    able = (decisions["lane"].isin(LANES) & decisions["phase"].isin(["early", "live"]) & decisions["client"].notna()
            & decisions["forecast_hi_micros"].notna() & ~decisions["zero_delivery"].fillna(value=False).astype(bool))
    rows = decisions.loc[able, READ].assign(most=values.loc[able, "reallocation_most_pct"]).sort_values("flight_id")
    found = []
    for _, group in rows.groupby(["client", "currency"], sort=True):
        found += _of_client(group)
    return tuple(found)


def _of_client(group: pd.DataFrame) -> list[Move]:
    budget, upper = group["budget_micros"].astype("int64").to_numpy(), group["forecast_hi_micros"].astype("int64").to_numpy()
    most = (budget * (group["most"].to_numpy("float64") / 100.0)).astype("int64")
    counts = group["stake_micros"].fillna(0).astype("int64").to_numpy()
    give, take = _capacity(budget - upper, most, counts), _capacity(upper - budget, most, counts)
    givers, takers = _largest(give), _largest(take)
    if not len(givers) or not len(takers):
        return []
    names = group["flight_id"].to_numpy()
    amounts = allot(give[givers], take[takers], _costs(group, givers, takers))
    return [Move(str(names[givers[i]]), str(names[takers[j]]), int(amounts[i, j]) * MICROS) for i, j in zip(*np.nonzero(amounts), strict=True)]


def _capacity(micros: Units, most: Units, counts: Units) -> Units:
    """Whole units, at most the cap; none where it is less than counts."""
    capped = np.clip(micros, 0, most)
    return np.where(capped >= np.maximum(counts, MICROS), capped // MICROS, 0)


def _largest(capacity: Units) -> Units:
    order = np.argsort(-capacity, kind="stable")[:MOST_FLIGHTS]
    return np.sort(order[capacity[order] > 0])


def _costs(group: pd.DataFrame, givers: Units, takers: Units) -> npt.NDArray[np.float64]:
    platform, market = group["platform"].to_numpy(dtype=object), group["market"].fillna("").to_numpy(dtype=object)
    other = platform[givers][:, None] != platform[takers][None, :], market[givers][:, None] != market[takers][None, :]
    return np.asarray(OTHER_PLATFORM * other[0] + OTHER_MARKET * other[1], dtype=np.float64)


def allot(give: Units, take: Units, cost: npt.NDArray[np.float64]) -> Units:
    """Whole amounts (givers x takers) of the greatest total of amount * (1 - cost), within what each gives and takes."""
    from scipy.optimize import linprog  # noqa: PLC0415  it takes a second to load, and most runs have nothing to move
    from scipy.sparse import coo_array  # noqa: PLC0415

    n, m = len(give), len(take)
    cell = np.arange(n * m)
    limits = coo_array((np.ones(2 * n * m), (np.concatenate([cell // m, n + cell % m]), np.tile(cell, 2))), shape=(n + m, n * m))
    solved = linprog((cost - 1.0).ravel(), A_ub=limits.tocsr(), b_ub=np.concatenate([give, take]), bounds=(0, None), method="highs-ds")
    amounts = np.rint(solved.x).astype(np.int64).reshape(n, m)
    within = (amounts >= 0).all() and (amounts.sum(axis=1) <= give).all() and (amounts.sum(axis=0) <= take).all()
    return amounts if solved.success and within else np.zeros((n, m), dtype=np.int64)


def by_flight(found: Iterable[Move], decisions: pd.DataFrame) -> dict[str, list[dict[str, Any]]]:
    """flight_id -> its rows of the table, largest first: the sibling, and micros (below 0: it gives them away)."""
    names = dict(zip(decisions["flight_id"], decisions["campaign_name"].fillna(decisions["flight_id"]), strict=True))
    table: dict[str, list[dict[str, Any]]] = {}
    for move in found:
        table.setdefault(move.giver, []).append({"flight_id": move.taker, "campaign_name": names[move.taker], "micros": -move.micros})
        table.setdefault(move.taker, []).append({"flight_id": move.giver, "campaign_name": names[move.giver], "micros": move.micros})
    return {flight: sorted(rows, key=lambda row: (-abs(row["micros"]), row["flight_id"])) for flight, rows in table.items()}


def sentence(rows: Sequence[dict[str, Any]], currency: str | None) -> str:
    """The remedy of one flight."""
    total = money(abs(sum(row["micros"] for row in rows)), currency)
    parts = [f"{row['campaign_name']} ({money(abs(row['micros']), currency)})" for row in rows[:3]]
    others = f" and {len(rows) - 3} more" if len(rows) > 3 else ""
    listed = ", ".join(parts) + others
    if rows[0]["micros"] < 0:
        return f"{total} of its budget will not be spent here even at the upper end of its forecast, and could move within the client to {listed}."
    return f"If the spend is wanted, {total} more budget could come from flights of the same client that will not spend it: {listed}."
