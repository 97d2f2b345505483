"""Which versions of which libraries a decision was computed with: with the code and the policy, what a replay needs to give equal bytes."""

import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version

COMPUTE_WITH = ("langgraph", "numpy", "orjson", "pandas", "pyarrow", "pydantic", "rapidfuzz", "scipy", "tzdata")


@cache
def versions() -> dict[str, str]:
    """Versions by name, of Python and of what decisions are computed with; what is not installed is left out."""
    found = {"python": platform.python_version()}
    for name in COMPUTE_WITH:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
