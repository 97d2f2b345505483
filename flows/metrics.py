"""The figures of the record for Prometheus, read when it asks: any process may serve them, and a restart loses nothing."""

from collections.abc import Callable, Iterator, Sequence

import pandas as pd
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from audit.figures import Figures, Standing
from audit.observations import Observations
from flows.expiries import Expiry


class RecordCollector(Collector):
    """What stands on the record. The loads of the last run are read once per run, the rest at each scrape."""

    def __init__(self, figures: Figures, frames: Observations, expiring: Callable[[], Sequence[Expiry]] = tuple) -> None:
        self._figures, self._frames, self._expiring = figures, frames, expiring
        self._loads: tuple[str, dict[str, pd.Timestamp]] = "", {}

    def collect(self) -> Iterator[Metric]:
        """Every metric of this program.

        Raises:
            PacingError: the record cannot be read.
        """
        now = self._figures.standing()
        yield from of_run(now)
        yield _gauge("pacing_outbox_pending", "Messages that are not delivered yet.", now.pending)
        yield _gauge("pacing_recommendations_open", "Recommendations that await an answer.", now.recommendations)
        yield _counter("pacing_quarantined_rows", "Rows that could not be used, over all sealed runs.", now.quarantined)
        yield _gauge("pacing_ledger_size", "Entries of the ledger.", now.ledger_size)
        yield self._ages(now)
        ends = GaugeMetricFamily("pacing_expires_timestamp_seconds", "When a key, a token or a login ends, where that can be known.", labels=["what"])
        for one in self._expiring():
            if one.ends is not None:
                ends.add_metric([one.what], one.ends.timestamp())
        yield ends

    def describe(self) -> Iterator[Metric]:
        """Nothing: a registry must not read the record when the collector is registered."""
        return iter(())

    def _ages(self, now: Standing) -> Metric:
        ages = GaugeMetricFamily("pacing_warehouse_age_seconds", "Age of the newest load of an account that the last sealed run saw.", labels=["account"])
        for account, loaded in sorted(self._loaded(now.run_id).items()):
            ages.add_metric([account], max((pd.Timestamp(now.now) - loaded).total_seconds(), 0.0))
        return ages

    def _loaded(self, run_id: str | None) -> dict[str, pd.Timestamp]:
        """Account -> its last load. Two platforms may use one id: the older load counts."""
        if run_id is not None and run_id != self._loads[0]:
            loads = self._frames.load(run_id, "loads").dropna(subset=["loaded_at"])
            self._loads = run_id, loads.groupby("account_id")["loaded_at"].min().to_dict()
        return self._loads[1] if run_id is not None else {}


def of_run(now: Standing) -> Iterator[Metric]:
    """What the last sealed run says of itself; without one the families are empty."""
    seconds = GaugeMetricFamily("pacing_run_seconds", "Seconds that each step of the last sealed run took.", labels=["step"])
    for step, taken in now.summary.get("seconds", {}).items():
        seconds.add_metric([step], taken)
    yield seconds
    campaigns = GaugeMetricFamily("pacing_campaigns", "Flights of the last sealed run.", labels=["severity", "action"])
    for severity, actions in now.summary.get("by_severity_and_action", {}).items():
        for action, count in actions.items():
            campaigns.add_metric([severity, action], count)
    yield campaigns
    sealed = GaugeMetricFamily("pacing_last_sealed_run_timestamp_seconds", "When the last live run was sealed.")
    if now.sealed_at is not None:
        sealed.add_metric([], now.sealed_at.timestamp())
    yield sealed


def exposition(collector: Collector) -> bytes:
    """The text that Prometheus reads.

    Raises:
        PacingError: the record cannot be read.
    """
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    return generate_latest(registry)


def _gauge(name: str, said: str, value: float) -> Metric:
    return GaugeMetricFamily(name, said, value=value)


def _counter(name: str, said: str, value: float) -> Metric:
    return CounterMetricFamily(name, said, value=value)
