"""Checkpoints and signed notes as C2SP writes them."""

import base64
import stat
import threading

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given, settings
from hypothesis import strategies as st

from audit import keys
from audit.checkpoint import Checkpoint, Signer, Verifier, opened, read_checkpoint, sign
from pacing_brain.errors import LedgerError

# The example of Go's golang.org/x/mod/sumdb/note, from which C2SP's signed-note was written, and the key of the Go checksum database.
PETER = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
PETERS_SEED = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
SAID = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
NOTE = SAID + "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
SUMDB = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8"

ORIGIN = "pacing-monitor/7f3e"
LOG = Signer(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes(32)))
WITNESS = Signer("witness.example", Ed25519PrivateKey.from_private_bytes(bytes([1]) * 32))
STRANGER = Signer("stranger.example", Ed25519PrivateKey.from_private_bytes(bytes([2]) * 32))
IMPOSTOR = Signer(ORIGIN, Ed25519PrivateKey.from_private_bytes(bytes([3]) * 32))
POINT = Checkpoint(ORIGIN, 42, bytes(range(32)))


def test_published_vectors():
    """The published note is made and opened byte for byte, and published keys have their published ids."""
    assert sign(SAID, [Signer("PeterNeumann", Ed25519PrivateKey.from_private_bytes(PETERS_SEED))]) == NOTE
    assert opened(NOTE, [Verifier.parse(PETER)]) == (SAID, (Verifier.parse(PETER),))
    assert Verifier.parse(SUMDB).text == SUMDB


def test_a_checkpoint_is_three_lines():
    """Origin, size and root in base64, a line each; read back it is the same, extensions too."""
    assert POINT.text == f"{ORIGIN}\n42\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n"
    for point in (POINT, Checkpoint(ORIGIN, 0, bytes(32), ("more", "of it"))):
        assert Checkpoint.parse(point.text) == point


def test_several_keys_may_sign():
    """The log's and a witness's signatures stand beside each other; unknown keys are ignored."""
    note = sign(POINT.text, [STRANGER, LOG, WITNESS])
    assert opened(note, [WITNESS.verifier, LOG.verifier]) == (POINT.text, (LOG.verifier, WITNESS.verifier))
    assert read_checkpoint(note, [LOG.verifier]) == POINT


def test_a_key_of_the_same_name_is_another_key():
    """A signature under our name by a key that is not ours is an unknown one: alone it proves nothing, beside ours it harms nothing."""
    with pytest.raises(LedgerError, match="no known key"):
        read_checkpoint(sign(POINT.text, [IMPOSTOR]), [LOG.verifier])
    assert read_checkpoint(sign(POINT.text, [IMPOSTOR, LOG]), [LOG.verifier]) == POINT


def test_a_bad_signature_of_a_known_key_refuses_the_note():
    """Good signatures of others, and a good one of the same key, do not mend it."""
    bad = LOG.line("something else\n")
    for note in (sign(POINT.text, [WITNESS]) + bad, sign(POINT.text, [LOG]) + bad, POINT.text + "\n" + bad):
        with pytest.raises(LedgerError, match="is not good"):
            read_checkpoint(note, [LOG.verifier, WITNESS.verifier])


def test_a_witness_alone_does_not_make_a_checkpoint():
    """A checkpoint counts only with the signature of the log that it names."""
    with pytest.raises(LedgerError, match="whose own key has not signed"):
        read_checkpoint(sign(POINT.text, [WITNESS]), [LOG.verifier, WITNESS.verifier])
    other = Checkpoint("pacing-monitor/other", 42, POINT.root)
    with pytest.raises(LedgerError, match="whose own key has not signed"):
        read_checkpoint(sign(other.text, [LOG]), [LOG.verifier])


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_changed_note_is_refused(data):
    """Whatever single character of a note is changed, taken away or added, it is refused, or is the note it was."""
    note = sign(POINT.text, [LOG])
    at = data.draw(st.integers(0, len(note) - 1))
    other = data.draw(st.characters(exclude_categories=["Cs"]))
    changed = data.draw(st.sampled_from([note[:at] + other + note[at + 1:], note[:at] + note[at + 1:], note[:at] + other + note[at:]]))
    if changed != note:
        with pytest.raises(LedgerError):
            read_checkpoint(changed, [LOG.verifier])


@pytest.mark.parametrize("text", ["", "a\n1\n", "a\n01\nAAAA\n", f"a\n-1\n{POINT.text.split()[2]}\n", "a\n1\nAAAA\n", POINT.text + "\n", POINT.text[:-1],
                                  POINT.text.replace("42", "4_2"), POINT.text.replace("42", "\u0664\u0662"), POINT.text.replace("Hh8=", "Hh9=")])
def test_what_is_no_checkpoint_is_refused(text):
    """A missing line, a size that is not written as one, a root that is none or written in a second way, a blank line."""
    with pytest.raises(LedgerError, match="no checkpoint"):
        Checkpoint.parse(text)


@pytest.mark.parametrize("text", ["", "name", "name+00000000+AAAA", PETER.replace("c74f20a3", "c74f20a4"), PETER.replace("ARpc", "AB"),
                                  "a b" + PETER, PETER.replace("+ARpc", "+AhpC")])
def test_what_is_no_public_key_is_refused(text):
    """A malformed key, one of another kind, and one whose id is another's."""
    with pytest.raises(LedgerError, match="public key"):
        Verifier.parse(text)


def test_the_key_is_made_once_and_is_its_owners(tmp_path):
    """Processes that start together share the first key; its file is 0600 in a folder that is 0700, and nothing is left beside it."""
    made = []
    threads = [threading.Thread(target=lambda: made.append(keys.made_or_read(tmp_path / "keys").public_key())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({key.public_bytes_raw() for key in made}) == 1
    assert [path.name for path in (tmp_path / "keys").iterdir()] == [keys.FILE]
    assert stat.S_IMODE((tmp_path / "keys" / keys.FILE).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700


def test_a_key_that_cannot_be_used_is_named(tmp_path):
    """A missing file, a file that is no key, and a key of another kind are each refused in a line that names the file."""
    odd, other = tmp_path / "odd.pem", tmp_path / "other.pem"
    odd.write_text("no key")
    other.write_bytes(X25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    for path, said in ((tmp_path / "none.pem", "cannot read"), (odd, "no signing key"), (other, "another kind")):
        with pytest.raises(LedgerError, match=f"{said}|{path.name}"):
            keys.read(path)
