"""Who did it: what an entry says of a person. A click is a Slack identity; `--as` is a claim beside what the machine itself knows.

Under `by` in the entry's body. Nobody checks a claim: it counts for the operating-system user who made it, and the rest is kept so that
a reader can judge it.
"""

import os
import pwd
import socket
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, text

from audit.database import storable_text

MAX_CLAIM_CHARACTERS = 200


@dataclass(frozen=True)
class Click:
    """A person in Slack, as Slack's signed request names them."""

    team: str
    user: str

    @property
    def person(self) -> str:
        """Whom it counts for, in the words of `[approvals]` in the policy."""
        return self.user

    @property
    def body(self) -> dict[str, Any]:
        return {"via": "slack", "person": self.person} | asdict(self)


@dataclass(frozen=True)
class Claim:
    """A person at the command line. claim: what `--as` said; the others: what the machine and the database say."""

    claim: str
    system_user: str
    host: str
    database_login: str

    @property
    def person(self) -> str:
        """Whom it counts for, in the words of `[approvals]` in the policy: `os:alice`, whatever the claim."""
        return f"os:{self.system_user}"

    @property
    def body(self) -> dict[str, Any]:
        return {"via": "command", "person": self.person} | asdict(self)


Identity = Click | Claim


def claimed(connection: Connection, claim: str) -> Claim:
    """Who calls this command: the claim, and beside it the login of this connection, this host and the user of this process."""
    login = connection.execute(text("SELECT session_user")).scalar_one()
    said = storable_text(" ".join(claim.split()))[:MAX_CLAIM_CHARACTERS]
    return Claim(said, system_user(), socket.gethostname(), str(login))


def system_user() -> str:
    """The user that this process runs as, from the system and never from the environment, which the caller could set."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container may run as a number without a name
        return str(os.getuid())
