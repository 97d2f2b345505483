"""The same share under plan over all of a client's flights: then the plan is gross and the spend net, or a fee is taken off, and no campaign is at fault."""

import numpy as np
import numpy.typing as npt
import pandas as pd

from pacing_brain.model import Lane

CODE = "same_share_under"
LEAST_FLIGHTS = 3
APART_PCT = 1.5  # percentage points of plan between the lowest and the highest
LEAST_PCT = 3.0  # under plan; less is no fee
OVERRULED = ["unknown", "steadily_off_plan", "level_changed", "hit_its_cap"]  # causes that a campaign's own days suggest, and that this explains better
REMEDY = "Compare the plan's budgets with those in the platforms: where the plan is gross, write `gross` into cost_basis and the fee into fee_pct."
ALONE = [Lane.WARNING.value, Lane.CRITICAL.value]


def name(decisions: pd.DataFrame) -> pd.DataFrame:
    """The decisions, with that as the cause of a client's flights where it holds."""
    counts = _counts(decisions)
    shares = _alike(decisions["client"].to_numpy(dtype=object)[counts], decisions["pacing_pct"].to_numpy("float64")[counts])
    if not shares:
        return decisions
    hit = counts & (decisions["client"].isin(shares) & decisions["lane"].isin(ALONE) & decisions["root_cause_code"].isin(OVERRULED)).to_numpy(dtype=bool)
    causes = decisions["root_cause"].copy()
    causes[hit] = decisions["client"][hit].map({client: _sentence(client, *share) for client, share in shares.items()})
    steps = [[REMEDY] if one else old for one, old in zip(hit, decisions["mitigation"], strict=True)]
    return decisions.assign(root_cause=causes, root_cause_code=decisions["root_cause_code"].mask(hit, CODE),
                            mitigation=pd.Series(steps, index=decisions.index, dtype="object"))


def _counts(decisions: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Live flights of a client that spend and whose pacing is known, whatever else is the matter with them."""
    phase, lane = (decisions[name].to_numpy(dtype=object) for name in ("phase", "lane"))
    comparable = decisions["client"].notna() & decisions["pacing_pct"].notna()
    return np.asarray((phase == "live") & (lane != Lane.ESCALATE.value) & comparable.to_numpy() & ~decisions["zero_delivery"].to_numpy(dtype=bool, na_value=False))


def _alike(client: npt.NDArray[np.object_], pacing_pct: npt.NDArray[np.float64]) -> dict[object, tuple[int, float]]:
    """(flights, mean percent under plan) of each client whose flights are all under plan by the same share."""
    codes, clients = pd.factorize(client)
    lowest, highest = np.full(len(clients), np.inf), np.full(len(clients), -np.inf)
    np.minimum.at(lowest, codes, pacing_pct)
    np.maximum.at(highest, codes, pacing_pct)
    found = (np.bincount(codes, minlength=len(clients)) >= LEAST_FLIGHTS) & (highest - lowest <= APART_PCT) & (highest <= 100.0 - LEAST_PCT)
    flights = {clients[at]: pacing_pct[codes == at] for at in np.flatnonzero(found)}
    return {name: (len(theirs), 100.0 - float(np.mean(theirs))) for name, theirs in flights.items()}


def _sentence(client: object, flights: int, under_pct: float) -> str:
    return (f"All {flights} flights of {client} are under plan by the same share, about {under_pct:.0f} %, as they are when the plan is gross and the "
            "spend is net, or when a fee is taken off.")
