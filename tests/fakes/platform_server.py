"""Advertising platforms over real HTTP and gRPC that the official libraries talk to: one store of campaigns, real status changes counted, faults on demand."""

import datetime as dt
import ipaddress
import json
import re
import socket
import struct
import threading
from collections import deque
from collections.abc import Iterator
from concurrent import futures
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import grpc
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from google.ads.googleads.v26.services.types import campaign_service, google_ads_service

WORDS = {"meta": {"serving": "ACTIVE", "paused": "PAUSED", "ended": "ARCHIVED"},
         "dv360": {"serving": "ENTITY_STATUS_ACTIVE", "paused": "ENTITY_STATUS_PAUSED", "ended": "ENTITY_STATUS_ARCHIVED"},
         "google": {"serving": "ENABLED", "paused": "PAUSED", "ended": "REMOVED"}}
# What a fault does to one call: does the change happen, and what does the caller get?
FAULTS = {"429": False, "500_before": False, "500_after": True, "hang_before": False, "hang_after": True, "reset_before": False, "reset_after": True,
          "garbage_after": True, "refused": False, "expired_token": False, "gone": False, "accepted_without_effect": False}
TOKEN = "platform-test-token"


@dataclass
class Campaign:
    account_id: str
    name: str
    state: str = "serving"
    changed_at: dt.datetime = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)


@dataclass
class PlatformServer:
    """campaigns by id. changes: every real change of a status, in order. faults: one per call of its kind ("read" or "write"), in order."""

    url: str = ""
    endpoint: str = ""
    campaigns: dict[str, Campaign] = field(default_factory=dict)
    changes: list[tuple[str, str]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    faults: dict[str, deque[str]] = field(default_factory=lambda: {"read": deque(), "write": deque()})
    now: dt.datetime = dt.datetime(2026, 11, 6, 12, tzinfo=dt.UTC)
    stopping: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    hangs_s: float = 20.0  # a call that hangs
    stale: dict[str, str] = field(default_factory=dict)  # campaign -> the state that reads go on to show

    def change(self, campaign_id: str, state: str) -> None:
        with self.lock:
            campaign = self.campaigns[campaign_id]
            if campaign.state != state:
                campaign.state, campaign.changed_at = state, self.now
                self.changes.append((campaign_id, state))

    def next_fault(self, kind: str) -> str | None:
        with self.lock:
            self.calls.append(kind)
            return self.faults[kind].popleft() if self.faults[kind] else None

    def write(self, campaign_id: str, state: str) -> str | None:
        """The change, as far as the next fault lets it happen; the fault."""
        fault = self.next_fault("write")
        if fault is None or FAULTS[fault]:
            self.change(campaign_id, state)
        return fault

    def shown(self, campaign_id: str) -> str:
        return self.stale.get(campaign_id, self.campaigns[campaign_id].state)


@contextmanager
def platform_server(folder: Path | None = None) -> Iterator[PlatformServer]:
    """Meta and DV360 over HTTP; with a folder for its certificate (`root.pem`), Google Ads over gRPC too."""
    state = PlatformServer()
    http = ThreadingHTTPServer(("127.0.0.1", 0), type("Handler", (_Handler,), {"state": state}))
    http.daemon_threads = True
    state.url = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    server = _google(state, folder) if folder else None
    try:
        yield state
    finally:
        state.stopping.set()
        http.shutdown()
        http.server_close()
        thread.join()
        if server:
            server.stop(0).wait()


class _Handler(BaseHTTPRequestHandler):
    """`/v23.0/<campaign>` is Meta's, `/v4/advertisers/<account>/insertionOrders/<order>` is DV360's."""

    protocol_version = "HTTP/1.1"
    state: PlatformServer

    def log_message(self, *_args: object) -> None:
        """Quiet."""

    def do_GET(self) -> None:
        name, campaign_id = self._place()
        if not self._fault(self.state.next_fault("read"), name):
            self._show(name, campaign_id)

    def do_POST(self) -> None:
        body = parse_qs(self._body())
        _, campaign_id = self._place()
        if not self._known("meta", campaign_id):
            return
        wanted = next(state for state, word in WORDS["meta"].items() if word == body["status"][0])
        if not self._fault(self.state.write(campaign_id, wanted), "meta"):
            self._answer(200, {"success": True})

    def do_PATCH(self) -> None:
        body = json.loads(self._body())
        _, campaign_id = self._place()
        if not self._known("dv360", campaign_id):
            return
        wanted = next(state for state, word in WORDS["dv360"].items() if word == body["entityStatus"])
        if not self._fault(self.state.write(campaign_id, wanted), "dv360"):
            self._show("dv360", campaign_id)

    def _place(self) -> tuple[str, str]:
        path = urlsplit(self.path).path
        order = re.fullmatch(r"/v4/advertisers/[^/]+/insertionOrders/([^/]+)", path)
        return ("dv360", order[1]) if order else ("meta", path.rstrip("/").rsplit("/", 1)[-1])

    def _body(self) -> str:
        return self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()

    def _known(self, name: str, campaign_id: str) -> bool:
        if campaign_id in self.state.campaigns:
            return True
        self._refuse(name, 404 if name == "dv360" else 400, 100, "no such campaign")
        return False

    def _show(self, name: str, campaign_id: str) -> None:
        if not self._known(name, campaign_id):
            return
        found, word = self.state.campaigns[campaign_id], WORDS[name][self.state.shown(campaign_id)]
        if name == "meta":
            self._answer(200, {"id": campaign_id, "name": found.name, "account_id": found.account_id, "status": word, "effective_status": word,
                               "updated_time": found.changed_at.strftime("%Y-%m-%dT%H:%M:%S%z")})
        else:
            self._answer(200, {"insertionOrderId": campaign_id, "displayName": found.name, "entityStatus": word,
                               "updateTime": found.changed_at.isoformat().replace("+00:00", "Z")})

    def _fault(self, fault: str | None, name: str) -> bool:
        """Play the fault; false when there is none, or one that the caller cannot see."""
        if fault is None or fault == "accepted_without_effect":
            return False
        if fault.startswith("hang"):
            self.state.stopping.wait(self.state.hangs_s)
        if fault.startswith(("hang", "reset")):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()
            self.close_connection = True
            return True
        if fault.startswith("garbage"):
            self._raw(200, b"<html>not what was asked for")
            return True
        status, code, message = {"429": (429, 17, "too many calls"), "refused": (403, 200, "no permission"), "expired_token": (401, 190, "token ended"),
                                 "gone": (404, 100, "no such campaign")}.get(fault, (500, 1, "something went wrong"))
        self._refuse(name, 400 if name == "meta" and status < 500 else status, code, message)
        return True

    def _refuse(self, name: str, status: int, code: int, message: str) -> None:
        error = {"message": message, "code": code, "type": "OAuthException"} if name == "meta" else {"code": status, "message": message}
        self._answer(status, {"error": error})

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        self._raw(status, json.dumps(body).encode())

    def _raw(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _google(state: PlatformServer, folder: Path) -> grpc.Server:
    """The two services of Google Ads that are used, over TLS with a certificate of its own."""
    key, certificate = _certificate(folder)
    server = grpc.server(futures.ThreadPoolExecutor(4))
    service = "google.ads.googleads.v26.services."
    search = grpc.unary_unary_rpc_method_handler(
        lambda request, context: _searched(state, request, context), google_ads_service.SearchGoogleAdsRequest.deserialize,
        google_ads_service.SearchGoogleAdsResponse.serialize)
    mutate = grpc.unary_unary_rpc_method_handler(
        lambda request, context: _mutated(state, request, context), campaign_service.MutateCampaignsRequest.deserialize,
        campaign_service.MutateCampaignsResponse.serialize)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service + "GoogleAdsService", {"Search": search}),
                                     grpc.method_handlers_generic_handler(service + "CampaignService", {"MutateCampaigns": mutate})))
    port = server.add_secure_port("localhost:0", grpc.ssl_server_credentials([(key, certificate)]))
    server.start()
    state.endpoint = f"localhost:{port}"
    return server


