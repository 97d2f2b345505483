"""What the ledger was at an instant, said and signed: a checkpoint in a signed note, both as C2SP writes them. Pure.

Source: https://c2sp.org/signed-note and https://c2sp.org/tlog-checkpoint.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from audit.merkle import HASH_BYTES
from pacing_brain.errors import LedgerError

ORIGIN = "pacing-monitor/{ledger_id}"
MAX_NOTE_CHARACTERS = 1_000_000
MAX_SIGNATURES = 100
_ED25519 = b"\x01"
_KEY_ID_BYTES = 4
_SIGNATURE = re.compile(r"— ([^\s+]+) (\S+)")
_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f]")
_VERIFIER = re.compile(r"([^\s+]+)\+([0-9a-f]{8})\+(\S+)")


@dataclass(frozen=True)
class Checkpoint:
    """Size and root of a ledger. origin: which one; extensions: further lines, which mean nothing to us."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        return "".join(f"{line}\n" for line in (self.origin, self.size, base64.b64encode(self.root).decode(), *self.extensions))

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises LedgerError: it is no checkpoint."""
        lines = text.split("\n")
        if len(lines) < 4 or lines[-1] or not all(lines[:-1]):
            raise LedgerError("it is no checkpoint: an origin, a size and a root, a line each")
        origin, size, root, *extensions = lines[:-1]
        if not re.fullmatch(r"0|[1-9][0-9]{0,18}", size):
            raise LedgerError(f"it is no checkpoint: {size!r} is no size")
        return cls(origin, int(size), _hash(root), tuple(extensions))


@dataclass(frozen=True)
class Verifier:
    """A public key with its name; as text `<name>+<key id>+<base64 of 0x01 and the key>`."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        """Names the key in a signature, as a hint: the first bytes of a hash over name and key."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:_KEY_ID_BYTES]

    @property
    def text(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(_ED25519 + self.public).decode()}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises LedgerError: it is no Ed25519 key in note form, or its key id is another's."""
        found = _VERIFIER.fullmatch(text.strip())
        key = _decoded(found[3]) if found else b""
        if not found or key[:1] != _ED25519 or len(key) != 33:
            raise LedgerError("it is no public key in note form: <name>+<key id>+<base64 of an Ed25519 key>")
        verifier = cls(found[1], key[1:])
        if verifier.key_id.hex() != found[2]:
            raise LedgerError(f"the public key of {found[1]} has key id {verifier.key_id.hex()}, not {found[2]}")
        return verifier

    def accepts(self, text: str, signature: bytes) -> bool:
        try:
            Ed25519PublicKey.from_public_bytes(self.public).verify(signature, text.encode())
        except (InvalidSignature, ValueError):
            return False
        return True


@dataclass(frozen=True)
class Signer:
    """A private key with the name it signs under."""

    name: str
    private: Ed25519PrivateKey

    @property
    def verifier(self) -> Verifier:
        return Verifier(self.name, self.private.public_key().public_bytes_raw())

    def line(self, text: str) -> str:
        return f"— {self.name} {base64.b64encode(self.verifier.key_id + self.private.sign(text.encode())).decode()}\n"


def sign(text: str, signers: Sequence[Signer]) -> str:
    """A signed note: the text, a blank line, a line for each signature.

    Raises:
        LedgerError: a text that no note may have.
    """
    if not text.endswith("\n") or _CONTROL.search(text):
        raise LedgerError("a note's text ends with a newline and has no other control character")
    return text + "\n" + "".join(signer.line(text) for signer in signers)


def opened(note: str, verifiers: Sequence[Verifier]) -> tuple[str, tuple[Verifier, ...]]:
    """The text of a note, and whose signatures it bears.

    1. the text ends before the last blank line; what follows is signatures alone
    2. signatures of unknown keys are ignored
    3. a signature of a known key that is not good refuses the note, whatever else it bears
    4. at least one known key has signed

    Raises:
        LedgerError: the note is malformed or refused.
    """
    text, blank, rest = note.rpartition("\n\n")  # 1
    text += "\n"
    if not blank or len(note) > MAX_NOTE_CHARACTERS or _CONTROL.search(note) or not rest.endswith("\n"):
        raise LedgerError("it is no signed note")
    lines = rest[:-1].split("\n")
    if len(lines) > MAX_SIGNATURES:
        raise LedgerError(f"it is no signed note: it has more than {MAX_SIGNATURES} signatures")
    known = {(verifier.name, verifier.key_id): verifier for verifier in verifiers}
    good: dict[Verifier, None] = {}
    for line in lines:
        name, key_id, signature = _signature(line)
        verifier = known.get((name, key_id))
        if verifier is None:  # 2
            continue
        if not verifier.accepts(text, signature):  # 3
            raise LedgerError(f"the signature of {name} ({key_id.hex()}) is not good")
        good[verifier] = None
    if not good:  # 4
        raise LedgerError("no known key has signed it")
    return text, tuple(good)


def read_checkpoint(note: str, verifiers: Sequence[Verifier]) -> Checkpoint:
    """The checkpoint in a note, signed by the log itself: the key of one known verifier that bears the checkpoint's origin as its name.

    Raises:
        LedgerError: as `opened` and `Checkpoint.parse`, or only others (witnesses) have signed it.
    """
    text, signed = opened(note, verifiers)
    checkpoint = Checkpoint.parse(text)
    if not any(verifier.name == checkpoint.origin for verifier in signed):
        raise LedgerError(f"it is of {checkpoint.origin!r}, whose own key has not signed it")
    return checkpoint


def _signature(line: str) -> tuple[str, bytes, bytes]:
    found = _SIGNATURE.fullmatch(line)
    data = _decoded(found[2]) if found else b""
    if not found or len(data) <= _KEY_ID_BYTES:
        raise LedgerError("it is no signed note: a line below its text is no signature")
    return found[1], data[:_KEY_ID_BYTES], data[_KEY_ID_BYTES:]


def _hash(text: str) -> bytes:
    root = _decoded(text)
    if len(root) != HASH_BYTES:
        raise LedgerError("it is no checkpoint: its root is no SHA-256")
    return root


def _decoded(text: str) -> bytes:
    """Empty when it is no base64, or not the one way to write these bytes."""
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
    return data if base64.b64encode(data).decode() == text else b""
