"""A LangChain chat model that rewrites what the rules wrote. It decides nothing, and nothing waits for it but its own step.

Each call is reserved on a day's budget before it begins. What may pass is tried again with backoff, a few calls run at a time, and all of them
together end in time. Tracing is off, whatever the environment says.
"""

import queue
import threading
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Protocol

from audit.llm_usage import Call, Limits, Price
from flows.settings import Settings
from pacing_brain.errors import SettingError
from pacing_brain.narration import Asked, checked

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

CONCURRENT = 2
TRIES = 3
BACKOFF_S = 1.0  # before the second try; twice that before the third
CALL_S = 20.0  # one call
ALL_S = 90.0  # all calls of a run together
OUTPUT_TOKENS = 400
BYTES_PER_TOKEN = 2  # fewer than any tokenizer needs on average: what is reserved is more than what is used
PASSING = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 529})
LATE_WHY = "there was no time left for it"
BUDGET_WHY = "the day's budget of PACING_LLM_TOKENS_PER_DAY or PACING_LLM_USD_PER_DAY is used up"


class Meter(Protocol):
    """What calls used (`audit.llm_usage.LlmUsage`)."""

    def begin(self, call: Call, input_tokens: int, output_tokens: int, limits: Limits) -> bool: ...
    def end(self, call: Call, outcome: str, *, used: tuple[int, int] | None, limits: Limits, why: str = "") -> None: ...


@dataclass(frozen=True)
class Narrated:
    """text: what may be shown beside the rule-based text, else null, and why not. calls: how often the model was asked."""

    text: str | None
    why: str
    calls: int


@dataclass(frozen=True)
class Narrator:
    """name: provider:model, as configured."""

    name: str
    model: "BaseChatModel"
    limits: Limits
    meter: Meter
    backoff_s: float = BACKOFF_S
    all_s: float = ALL_S

    def narrate(self, run_id: str, cases: Mapping[str, Asked]) -> dict[str, Narrated]:
        """flight_id -> what the model made of it. What has not ended in time is left to itself, and counts as not answered."""
        waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
        for flight in cases:
            waiting.put(flight)
        found: dict[str, Narrated] = {}
        ends = time.monotonic() + self.all_s
        workers = [threading.Thread(target=self._work, args=(run_id, cases, waiting, found, ends), daemon=True) for _ in range(CONCURRENT)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join(max(ends - time.monotonic(), 0.0))
        known = dict(found)
        return {flight: known.get(flight, Narrated(None, LATE_WHY, 0)) for flight in cases}

    def _work(self, run_id: str, cases: Mapping[str, Asked], waiting: "queue.SimpleQueue[str]", found: dict[str, Narrated], ends: float) -> None:
        from langsmith import tracing_context

        with tracing_context(enabled=False), suppress(queue.Empty):
            while time.monotonic() < ends:
                flight = waiting.get_nowait()
                try:
                    found[flight] = self._one(run_id, flight, cases[flight], ends)
                except Exception as error:  # noqa: BLE001  the record is gone: the others would find the same
                    found[flight] = Narrated(None, _said(error), 0)

    def _one(self, run_id: str, flight: str, case: Asked, ends: float) -> Narrated:
        why = ""
        for tried in range(TRIES):
            if tried:
                time.sleep(min(self.backoff_s * 2 ** (tried - 1), max(ends - time.monotonic(), 0.0)))
            if time.monotonic() >= ends:
                return Narrated(None, LATE_WHY, tried)
            call = Call(uuid.uuid4(), run_id, flight, self.name)
            if not self.meter.begin(call, _most_tokens(case), OUTPUT_TOKENS, self.limits):
                return Narrated(None, BUDGET_WHY, tried)
            try:
                answer = self.model.invoke([("system", case.rules), ("human", case.data)])
            except Exception as error:  # noqa: BLE001  every provider raises errors of its own, and none may touch the run
                why = _said(error)
                self.meter.end(call, "failed", used=None, limits=self.limits, why=why)
                if not _passes(error):
                    return Narrated(None, why, tried + 1)
                continue
            self.meter.end(call, "answered", used=_used(answer), limits=self.limits)
            said = checked(str(answer.text), case.facts)
            return Narrated(said.text, said.why, tried + 1)
        return Narrated(None, why, TRIES)


def narrator_of(settings: Settings, meter: Meter, call_s: float = CALL_S) -> Narrator | None:
    """The narrator of these settings; null: none is configured.

    Raises:
        SettingError: as `model_of`.
    """
    return None if settings.llm is None else Narrator(settings.llm, model_of(settings, settings.llm, call_s), _limits(settings), meter)


def model_of(settings: Settings, name: str, call_s: float = CALL_S) -> "BaseChatModel":
    """The chat model `provider:model` with these settings. Nothing is asked of it yet.

    Raises:
        SettingError: LangChain or the provider's package is not installed, or it refuses its settings.
    """
    given = {"base_url": settings.llm_url, "api_key": settings.llm_api_key.get_secret_value() if settings.llm_api_key else None}
    options: dict[str, Any] = {name: value for name, value in given.items() if value} | {"max_tokens": OUTPUT_TOKENS, "max_retries": 0, "timeout": call_s}
    try:
        from langchain.chat_models import init_chat_model

        model: BaseChatModel = init_chat_model(name, **options)
    except ImportError as error:
        raise SettingError(f"PACING_LLM is {name}, and its library is not installed: install pacing-monitor[narrator], and langchain-<provider> ({error.name})") from None
    except Exception as error:  # noqa: BLE001  a provider's class raises errors of its own
        raise SettingError(f"PACING_LLM is {name}, which cannot be used: {_said(error)}. Look at PACING_LLM_URL and PACING_LLM_API_KEY") from None
    return model


def _limits(settings: Settings) -> Limits:
    into, _, out = (settings.llm_price or "").partition(":")
    price = Price(Decimal(into), Decimal(out)) if out else None
    return Limits(settings.llm_tokens_per_day, round(settings.llm_usd_per_day * 1_000_000), price)


def _most_tokens(case: Asked) -> int:
    return len((case.rules + case.data).encode()) // BYTES_PER_TOKEN


def _used(answer: Any) -> tuple[int, int] | None:
    usage = answer.usage_metadata
    return (int(usage["input_tokens"]), int(usage["output_tokens"])) if usage else None


def _passes(error: Exception) -> bool:
    """Whether the same call may succeed later: by LangChain's own word, else by the HTTP status that providers' errors carry, else a broken connection."""
    if isinstance(error, TimeoutError | ConnectionError) or getattr(error, "is_retryable", False):
        return True
    return getattr(error, "status_code", None) in PASSING


def _said(error: Exception) -> str:
    """The kind of error, and the status if it has one: what a provider writes into its errors may quote what it was sent."""
    status = getattr(error, "status_code", None)
    return f"{type(error).__name__}{f' ({status})' if status else ''}"
