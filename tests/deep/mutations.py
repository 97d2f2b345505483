"""Small wrong changes of the brain, and the tests that must notice each.

`python -m tests.deep.mutations` prints a table. Each change is made in a copy of the tree; the tree itself is not touched.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
COPIED = ("pacing_brain", "connectors", "flows", "audit", "notifiers", "tests", "pyproject.toml", "README.md")
LONGEST_S = 240
PASSED, FAILED = 0, 1  # pytest's exit codes; others say that it could not run


@dataclass(frozen=True)
class Mutation:
    """`old` stands once in the file. tests: of the brain, by the names of their files."""

    file: str
    old: str
    new: str
    tests: str

    @property
    def what(self) -> str:
        return f"{self.file}: {self.old.strip()} -> {self.new.strip()}"


MUTATIONS = [
    Mutation("policy_tables", "warning_pct: PositiveFloat = 10.0", "warning_pct: PositiveFloat = 10.1", "bands"),
    Mutation("policy_tables", "critical_pct: PositiveFloat = 25.0", "critical_pct: PositiveFloat = 26.0", "bands"),
    Mutation("policy_tables", "hysteresis_pct: float = Field(default=80.0", "hysteresis_pct: float = Field(default=81.0", "pacing"),
    Mutation("policy_tables", "minimum: float = Field(default=0.70", "minimum: float = Field(default=0.71", "lanes"),
    Mutation("policy_tables", "weight_metadata: float = Field(default=0.5, ge=0.0, le=1.0)\n    weight_name: float = Field(default=0.3",
             "weight_metadata: float = Field(default=0.3, ge=0.0, le=1.0)\n    weight_name: float = Field(default=0.5", "confidence"),
    Mutation("policy_tables", "proposal_similarity: float = Field(default=0.85", "proposal_similarity: float = Field(default=0.86", "match"),
    Mutation("policy_tables", "proposal_margin: float = Field(default=0.08", "proposal_margin: float = Field(default=0.09", "match"),
    Mutation("policy_tables", "red_after_hours: PositiveFloat = 24.0", "red_after_hours: PositiveFloat = 25.0", "confidence"),
    Mutation("policy_tables", "red_after_cycle_hours: NonNegativeFloat = 12.0", "red_after_cycle_hours: NonNegativeFloat = 13.0", "confidence"),
    Mutation("policy_tables", "planned_hours: NonNegativeFloat = 12.0", "planned_hours: NonNegativeFloat = 13.0", "zero"),
    Mutation("policy_tables", "minimum_pct_of_budget: NonNegativeFloat = 0.5", "minimum_pct_of_budget: NonNegativeFloat = 0.6", "bands"),
    Mutation("policy_tables", "minimum_units: NonNegativeFloat = 25.0", "minimum_units: NonNegativeFloat = 26.0", "bands"),
    Mutation("policy_tables", "day_factor: PositiveFloat = 2.0", "day_factor: PositiveFloat = 2.1", "pacing"),
    Mutation("policy_tables", "final_after_hours: NonNegativeFloat = 72.0", "final_after_hours: NonNegativeFloat = 73.0", "zero"),
    Mutation("policy_tables", "shrink_pct: NonNegativeFloat = 1.0", "shrink_pct: NonNegativeFloat = 1.1", "confidence"),
    Mutation("bands", "(off >= threshold(", "(off > threshold(", "bands"),
    Mutation("confidence", "STEPS = ((4.0, 1.0), (12.0, 0.8)", "STEPS = ((4.0, 1.0), (12.0, 0.7)", "confidence"),
    Mutation("confidence", "age < hours * stretch", "age <= hours * stretch", "confidence"),
    Mutation("lanes", '["score"].lt(', '["score"].le(', "lanes"),
    Mutation("zero", '>= values["zero_planned_hours"]', '> values["zero_planned_hours"]', "zero"),
]


@contextmanager
def copy_of_the_tree() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="pacing-mutations-") as folder:
        for name in COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, Path(folder) / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
            else:
                shutil.copy(ROOT / name, folder)
        yield Path(folder)


def noticed(tree: Path, mutation: Mutation) -> bool:
    """Whether the tests fail on the changed tree.

    Raises:
        ValueError: the place of the change is not there, or not once; or the tests could not run.
    """
    file = tree / "pacing_brain" / f"{mutation.file}.py"
    right = file.read_text(encoding="utf-8")
    if right.count(mutation.old) != 1:
        raise ValueError(f"{mutation.what}: stands {right.count(mutation.old)} times in {file.name}")
    file.write_text(right.replace(mutation.old, mutation.new), encoding="utf-8")
    try:
        return run_tests(tree, mutation.tests) == FAILED
    finally:
        file.write_text(right, encoding="utf-8")


def run_tests(tree: Path, *names: str) -> int:
    """pytest's exit code.

    Raises:
        ValueError: the tests could not run.
    """
    files = [f"tests/unit/pacing_brain/test_{name}.py" for name in names]
    outer = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV"))}
    done = subprocess.run([sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-p", "no:xdist", *files], cwd=tree,
                          env=outer | {"PYTHONPATH": str(tree), "PYTHONDONTWRITEBYTECODE": "1"}, capture_output=True, text=True,
                          timeout=LONGEST_S, check=False)
    if done.returncode not in (PASSED, FAILED):
        raise ValueError(f"the tests could not run: {done.stdout[-500:]}{done.stderr[-500:]}")
    return done.returncode


def main() -> int:
    with copy_of_the_tree() as tree:
        found = [(noticed(tree, mutation), mutation) for mutation in MUTATIONS]
    for seen, mutation in found:
        print(f"{'noticed' if seen else 'SURVIVED':9} by test_{mutation.tests}: {mutation.what!r}")
    return 0 if all(seen for seen, _ in found) else 1


if __name__ == "__main__":
    sys.exit(main())
