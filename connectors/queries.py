"""SQL stands in `sql/*.sql`. A file may have gaps, `{{NAME}}`: they take names that the warehouse itself listed, or a fixed fragment.

Values never fill a gap: they travel as binds.
"""

import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

_GAP = re.compile(r"\{\{(\w+)\}\}")


@cache
def _text(name: str) -> str:
    return (files("connectors") / "sql" / f"{name}.sql").read_text(encoding="utf-8")


def query(name: str, **gaps: str) -> str:
    """The statement of `sql/<name>.sql` with its gaps filled.

    Raises:
        KeyError: a gap was given no text.
    """
    return _GAP.sub(lambda gap: gaps[gap[1]], _text(name)).strip()


def identifier(*parts: str) -> str:
    """A quoted, qualified name: `"SCHEMA"."TABLE"`."""
    return ".".join('"' + part.replace('"', '""') + '"' for part in parts)


def optional(have: Mapping[str, str], wanted: Mapping[str, str], alias: str = "") -> dict[str, str]:
    """For each wanted column its quoted name if the table has it, else a typed null. `wanted`: column -> SQL type of the null."""
    prefix = f"{alias}." if alias else ""
    return {name: prefix + identifier(name) if name in have else f"CAST(NULL AS {kind})" for name, kind in wanted.items()}
