"""What stands in deploy/ is what the program is: files that exist, settings that are read, commands that start."""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from flows.settings import Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))
OURS = {name: service for name, service in COMPOSE["services"].items() if service["image"] == "pacing-monitor"}
HELP = """
import contextlib, io, json, sys
from {module} import app
said = []
for line in json.loads(sys.argv[1]):
    out, sys.argv = io.StringIO(), line
    with contextlib.redirect_stdout(out):
        try:
            app()
        except SystemExit as ended:
            assert not ended.code, (line, out.getvalue())
    said.append(out.getvalue())
print(json.dumps(said))
"""
KNOWN = {field.alias for field in Settings.model_fields.values()}


def unit(path: Path) -> dict[str, list[str]]:
    """Key -> its values, over all sections."""
    found: dict[str, list[str]] = {}
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith(("[", "#")):
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def command_lines() -> set[tuple[str, ...]]:
    """Each command line of compose, of the units and of the image."""
    image = re.findall(r"^CMD \[(.*)\]$", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    lines = [tuple(service["command"]) for service in OURS.values()]
    lines += [tuple(shlex.split(line.removeprefix("/opt/pacing-monitor/.venv/bin/"))) for path in UNITS for line in unit(path)["ExecStart"]]
    return {*lines, *(tuple(yaml.safe_load(f"[{words}]")) for words in image)}


def asked(line: tuple[str, ...]) -> tuple[str, ...]:
    """The command of a line without its options, asked for help."""
    program, *words = [word for word in line if word != "--no-prompt"]
    command = words[: next((at for at, word in enumerate(words) if word.startswith("-")), len(words))]
    return (program, *(word for word in command if word != "pacing"), "--help")  # pacing: the name of the pool


def helped(asked_for: set[tuple[str, ...]]) -> dict[tuple[str, ...], str]:
    """What each command says of itself, one process for each program, which takes a second or two to load."""
    found: dict[tuple[str, ...], str] = {}
    for program, module in (("pacing", "flows.cli"), ("prefect", "prefect.cli")):
        lines = sorted(line for line in asked_for if line[0] == program)
        done = subprocess.run([sys.executable, "-c", HELP.format(module=module), json.dumps(lines)], capture_output=True, text=True, timeout=240, check=False)
        assert done.returncode == 0, done.stderr
        found |= dict(zip(lines, json.loads(done.stdout), strict=True))
    return found


def test_every_command_starts_and_knows_its_options() -> None:
    """Each command line of compose, systemd and the image is a command of the installed programs, with options that it has."""
    lines = sorted(command_lines())
    assert {line[0] for line in lines} == {"pacing", "prefect"}
    said = helped({asked(line) for line in lines})
    for line in lines:
        assert "Usage:" in said[asked(line)], line
        assert [word for word in line if word.startswith("--") and word not in said[asked(line)] and word != "--no-prompt"] == [], line


def test_every_setting_is_one_that_is_read() -> None:
    """No name in the compose file, the units or the image is a setting that the program does not know."""
    texts = [path.read_text(encoding="utf-8") for path in (DEPLOY / "compose.yaml", DEPLOY / "Dockerfile", *UNITS)]
    named = {name for text in texts for name in re.findall(r"\bPACING_[A-Z_]+(?=[=:])", text)}
    assert named
    assert named <= KNOWN


def test_no_container_has_more_rights_than_it_needs() -> None:
    """The image runs as a numbered user; ours run without capabilities on a read-only file system; no port is open beyond this machine."""
    image = (DEPLOY / "Dockerfile").read_text(encoding="utf-8")
    assert re.findall(r"^USER (\d+)$", image, re.MULTILINE)[-1:] == ["10001"]
    for name, service in OURS.items():
        assert (service["read_only"], service["cap_drop"], service["security_opt"]) == (True, ["ALL"], ["no-new-privileges:true"]), name
        assert "privileged" not in service
    assert all(port.startswith("127.0.0.1:") for service in COMPOSE["services"].values() for port in service.get("ports", []))
    assert [name for name, service in OURS.items() if "PACING_DATABASE_ADMIN_URL" in service["environment"]] == ["migrate"]
    assert COMPOSE["services"]["prefect"]["env_file"] == []


def test_what_is_copied_into_the_image_is_there() -> None:
    """Each source of a COPY exists, every package of the program is copied, and no .env is."""
    sources = [source for line in re.findall(r"^COPY (?!--from)(.*)$", (DEPLOY / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
               for source in line.split()[:-1]]
    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert {"flows", "pacing_brain", "connectors", "notifiers", "audit", "prefect.yaml"} <= set(sources)
    assert "." not in sources


def test_the_order_of_the_containers() -> None:
    """Whatever a service waits for is there, and what it waits to be healthy has a check of its health."""
    services = COMPOSE["services"]
    for service in services.values():
        for other, how in service.get("depends_on", {}).items():
            assert how["condition"] != "service_healthy" or "healthcheck" in services[other], other
    assert set(services["worker"]["depends_on"]) == {"migrate", "deployments"}
    named = {volume.partition(":")[0] for service in services.values() for volume in service.get("volumes", []) if not volume.startswith(".")}
    assert named == set(COMPOSE["volumes"])


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_a_unit_restarts_and_is_confined(path: Path) -> None:
    """Each unit restarts by itself, runs as a user of its own, may write its state only, and ends within the time that a run needs."""
    found = unit(path)
    assert (found["User"], found["Restart"], found["ProtectSystem"], found["NoNewPrivileges"]) == (["pacing"], ["always"], ["strict"], ["true"])
    assert found["CapabilityBoundingSet"] == [""]
    assert found["StateDirectory"] == ["pacing"]


def test_the_page_names_what_there_is() -> None:
    """docs/operations.md names each unit and each file of deploy/ that a person starts with."""
    text = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    assert [path.stem for path in UNITS if path.stem not in text] == []
    assert all(name in text for name in ("deploy/compose.yaml", "deploy/Dockerfile", "deploy/prometheus/", "deploy/grafana/pacing.json"))
