"""An example for each command, shown at the end of its `--help`. A test parses each of them."""

from typer import Typer

EXAMPLES = {
    "demo": "pacing demo --html cards.html",
    "run": "pacing run --as-of 2026-11-05T08:00:00Z --rehearsal",
    "up": "pacing up --demo",
    "serve": "pacing serve",
    "status": "pacing status --json",
    "explain": "pacing explain HAL-UK-005 --chart chart.png",
    "report": 'pacing report --client "Halden Outdoor UK"',
    "backtest": "pacing backtest history --out decisions.parquet",
    "replay": "pacing replay --from 2026-11-01T00:00:00Z --to 2026-11-08T00:00:00Z --policy stricter.toml",
    "doctor": "pacing doctor --json",
    "init": "pacing init monitor",
    "missed": 'pacing missed HAL-UK-005 --from 2026-11-03T06:00:00Z --as U0BUYERUK --reason "it stood still on Tuesday"',
    "audit show": "pacing audit show --kind campaign_decided --last 3",
    "audit export": "pacing audit export --to ledger",
    "audit verify": "pacing audit verify --anchor checkpoint.txt",
    "audit checkpoint": "pacing audit checkpoint",
    "audit prove": "pacing audit prove 120 --to proof.json",
    "audit verify-proof": "pacing audit verify-proof proof.json",
    "audit withhold": 'pacing audit withhold 120 --as U0DPO --reason "a name in a note"',
    "audit detach": "pacing audit detach 2026-01 --to archive",
    "audit stats": "pacing audit stats --campaign HAL-UK-005",
    "audit recover": 'pacing audit recover --as U0OPS --reason "restored last night\'s dump"',
    "audit acknowledge": 'pacing audit acknowledge --as U0LEAD --reason "the dump of Tuesday, as agreed"',
    "audit statement": "pacing audit statement --month 2026-10",
    "policy check": "pacing policy check policy.toml",
    "db upgrade": "pacing db upgrade",
    "db move": "pacing db move",
    "warehouse load": "pacing warehouse load spend.csv",
    "warehouse info": "pacing warehouse info",
    "patterns list": "pacing patterns list --all",
    "patterns show": "pacing patterns show 4f0c",
    "patterns retire": 'pacing patterns retire 4f0c --as U0LEAD --reason "two campaigns after all"',
    "halts stop": 'pacing halts stop --as U0OPS --reason "the feed looks wrong"',
    "halts allow": 'pacing halts allow --as U0OPS --reason "the feed is right again"',
    "halts release": 'pacing halts release account:meta/4402 --kind over --as U0LEAD --reason "the spend is real"',
    "silence set": 'pacing silence set client=Acme problem=over --until 2026-11-12 --as U0LEAD --reason "agreed by phone"',
    "silence list": "pacing silence list",
    "silence end": 'pacing silence end 4f0c --as U0LEAD --reason "it is over"',
    "recommendations list": "pacing recommendations list --all",
    "recommendations show": "pacing recommendations show 4f0c",
    "recommendations approve": 'pacing recommendations approve 4f0c --as U0LEAD --reason "it ran away"',
    "recommendations reject": 'pacing recommendations reject 4f0c --as U0LEAD --reason "the client raised the budget"',
    "recommendations undo": 'pacing recommendations undo 4f0c --as U0LEAD --reason "the feed was wrong"',
    "recommendations paused": 'pacing recommendations paused 4f0c --as U0BUYERUK --reason "in the platform, at 11:40"',
    "recommendations snooze": 'pacing recommendations snooze 4f0c --as U0LEAD --reason "the client is asked" --until 2026-11-06T09:00:00Z',
}


def show_examples(app: Typer, of: str = "") -> None:
    """Put each command's example at the end of its help."""
    for command in app.registered_commands:
        name = command.name or (command.callback.__name__ if command.callback else "")
        if example := EXAMPLES.get(f"{of}{name}"):
            command.epilog = f"Example: {example}"
    for group in app.registered_groups:
        if group.typer_instance is not None:
            show_examples(group.typer_instance, f"{group.name} ")
