"""The key that signs checkpoints: a file that its owner alone can read."""

import os
import tempfile
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from pacing_brain.errors import LedgerError

FILE = "ledger.pem"


def read(path: Path) -> Ed25519PrivateKey:
    """The Ed25519 key in a PEM file (PKCS #8, without a password).

    Raises:
        LedgerError: there is none that can be read.
    """
    try:
        key = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise LedgerError(f"cannot read the signing key {path}: {error.strerror}") from error
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise LedgerError(f"{path} holds no signing key: it must be an Ed25519 key in PEM without a password "
                          "(`openssl genpkey -algorithm ed25519 -out FILE`)") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise LedgerError(f"{path} holds a key of another kind: it must be Ed25519 (`openssl genpkey -algorithm ed25519 -out FILE`)")
    return key


def made_or_read(directory: Path) -> Ed25519PrivateKey:
    """The key in a directory of ours; made when there is none. Of several processes that make one at once, the first one's stands.

    Raises:
        LedgerError: the directory cannot be written to, or the key in it cannot be read.
    """
    path = directory / FILE
    if not path.exists():
        try:
            _make(path)
        except OSError as error:
            raise LedgerError(f"cannot make a signing key in {directory}: {error.strerror}") from error
    return read(path)


def _make(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    file, unfinished = tempfile.mkstemp(dir=path.parent, suffix=".part")  # readable by its owner alone
    with os.fdopen(file, "wb") as out:
        out.write(Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        out.flush()
        os.fsync(out.fileno())
    with suppress(FileExistsError):
        os.link(unfinished, path)
    Path(unfinished).unlink()
