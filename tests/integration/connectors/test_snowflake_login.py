"""Every way to log in reaches the server with the right credential, bounded in time, and leaks nothing."""

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import gzip
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from connectors.snowflake import Warehouse
from connectors.snowflake_settings import SnowflakeSettings
from pacing_brain.errors import SpendRefused, SpendUnavailable


class Login:
    """A Snowflake login endpoint that notes what it was sent and answers as told."""

    def __init__(self) -> None:
        self.seen: list[dict] = []
        self.answers: list[tuple[int, dict]] = []
        login = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if self.headers.get("Content-Encoding") == "gzip":
                    body = gzip.decompress(body)
                if "login-request" in self.path:
                    login.seen.append(json.loads(body)["data"])
                    status, answer = login.answers.pop(0) if len(login.answers) > 1 else login.answers[0]
                else:
                    status, answer = 200, {"success": True, "data": None}
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_args):
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.settings = SnowflakeSettings(account="acme", user="PACING", host="127.0.0.1", port=self.server.server_port, protocol="http",
                                          login_timeout_s=3, network_timeout_s=3, attempts=2, first_wait_s=0.01)


WELCOME = (200, {"success": True, "data": {"token": "t", "masterToken": "m", "serverVersion": "9", "parameters": [], "sessionInfo": {}}})


def refusal(code, message):
    return 200, {"success": False, "code": code, "message": message, "data": {}}


@pytest.fixture
def login() -> Iterator[Login]:
    made = Login()
    thread = threading.Thread(target=made.server.serve_forever, daemon=True)
    thread.start()
    yield made
    made.server.shutdown()
    made.server.server_close()
    thread.join()


def key_file(path, passphrase=None):
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    lock = serialization.BestAvailableEncryption(passphrase) if passphrase else serialization.NoEncryption()
    path.write_bytes(key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock))
    return path


def log_in(settings):
    with Warehouse(settings, "run-7"):
        pass


def test_the_query_tag_is_the_run_id(login):
    """The session starts with the run's tag, in UTC, with a statement timeout."""
    login.answers = [WELCOME]
    log_in(replace(login.settings, password="sesame"))
    asked = login.seen[0]["SESSION_PARAMETERS"]
    assert (asked["QUERY_TAG"], asked["TIMEZONE"], asked["STATEMENT_TIMEOUT_IN_SECONDS"]) == ("run-7", "UTC", 600)
    assert login.seen[0]["PASSWORD"] == "sesame"


@pytest.mark.parametrize("passphrase", [None, "open"])
def test_a_key_pair_logs_in(login, tmp_path, passphrase):
    """A private key, with a passphrase or without, becomes a signed token; the key itself stays here."""
    login.answers = [WELCOME]
    path = key_file(tmp_path / "key.p8", passphrase.encode() if passphrase else None)
    log_in(replace(login.settings, private_key_file=path, private_key_file_pwd=passphrase))
    assert login.seen[0]["AUTHENTICATOR"] == "SNOWFLAKE_JWT"
    assert login.seen[0]["TOKEN"].count(".") == 2


def test_a_wrong_passphrase_is_refused(login, tmp_path):
    """A key that cannot be opened is one line, without the passphrase."""
    path = key_file(tmp_path / "key.p8", b"open")
    with pytest.raises(SpendRefused, match="SNOWFLAKE_PRIVATE_KEY_FILE_PWD") as caught:
        log_in(replace(login.settings, private_key_file=path, private_key_file_pwd="sesame"))
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize(("authenticator", "sent"), [(None, "PROGRAMMATIC_ACCESS_TOKEN"), ("oauth", "OAUTH")])
def test_a_token_logs_in(login, authenticator, sent):
    """A token is a programmatic access token unless the authenticator says otherwise."""
    login.answers = [WELCOME]
    log_in(replace(login.settings, token="tok-123", authenticator=authenticator))
    assert (login.seen[0]["AUTHENTICATOR"], login.seen[0]["TOKEN"]) == (sent, "tok-123")


def test_a_connection_of_the_toml_file_is_used(login, tmp_path):
    """connections.toml supplies what is not set."""
    login.answers = [WELCOME]
    path = tmp_path / "connections.toml"
    path.write_text(f'[prod]\naccount = "acme"\nuser = "TOML"\npassword = "sesame"\nhost = "127.0.0.1"\nport = {login.settings.port}\n'
                    'protocol = "http"\n', encoding="utf-8")
    path.chmod(0o600)
    log_in(SnowflakeSettings(connection_name="prod", connections_file=path, login_timeout_s=3))
    assert login.seen[0]["LOGIN_NAME"] == "TOML"


@pytest.mark.parametrize(("code", "step"), [("390100", "SNOWFLAKE_USER"), ("394304", "RSA_PUBLIC_KEY"), ("394303", "clock"),
                                            ("390144", "RSA_PUBLIC_KEY"), ("390422", "network policy")])
def test_a_refused_login_says_the_next_step(login, code, step):
    """A refusal is terminal, asked once, names its code and what to look at, and never the password."""
    login.answers = [refusal(code, "Incorrect username or password sesame was specified.")]
    with pytest.raises(SpendRefused, match=step) as caught:
        log_in(replace(login.settings, password="sesame"))
    assert code in str(caught.value)
    assert "sesame" not in str(caught.value)
    assert len(login.seen) == 1


def test_a_server_in_trouble_is_asked_again_and_then_unavailable(login):
    """A 503 is transient: asked again within bounds, then SpendUnavailable."""
    login.answers = [(503, {})]
    with pytest.raises(SpendUnavailable, match="did not answer"):
        log_in(replace(login.settings, password="sesame", login_timeout_s=1, attempts=1))
    assert len(login.seen) >= 1
