"""The decision: values in, values out; no I/O, no environment, no clock."""

from pacing_brain.model import Action, Lane, Severity
from pacing_brain.policy import Policy

__all__ = ["Action", "Lane", "PacingAlert", "PacingBrain", "Policy", "ReconciledSpend", "Severity", "SpendRecord"]


def __getattr__(name: str) -> object:
    """The heavy names are imported when they are asked for: whoever only needs a policy does not load LangGraph."""
    if name == "PacingBrain":
        from pacing_brain.brain import PacingBrain

        return PacingBrain
    if name in ("PacingAlert", "ReconciledSpend", "SpendRecord"):
        from pacing_brain import single

        return getattr(single, name)
    raise AttributeError(f"module 'pacing_brain' has no attribute {name!r}")
