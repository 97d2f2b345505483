"""The audit commands as they are typed, on a real record; and the stand-alone verifier on real and on changed exports."""

import hashlib
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from typer.testing import CliRunner

from audit import clock, ledger
from audit.anchors import AnchorStore
from audit.checkpoint import Checkpoint, Signer, sign
from audit.database import Database
from flows import cli
from tests.integration.audit.tampering import KEY, OTHER_KEY, build


@pytest.fixture
def record(fresh_database, tmp_path, monkeypatch):
    """A record of three runs, as the environment names it, with its key in a file."""
    database, admin = Database(fresh_database.app), Database(fresh_database.admin)
    (tmp_path / "key.pem").write_bytes(KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    monkeypatch.chdir(tmp_path)
    for name, value in {"PACING_HOME": tmp_path / "home", "PACING_DATABASE_URL": fresh_database.app, "PACING_ANCHOR_DIR": tmp_path / "anchors",
                        "PACING_SIGNING_KEY_FILE": tmp_path / "key.pem"}.items():
        monkeypatch.setenv(name, str(value))
    yield build(database, admin, AnchorStore(tmp_path / "anchors"))
    database.close()
    admin.close()


def pacing(*words):
    return CliRunner().invoke(cli.app, [str(word) for word in words])


def test_verify_says_what_it_goes_by(record):
    """An untouched record is verified, exit 0; the JSON counts entries and anchors."""
    assert pacing("audit", "verify").exit_code == 0
    shown = pacing("audit", "verify", "--json")
    known = json.loads(shown.stdout)
    assert (shown.exit_code, known["ok"], known["anchors"], known["anchored"], known["same_machine"]) == (0, True, 3, record.sizes[-1], False)


def test_verify_names_the_bad_entry_and_its_anchor(record, tmp_path):
    """A changed record exits 1 in one line; an anchor kept elsewhere proves it although the directory was emptied."""
    kept = shutil.copytree(tmp_path / "anchors", tmp_path / "elsewhere") / f"{record.sizes[-1]}.txt"
    record.force("UPDATE pacing.ledger_entries SET body = :body WHERE seq = 4", body=record.body(4, actual_micros=11))
    record.rehash()
    shutil.rmtree(tmp_path / "anchors")
    shown = pacing("audit", "verify", "--anchor", kept)
    assert shown.exit_code == 1
    said = [line for line in shown.stderr.splitlines() if line.startswith("pacing: ")]  # a thread of an earlier test may write to this console too
    assert len(said) == 1
    assert "Traceback" not in shown.stderr
    assert f"{record.sizes[-1]}.txt proves it" in shown.stderr
    assert "no anchor" in pacing("audit", "verify").stderr


def test_verify_fails_closed_on_old_anchors(record):
    """Nothing anchored within the limit is a failure that says so; wrong use is exit 2."""
    assert "the limit is 0.0 h" in pacing("audit", "verify", "--max-age-hours", "0").stderr
    assert pacing("audit", "verify", "--anchor", "nothing.txt").exit_code == 2


def test_a_proof_needs_no_database(record, tmp_path, monkeypatch):
    """`prove` writes what `verify-proof` takes with the public key alone; a changed body or another entry's proof is refused."""
    assert pacing("audit", "prove", 4, "--to", "proof.json").exit_code == 0
    monkeypatch.setenv("PACING_DATABASE_URL", "postgresql://nobody@127.0.0.1:1/none")
    key = tmp_path / "anchors" / "verifier.txt"
    assert json.loads(pacing("audit", "verify-proof", "proof.json", "--key", key, "--json").stdout)["seq"] == 4
    assert pacing("audit", "verify-proof", "proof.json").exit_code == 0
    proof = json.loads(Path("proof.json").read_text())
    false = [proof | {"body": proof["body"].replace('"actual_micros":10', '"actual_micros":11')}, proof | {"seq": 5}, proof | {"proof": proof["proof"][1:]},
             proof | {"checkpoint": proof["checkpoint"].replace("\n26\n", "\n25\n")}, {}]
    for changed in false:
        assert changed != proof
        Path("false.json").write_text(json.dumps(changed))
        assert pacing("audit", "verify-proof", "false.json", "--key", key).exit_code == 1


def test_what_is_not_anchored_has_no_proof_yet(record):
    """An entry beyond the newest anchor is refused with what to do; after a checkpoint it is proven."""
    beyond = record.sizes[-1]
    with record.database.transaction() as connection:
        ledger.append(connection, None, [ledger.Entry("silence_set", "F1")], clock.now(connection))
    assert "pacing audit checkpoint" in pacing("audit", "prove", beyond).stderr
    assert json.loads(pacing("audit", "checkpoint", "--json").stdout)["size"] == beyond + 1
    assert pacing("audit", "prove", beyond).exit_code == 0


def test_stats_count_decisions(record):
    """Decisions are counted by what the entries say, filtered by campaign and instant."""
    assert json.loads(pacing("audit", "stats", "--json").stdout)["decisions"] == 15
    assert json.loads(pacing("audit", "stats", "--campaign", "F2", "--json").stdout)["decisions"] == 3
    assert json.loads(pacing("audit", "stats", "--to", "2001-01-01T00:00Z", "--json").stdout)["decisions"] == 0
    assert json.loads(pacing("audit", "stats", "--json").stdout)["answers"] == {"approved": 1}


def test_a_body_is_withheld_with_the_administrators_login(record, fresh_database, monkeypatch, tmp_path):
    """Without PACING_DATABASE_ADMIN_URL it is refused; with it the body goes, and the record, its proofs and its export know it."""
    withhold = "audit", "withhold", 4, "--reason", "erasure request 17", "--as", "dpo@example.com"
    assert "PACING_DATABASE_ADMIN_URL is missing" in pacing(*withhold).stderr
    monkeypatch.setenv("PACING_DATABASE_ADMIN_URL", fresh_database.admin)
    said = json.loads(pacing(*withhold, "--json").stdout)["said_by"]
    (shown,) = json.loads(pacing("audit", "show", "--kind", "body_withheld", "--json").stdout)["entries"]
    assert (shown["seq"], shown["reason"], shown["by"]["claim"]) == (said, "erasure request 17", "dpo@example.com")
    assert pacing("audit", "verify").exit_code == 0
    assert "withheld" in pacing("audit", "prove", 4).stderr
    assert pacing("audit", "export", "--to", "export").exit_code == 0
    export = tmp_path / "export"
    assert standalone(export).returncode == 0
    lines(lambda found: [line if number != 5 else json.dumps(json.loads(line) | {"body": None}) + "\n" for number, line in enumerate(found)])(export, record)
    assert "entry 5 has no body, and no entry says why" in standalone(export).stderr


def test_what_is_no_month_is_wrong_usage(record):
    """`detach` of something that is no month is exit 2."""
    assert pacing("audit", "detach", "May", "--to", "kept").exit_code == 2


def test_show_filters(record):
    """The newest entries by campaign, run and instant."""
    shown = [one["subject"] for one in json.loads(pacing("audit", "show", "--campaign", "F2", "--last", 2, "--json").stdout)["entries"]]
    assert shown == ["F2", "F2"]
    assert json.loads(pacing("audit", "show", "--to", "2001-01-01T00:00Z", "--json").stdout)["entries"] == []
    assert pacing("audit", "show", "--from", "yesterday").exit_code == 2


@pytest.fixture
def exported(record, tmp_path):
    assert pacing("audit", "export", "--to", "export").exit_code == 0
    return tmp_path / "export"


def standalone(directory, *words):
    """The verifier of the export itself, in an interpreter that sees nothing of this project."""
    return subprocess.run([sys.executable, "-I", str(directory / "verify.py"), str(directory), *map(str, words)], capture_output=True, text=True,
                          check=False, cwd=directory)


def test_an_export_verifies_by_itself(record, exported):
    """Entries, every checkpoint, the public key and the verifier are in it, and the verifier accepts it."""
    assert sorted(path.name for path in exported.iterdir()) == ["checkpoints", "entries.jsonl", "verifier.txt", "verify.py"]
    assert [path.name for path in sorted((exported / "checkpoints").iterdir(), key=lambda path: int(path.stem))] == [f"{size}.txt" for size in record.sizes]
    shown = standalone(exported)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert f"{record.sizes[-1]} entries" in shown.stdout


def lines(change):
    def apply(directory, record):
        path = directory / "entries.jsonl"
        path.write_text("".join(change(path.read_text().splitlines(keepends=True))))

    return apply


def edited(found):
    entry = json.loads(found[4])
    entry["body"] = entry["body"].replace('"actual_micros":10', '"actual_micros":11')
    return [*found[:4], json.dumps(entry) + "\n", *found[5:]]


def hashed_anew(found):
    entry = json.loads(edited(found)[4])
    entry["leaf"] = hashlib.sha256(b"\0" + entry["body"].encode()).hexdigest()
    return [*found[:4], json.dumps(entry) + "\n", *found[5:]]


def newest_point(change):
    def apply(directory, record):
        path = directory / "checkpoints" / f"{record.sizes[-1]}.txt"
        path.write_text(change(path.read_text(), record))

    return apply


def forked(note, record):
    return sign(Checkpoint(record.signer.name, record.sizes[-1], bytes(32)).text, [record.signer])


CHANGED = {
    "body": lines(edited), "body and leaf": lines(hashed_anew), "first gone": lines(lambda found: found[1:]), "last gone": lines(lambda found: found[:-1]),
    "range gone": lines(lambda found: found[:3] + found[6:]), "swapped": lines(lambda found: [*found[:3], found[4], found[3], *found[5:]]),
    "doubled": lines(lambda found: [*found[:3], found[2], *found[3:]]), "emptied": lines(lambda _: []),
    "renumbered": lines(lambda found: [line.replace('{"seq":4,', '{"seq":5,', 1) for line in found]),
    "size": newest_point(lambda note, record: note.replace(f"\n{record.sizes[-1]}\n", f"\n{record.sizes[-1] - 1}\n")),
    "origin": newest_point(lambda note, _: note.replace("pacing-monitor/", "pacing-monitor/0", 1)),
    "root": newest_point(forked), "no signature": newest_point(lambda note, _: note.partition("— ")[0]),
    "another key": newest_point(lambda note, record: sign(note.partition("\n\n")[0] + "\n", [Signer(record.signer.name, OTHER_KEY)])),
    "no checkpoint": lambda directory, _: shutil.rmtree(directory / "checkpoints"),
    "another public key": lambda directory, record: (directory / "verifier.txt").write_text(Signer(record.signer.name, OTHER_KEY).verifier.text)}


@pytest.mark.parametrize("change", CHANGED.values(), ids=CHANGED)
def test_a_changed_export_is_refused(record, exported, change):
    """Every class of change to an export is refused, in one line."""
    change(exported, record)
    shown = standalone(exported)
    assert (shown.returncode, shown.stdout) == (1, "")
    assert shown.stderr.startswith("NOT VERIFIED: ")
    assert shown.stderr.count("\n") == 1


def test_a_checkpoint_kept_elsewhere_finds_an_older_export_out(record, exported, tmp_path):
    """An export that was cut back to an older checkpoint agrees with itself, and is refused by the newer checkpoint."""
    lines(lambda found: found[:record.sizes[0]])(exported, record)
    for size in record.sizes[1:]:
        (exported / "checkpoints" / f"{size}.txt").unlink()
    assert standalone(exported).returncode == 0
    assert "the last ones are gone" in standalone(exported, "--checkpoint", tmp_path / "anchors" / f"{record.sizes[-1]}.txt").stderr
