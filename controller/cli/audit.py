"""The commands of an auditor: whether the decisions are those that were taken, and the key that proves it."""

import asyncio
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path

import click

from controller.audit.checkpoints import CHECKPOINTS, Checkpoint, copies
from controller.audit.keys import PublicKey, SigningKey
from controller.audit.verify import Finding, Proof, Report, verify
from controller.cli import options
from controller.cli.output import Row, each, print_rows
from controller.cli.session import load_settings, with_database
from controller.config import Settings
from controller.errors import ConfigurationError
from controller.runtime.clock import now

COLUMNS = ("writer", "rows", "first", "last", "signed", "unsigned", "damage", "position", "seq", "token", "detail")
PATIENCE = 10
"""So many times the interval of signing a row may stand unsigned: a daemon may have been away for a while."""
LEAST_GRACE = timedelta(hours=1)


public_key_option = click.option(
    "--public-key",
    "pems",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="A key to trust, in PEM, as often as there are; that of the secret audit-key unless given.",
)
checkpoints_option = click.option(
    "--checkpoints",
    "kept",
    multiple=True,
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Checkpoints that were kept outside the database, as often as there are files; those of the state directory"
    " unless given.",
)


@click.group()
def audit() -> None:
    """Prove that the decisions in the database are those that were taken."""


@audit.command("verify")
@options.config
@options.shape
@public_key_option
@checkpoints_option
def verify_chains(file: Path, shape: str, pems: tuple[Path, ...], kept: tuple[Path, ...]) -> None:
    """Verify every chain of decisions and every checkpoint. Exits with 1 where anything is broken."""
    found = proven(load_settings(file), pems, kept)
    asyncio.run(print_rows(each(_rows(found)), shape, COLUMNS))
    broken = sum(bool(report.findings) for report in found)
    total = sum(report.rows for report in found)
    click.echo(f"{total} decisions in {len(found)} chains: {f'{broken} broken' if broken else 'all good'}", err=True)
    if broken:
        sys.exit(1)


def proven(settings: Settings, pems: Sequence[Path], kept: Sequence[Path]) -> list[Report]:
    """A report for each chain, held against these public keys and copies of checkpoints, or those that are here."""
    from controller.db.chains import everything  # noqa: PLC0415

    keys = [_read(pem) for pem in pems] or [_own(settings)]
    outside = [copy for file in kept or [settings.state_directory / CHECKPOINTS] for copy in _copies(file)]
    grace = max(timedelta(seconds=settings.sign_every_s) * PATIENCE, LEAST_GRACE)
    found: list[Report] = []

    def look(url: str) -> None:
        with everything(url) as (rows, checkpoints):
            proof = Proof(checkpoints=checkpoints, copies=outside, keys=keys, now=now(), grace=grace)
            found.extend(verify(rows, proof))

    with_database(settings, lambda url: asyncio.to_thread(look, url))
    return found


@audit.command("public-key")
@options.config
def public_key(file: Path) -> None:
    """Print the key that verifies, in PEM: for the auditor, to be kept elsewhere."""
    click.echo(_own(load_settings(file)).pem, nl=False)


def _read(pem: Path) -> PublicKey:
    try:
        return PublicKey.read(pem.read_bytes())
    except ConfigurationError as error:
        raise click.ClickException(f"{pem}: {error}") from error


def _own(settings: Settings) -> PublicKey:
    """The public half of the secret that daemons and commands of this configuration sign with."""
    try:
        seed = settings.secrets.stored_audit_key()
    except ConfigurationError as error:
        raise click.ClickException(f"{settings.file}: {error}") from error
    if seed is None:
        made = "the daemon makes it at its first start; audit verify takes another key by --public-key"
        raise click.ClickException(f"there is no secret audit-key here yet: {made}")
    return SigningKey(seed).public


def _copies(file: Path) -> Iterable[Checkpoint]:
    return copies(file) if file.exists() else ()


def _rows(reports: Sequence[Report]) -> Iterator[Row]:
    """A row for each chain, and one more for each further finding."""
    for report in reports:
        findings: Sequence[Finding | None] = report.findings or [None]
        for finding in findings:
            yield {
                "writer": report.writer,
                "rows": report.rows,
                "first": report.first,
                "last": report.last,
                "signed": report.signed_upto,
                "unsigned": report.unsigned,
                "damage": finding.damage.value if finding else None,
                "position": finding.position if finding else None,
                "seq": finding.seq if finding else None,
                "token": finding.token if finding else None,
                "detail": finding.detail if finding else None,
            }
