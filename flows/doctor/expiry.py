"""The doctor on what ends by itself: keys, tokens, certificates."""

from datetime import UTC, datetime

from audit.keys import FILE
from flows.doctor.checks import Checks, Subject
from flows.expiries import expiries


def check_expiry(subject: Subject, checks: Checks) -> None:
    """What ends within 14 days is a problem; what cannot be known is said. The database's login is looked at by upkeep and /metrics."""
    now = subject.now()
    for one in expiries(subject.settings):
        if line := one.warning(now):
            checks.problem(one.what, f"{line.removesuffix(one.mend).strip()}", one.mend)
        else:
            checks.ok(one.what, f"holds until {one.ends:%Y-%m-%d}" if one.ends else one.says)
    _signing_key(subject, now, checks)
    if not checks.found:
        checks.ok("keys", "nothing that is configured ends by itself")


def _signing_key(subject: Subject, now: datetime, checks: Checks) -> None:
    """It has no end, because old checkpoints are verified with it; its age is said."""
    path = subject.settings.signing_key_file or subject.settings.home / "keys" / FILE
    try:
        made = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError:
        return
    checks.ok("signing key", f"{max((now - made).days, 0)} days old; it has no end: old checkpoints are verified with it")
