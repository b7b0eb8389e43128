"""Options that several commands share."""

from pathlib import Path

import click

DEFAULT_FILE = "/etc/recording-controller/recording-controller.yaml"

config = click.option(
    "--config",
    "file",
    default=DEFAULT_FILE,
    show_default=True,
    envvar="RC_CONFIG",
    show_envvar=True,
    type=click.Path(path_type=Path),
    help="The configuration file.",
)
shape = click.option(
    "--format", "shape", type=click.Choice(["table", "jsonl"]), default="table", show_default=True, help="How to print."
)
call = click.option("--call", type=click.UUID, help="Only of this call.")
since = click.option(
    "--since",
    metavar="TIME",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    help="Only from this time on, in UTC: 2026-11-24 or 2026-11-24T00:29:00.",
)
limit = click.option("--limit", metavar="N", type=click.IntRange(min=1), help="Only the newest N.")
