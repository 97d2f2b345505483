"""What ends, as far as it can be known."""

import base64
import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from flows.doctor.checks import Checks, Subject
from flows.doctor.expiry import check_expiry
from flows.expiries import ends_of_token, expiries, warnings
from flows.settings import Settings

NOW = datetime(2026, 5, 21, tzinfo=UTC)
SNOWFLAKE = {"SNOWFLAKE_ACCOUNT": "acme-eu", "SNOWFLAKE_USER": "pacing"}


def token(**claims: object) -> str:
    return ".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in ({"alg": "x"}, claims, {}))


def settings(**own: object) -> Settings:
    defaults = {each.alias or name: each.default for name, each in Settings.model_fields.items()}
    return Settings.read(**defaults | {"_env_file": None} | own)


def certificate(path, ends: datetime) -> None:
    key, name = Ed25519PrivateKey.generate(), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pacing")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    path.write_bytes(made.not_valid_before(ends - timedelta(days=90)).not_valid_after(ends).sign(key, None).public_bytes(Encoding.PEM))


@pytest.mark.parametrize(("days", "says"), [(15, None), (13, "ends in 13 days"), (-1, "has ended")])
def test_a_token_that_says_its_end_is_warned_of_in_its_last_14_days(days, says):
    """Fifteen days before it nothing is said; then once it is near, and when it is over, with how to renew it."""
    own = settings(**SNOWFLAKE, SNOWFLAKE_TOKEN=token(exp=(NOW + timedelta(days=days)).timestamp()))
    said = [line for _, line in warnings(expiries(own), NOW)]
    assert (said == []) if says is None else (says in said[0] and "ROTATE" in said[0])


@pytest.mark.parametrize("odd", ["", "opaque", "a.b.c", "a.b", token(sub="x"), token(exp="soon"), token(exp=1e300), token(exp=None), "é.é.é"])
def test_a_token_that_says_nothing_is_no_guess(odd):
    """Whatever stands there, an end is known or it is not; nothing is raised."""
    assert ends_of_token(odd) is None


def test_the_clients_certificate(tmp_path):
    """The certificate of the database's URL is read; one that cannot be is said."""
    certificate(tmp_path / "client.pem", NOW + timedelta(days=3))
    own = settings(PACING_DATABASE_URL=f"postgresql://u@h/d?sslcert={tmp_path}/client.pem")
    assert [one.ends for one in expiries(own)] == [NOW + timedelta(days=3)]
    (gone,) = expiries(settings(PACING_DATABASE_URL="postgresql://u@h/d?sslcert=/nowhere.pem"))
    assert "cannot be read" in gone.says


def test_the_doctor_names_what_ends_and_what_cannot_be_known(tmp_path):
    """One problem with its mend; a key pair, an unknown token and Slack's token are said to have no end that is known; no token is shown."""
    secret = token(exp=(NOW + timedelta(days=2)).timestamp())
    own = settings(PACING_HOME=tmp_path, **SNOWFLAKE, SNOWFLAKE_TOKEN=secret, SNOWFLAKE_PRIVATE_KEY_FILE=tmp_path / "k.p8",
                   SLACK_BOT_TOKEN="xoxb-1", SLACK_CHANNEL="C1")
    checks = Checks("Expiry")
    check_expiry(Subject(own, now=lambda: NOW), checks)
    (problem,) = [check for check in checks.found if check.state == "problem"]
    assert (problem.what, problem.says) == ("SNOWFLAKE_TOKEN", "SNOWFLAKE_TOKEN ends in 2 days (2026-05-23 00:00 UTC).")
    assert problem.mend.startswith("Make a new one")
    assert {check.what for check in checks.found} == {"SNOWFLAKE_TOKEN", "SNOWFLAKE_PRIVATE_KEY_FILE", "SLACK_BOT_TOKEN"}
    assert secret not in str(checks.found)