def _searched(state: PlatformServer, request: Any, context: grpc.ServicerContext) -> Any:
    campaign_id = re.findall(r"campaign\.id = (\d+)|campaigns/(\d+)'", request.query)[0]
    found = state.campaigns.get(campaign_id[0] or campaign_id[1])
    answer = google_ads_service.SearchGoogleAdsResponse()
    if "change_status" in request.query:
        if found:
            answer.results.append({"change_status": {"last_change_date_time": found.changed_at.strftime("%Y-%m-%d %H:%M:%S.%f")}})
        return answer
    _grpc_fault(state, state.next_fault("read"), context)
    if found and found.account_id.replace("-", "") == request.customer_id:
        answer.results.append({"campaign": {"id": int(campaign_id[0]), "name": found.name, "status": WORDS["google"][state.shown(campaign_id[0])]},
                               "customer": {"time_zone": "UTC"}})
    return answer


def _mutated(state: PlatformServer, request: Any, context: grpc.ServicerContext) -> Any:
    wanted = request.operations[0].update
    campaign_id = wanted.resource_name.rsplit("/", 1)[-1]
    if campaign_id not in state.campaigns:
        context.abort(grpc.StatusCode.NOT_FOUND, "no such campaign")
    _grpc_fault(state, state.write(campaign_id, next(one for one, word in WORDS["google"].items() if word == wanted.status.name)), context)
    return campaign_service.MutateCampaignsResponse(results=[{"resource_name": wanted.resource_name}])


def _grpc_fault(state: PlatformServer, fault: str | None, context: grpc.ServicerContext) -> None:
    if fault is None or fault == "accepted_without_effect":
        return
    if fault.startswith("hang"):
        state.stopping.wait(state.hangs_s)
    code = {"429": grpc.StatusCode.RESOURCE_EXHAUSTED, "refused": grpc.StatusCode.PERMISSION_DENIED, "gone": grpc.StatusCode.NOT_FOUND,
            "expired_token": grpc.StatusCode.UNAUTHENTICATED}.get(fault, grpc.StatusCode.UNAVAILABLE if fault.startswith("reset") else grpc.StatusCode.INTERNAL)
    context.abort(code, fault)


def _certificate(folder: Path) -> tuple[bytes, bytes]:
    """A key and a certificate for localhost; the certificate is its own root and is written to `root.pem`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    start = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    names = x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    built = (x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(x509.random_serial_number())
             .not_valid_before(start).not_valid_after(start + dt.timedelta(days=36500)).add_extension(names, critical=False)
             .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(key, hashes.SHA256()))
    pem = built.public_bytes(serialization.Encoding.PEM)
    (folder / "root.pem").write_bytes(pem)
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()), pem
