"""A verifier that was written from docs/audit-format.md alone, in JavaScript, on real and on changed exports."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.integration.test_audit_commands import CHANGED, exported, lines, record  # noqa: F401  fixtures

NODE = shutil.which("node")
PROGRAM = Path(__file__).parents[1] / "stranger" / "verify.mjs"
pytestmark = pytest.mark.skipif(NODE is None, reason="node is not installed: the stranger's verifier is JavaScript")


def stranger(directory, *words):
    return subprocess.run([str(NODE), str(PROGRAM), str(directory), *map(str, words)], capture_output=True, text=True, check=False)


def bodiless(found):
    return [*found[:4], json.dumps(json.loads(found[4]) | {"body": None}) + "\n", *found[5:]]


def test_a_stranger_accepts_an_export_and_refuses_every_class_of_change(record, exported, tmp_path):  # noqa: F811
    """The export as it is passes; each class of changed export is refused in one line; a cut one is refused by a checkpoint kept elsewhere."""
    shown = stranger(exported)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert f"verified {record.sizes[-1]} entries" in shown.stdout
    for name, change in {**CHANGED, "a body gone without a word": lines(bodiless)}.items():
        copy = shutil.copytree(exported, tmp_path / "changed" / name.replace(" ", "_"))
        change(copy, record)
        shown = stranger(copy)
        assert (shown.returncode, shown.stdout) == (1, ""), name
        assert shown.stderr.startswith("NOT VERIFIED: "), name
        assert shown.stderr.count("\n") == 1, name
    lines(lambda found: found[:record.sizes[0]])(exported, record)
    for size in record.sizes[1:]:
        (exported / "checkpoints" / f"{size}.txt").unlink()
    assert stranger(exported).returncode == 0
    assert "were signed for" in stranger(exported, tmp_path / "anchors" / f"{record.sizes[-1]}.txt").stderr
