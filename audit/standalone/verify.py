"""Verifies an export of the ledger: python verify.py DIR [--key VERIFIER.txt] [--checkpoint FILE ...]

Needs Python >= 3.11 and `cryptography`, and nothing of the program that wrote the export. Take the public key and, if you have one, a
checkpoint from where the operator published them: those in the export prove only that it agrees with itself. docs/audit-format.md
describes the bytes. Exit 0: verified; 1: not; 2: wrong usage.
"""

import argparse
import base64
import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class Bad(Exception):
    """The export is not what was signed."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Verifies an export of the ledger.")
    parser.add_argument("directory", type=Path)
    parser.add_argument("--key", type=Path, help="the public key; default: DIR/verifier.txt")
    parser.add_argument("--checkpoint", type=Path, action="append", default=[], help="a checkpoint kept elsewhere; may be repeated")
    asked = parser.parse_args()
    try:
        print(verify(asked.directory, asked.key or asked.directory / "verifier.txt", asked.checkpoint))  # noqa: T201
    except (Bad, OSError, ValueError, KeyError, TypeError) as error:
        print(f"NOT VERIFIED: {error}", file=sys.stderr)  # noqa: T201
        return 1
    return 0


def verify(directory: Path, key: Path, elsewhere: list[Path]) -> str:
    """One line that says what was verified.

    1. the public key
    2. every checkpoint is signed by it, for the ledger that its name says
    3. entries are numbered from 0 without a gap, each leaf is SHA-256(0x00 || body), and the body says the same number
       a body that is null was withheld: its leaf counts as it stands, and a body_withheld or partition_detached entry must name it
    4. at every checkpoint's size the tree has the checkpoint's root
    5. there is a checkpoint, and the entries reach as far as the largest
    """
    name, public = public_key(key.read_text("utf-8").strip())  # 1
    roots: dict[int, list[tuple[Path, bytes]]] = {}
    for path in [*sorted((directory / "checkpoints").glob("*.txt")), *elsewhere]:  # 2
        size, root = checkpoint(path, name, public)
        roots.setdefault(size, []).append((path, root))
    subtrees: list[bytes] = []
    count, gone = 0, Gone()
    for count, leaf in enumerate(leaves(directory / "entries.jsonl", gone), 1):  # 3
        append(subtrees, count - 1, leaf)
        for path, root in roots.get(count, []):  # 4
            if root_of(subtrees) != root:
                raise Bad(f"the first {count} entries do not have the root that {path.name} was signed for")
    gone.check()
    newest = max(roots, default=0)  # 5
    if not newest:
        raise Bad("there is no checkpoint to verify it by")
    if newest > count:
        raise Bad(f"there are {count} entries, {roots[newest][0][0].name} was signed for {newest}: the last ones are gone")
    return f"verified: {count} entries of {name}, {newest} of them under {len(roots)} signed checkpoints, root {root_of(subtrees).hex()}"


def public_key(text: str) -> tuple[str, bytes]:
    """Name and key of `<name>+<key id>+<base64 of 0x01 and the key>`."""
    name, key_id, data = text.split("+", 2)
    key = base64.b64decode(data, validate=True)
    if len(key) != 33 or key[:1] != b"\x01" or id_of(name, key[1:]).hex() != key_id:
        raise Bad("the public key is not one")
    return name, key[1:]


def id_of(name: str, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n\x01" + public).digest()[:4]


def checkpoint(path: Path, name: str, public: bytes) -> tuple[int, bytes]:
    """Size and root of a signed note; signatures of other keys are ignored, a bad one of ours refuses it."""
    text, blank, signatures = path.read_bytes().decode("utf-8").rpartition("\n\n")
    text += "\n"
    signed = False
    for line in signatures.splitlines():
        dash, signer, data = line.split(" ")
        raw = base64.b64decode(data, validate=True)
        if dash != "\N{EM DASH}" or signer != name or raw[:4] != id_of(name, public):
            continue
        try:
            Ed25519PublicKey.from_public_bytes(public).verify(raw[4:], text.encode())
        except InvalidSignature:
            raise Bad(f"{path.name}: its signature is not good") from None
        signed = True
    origin, size, root = text.split("\n")[:3]
    if not blank or not signed or origin != name:
        raise Bad(f"{path.name} is not a checkpoint that {name} signed")
    return int(size), base64.b64decode(root, validate=True)


class Gone:
    """Entries without a body, and what other entries say of them."""

    def __init__(self) -> None:
        self.entries: list[int] = []
        self.withheld: set[int] = set()
        self.detached: list[tuple[int, int]] = []

    def tell(self, said: dict[str, Any]) -> None:
        if said["kind"] == "body_withheld":
            self.withheld.add(said["entry"])
        elif said["kind"] == "partition_detached":
            self.detached.append((said["first"], said["last"]))

    def check(self) -> None:
        for number in self.entries:
            if number not in self.withheld and not any(first <= number <= last for first, last in self.detached):
                raise Bad(f"entry {number} has no body, and no entry says why")


def leaves(path: Path, gone: Gone) -> Iterator[bytes]:
    with path.open(encoding="utf-8", newline="\n") as lines:
        for number, line in enumerate(lines):
            entry = json.loads(line)
            body = entry["body"]
            said = None if body is None else json.loads(body)
            if entry["seq"] != number or (said is not None and said["seq"] != number):
                raise Bad(f"entry {number} is missing, or another stands in its place")
            if said is None:
                gone.entries.append(number)
            elif hashlib.sha256(b"\x00" + body.encode()).hexdigest() != entry["leaf"]:
                raise Bad(f"entry {number} is not what was hashed")
            else:
                gone.tell(said)
            yield bytes.fromhex(entry["leaf"])


def append(subtrees: list[bytes], size: int, leaf: bytes) -> None:
    """RFC 9162: each one bit that the new size carries over joins two subtrees of one size."""
    while size & 1:
        leaf = hashlib.sha256(b"\x01" + subtrees.pop() + leaf).digest()
        size >>= 1
    subtrees.append(leaf)


def root_of(subtrees: list[bytes]) -> bytes:
    *larger, root = subtrees
    for subtree in reversed(larger):
        root = hashlib.sha256(b"\x01" + subtree + root).digest()
    return root


if __name__ == "__main__":
    sys.exit(main())
