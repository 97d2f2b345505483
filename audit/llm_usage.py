"""Tokens and cost of the narrator's calls: reserved at their most before a call begins, settled at what it used."""

import uuid
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from sqlalchemy import Connection, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from audit import clock
from audit.database import Database, storable_text
from audit.tables import llm_usage

BUDGET_LOCK = 7_305_010  # advisory: two calls never see the same rest of a day's budget
MAX_WHY_CHARACTERS = 300


@dataclass(frozen=True)
class Price:
    """US dollars per million tokens: micros of a dollar per token."""

    into: Decimal
    out: Decimal

    def micros(self, input_tokens: int, output_tokens: int) -> int:
        return int((self.into * input_tokens + self.out * output_tokens).to_integral_value(ROUND_HALF_EVEN))


@dataclass(frozen=True)
class Limits:
    """What a UTC day may use. price: null: it is not known, the cost is not recorded, and only the tokens are limited."""

    tokens_per_day: int
    usd_micros_per_day: int
    price: Price | None = None

    def cost(self, input_tokens: int, output_tokens: int) -> int | None:
        return self.price.micros(input_tokens, output_tokens) if self.price else None


@dataclass(frozen=True)
class Call:
    """A call that may begin."""

    call_id: uuid.UUID
    run_id: str
    subject: str
    model: str


class LlmUsage:
    def __init__(self, database: Database) -> None:
        self.database = database

    def begin(self, call: Call, input_tokens: int, output_tokens: int, limits: Limits) -> bool:
        """Reserve what the call can use at most; whether the day's budget has room for it."""
        cost = limits.cost(input_tokens, output_tokens)
        with self.database.transaction() as connection:
            connection.execute(select(func.pg_advisory_xact_lock(BUDGET_LOCK)))
            used = _today(connection)
            if used["tokens"] + input_tokens + output_tokens > limits.tokens_per_day or (cost is not None and used["usd_micros"] + cost > limits.usd_micros_per_day):
                return False
            connection.execute(insert(llm_usage).values(
                call_id=call.call_id, at=clock.now(connection), run_id=call.run_id, subject=call.subject, model=call.model, outcome="started",
                input_tokens=input_tokens, output_tokens=output_tokens, reported=False, cost_usd_micros=cost, why=""))
        return True

    def end(self, call: Call, outcome: str, *, used: tuple[int, int] | None, limits: Limits, why: str = "") -> None:
        """Settle a call. used: (input, output) tokens as the provider counted them; null: it did not say, so the reservation stands."""
        counted: dict[str, Any] = {} if used is None else {"input_tokens": used[0], "output_tokens": used[1], "reported": True, "cost_usd_micros": limits.cost(*used)}
        with self.database.transaction() as connection:
            mine = update(llm_usage).where(llm_usage.c.call_id == call.call_id, llm_usage.c.outcome == "started")
            connection.execute(mine.values(outcome=outcome, why=storable_text(" ".join(why.split()))[:MAX_WHY_CHARACTERS], **counted))

    def of_run(self, run_id: str) -> list[dict[str, Any]]:
        """The calls of a run, in order."""
        with self.database.transaction() as connection:
            rows = connection.execute(select(llm_usage).where(llm_usage.c.run_id == run_id).order_by(llm_usage.c.at, llm_usage.c.call_id))
            return [dict(row._mapping) for row in rows]  # noqa: SLF001  SQLAlchemy's public name for it

    def today(self) -> dict[str, int]:
        """Tokens and micros of a dollar since midnight UTC, reservations included."""
        with self.database.transaction() as connection:
            return _today(connection)


def _today(connection: Connection) -> dict[str, int]:
    midnight = clock.now(connection).replace(hour=0, minute=0, second=0, microsecond=0)
    of_day = llm_usage.c.at >= midnight, llm_usage.c.at < midnight + timedelta(days=1)
    tokens = func.coalesce(func.sum(llm_usage.c.input_tokens + llm_usage.c.output_tokens), text("0"))
    row = connection.execute(select(tokens.label("tokens"), func.coalesce(func.sum(llm_usage.c.cost_usd_micros), text("0")).label("usd_micros")).where(*of_day)).one()
    return {"tokens": int(row.tokens), "usd_micros": int(row.usd_micros)}
