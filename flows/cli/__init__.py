"""The command `pacing`. Only Typer, the examples and the standard library are imported here, so that `--help` answers at once."""

import gc

from flows.cli import answering, audit, keeping
from flows.cli.examples import show_examples
from flows.cli.watching import app

gc.set_threshold(20_000)  # what a command loads stays: to walk over all of it every 700 objects is a tenth of its start

app.add_typer(audit.app, name="audit")
app.add_typer(keeping.policy, name="policy")
app.add_typer(answering.silence, name="silence")
app.add_typer(answering.recommendations, name="recommendations")
app.add_typer(answering.halts, name="halts")
app.add_typer(answering.patterns, name="patterns")
app.add_typer(keeping.db, name="db")
app.add_typer(keeping.warehouse, name="warehouse")
show_examples(app)
