"""The command ``simulate``: what a policy would have come to over a call log."""

import asyncio
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TextIO

import click

from controller.cli import options
from controller.cli.output import Row, each, print_rows
from controller.cli.session import load_settings
from controller.simulation import call_log
from controller.simulation.call_log import Leg, Unreadable
from controller.simulation.conversations import Conversation, Habits, Unplayed, conversations
from controller.simulation.playing import Company, Manners
from controller.simulation.results import Sum, Tally, results

CALL_COLUMNS = ("line", "call", "at", "direction", "queue", "route", "purpose", "recorded", "reason")
SUM_COLUMNS = ("purpose", "stratum", "calls", "eligible", "recorded", "share", "reasons")

_share = partial(click.option, metavar="SHARE", show_default=True, type=click.FloatRange(0, 1))
_log = click.File(encoding="utf-8", errors="replace")


@click.command()
@options.config
@click.option("--calls", required=True, metavar="CSV", type=_log, help="The call log; - is standard input.")
@click.option("--inbound-context", "inbound", metavar="PATTERN", multiple=True, help="Contexts in which calls come in.")
@click.option("--queue", "queues", metavar="CONTEXT=QUEUE", multiple=True, help="The queue of calls without Queue().")
@click.option("--language", metavar="LANGUAGE", default="", help="The language of the callers' channels.")
@_share("--objecting", default=0.0, help="The share of callers who object.")
@_share("--agreeing", default=1.0, help="The share who agree, where asked.")
@_share("--triggering", default=0.0, help="The share of calls with a trigger.")
@click.option("--seed", metavar="N", default=0, show_default=True, help="Another seed, other callers and other marks.")
@click.option("--summary", is_flag=True, help="Print the sums only.")
@options.shape
def simulate(
    *,
    file: Path,
    calls: TextIO,
    inbound: tuple[str, ...],
    queues: tuple[str, ...],
    language: str,
    objecting: float,
    agreeing: float,
    triggering: float,
    seed: int,
    summary: bool,
    shape: str,
) -> None:
    """Play a policy over a call log (Asterisk's Master.csv): what would have been recorded, and why."""
    settings = load_settings(file)
    habits = Habits(country=settings.country, inbound=inbound, queues=_queues(queues), language=language)
    manners = Manners(objecting=objecting, agreeing=agreeing, triggering=triggering, seed=seed)
    company, tally = Company(policy=settings.policy, manners=manners), Tally()
    legs = list(_legs(calls))
    rows = list(_play(company, tally, conversations(legs, settings.policy, habits)))
    asyncio.run(_print(rows, [_sum(total) for total in tally.sums()], shape, summary=summary))


def _queues(given: tuple[str, ...]) -> dict[str, str]:
    wrong = [text for text in given if "=" not in text]
    if wrong:
        raise click.BadParameter(f"must be CONTEXT=QUEUE, not {wrong[0]}", param_hint="--queue")
    return dict(text.split("=", 1) for text in given)


def _legs(calls: TextIO) -> Iterator[Leg]:
    """Every leg of the log; where any line is none, say so of each and exit 2."""
    faulty = False
    for one in call_log.read(calls):
        if isinstance(one, Unreadable):
            faulty = True
            click.echo(f"{calls.name}:{one.line}: {one.why}", err=True)
        else:
            yield one
    if faulty:
        sys.exit(2)


def _play(company: Company, tally: Tally, found: Iterable[Conversation | Unplayed]) -> Iterator[Row]:
    """A row for each call and purpose. What is excluded, or not played, shows in the sums alone."""
    for one in found:
        if isinstance(one, Unplayed):
            tally.count(None, None, one.why)
            continue
        played = company.play(one)
        if played.call.excluded is not None:
            tally.count(None, None, played.call.excluded)
            continue
        for result in results(one, played):
            tally.add(result)
            row = asdict(result)
            del row["stratum"]  # it may name an agent
            yield row


def _sum(total: Sum) -> Row:
    row = asdict(total)
    reasons = row.pop("reasons")
    return {**row, "share": round(total.recorded / total.calls, 3), "reasons": reasons}


def _readable(total: Row) -> Row:
    return {**total, "reasons": ", ".join(f"{reason} {count}" for reason, count in total["reasons"].items())}


async def _print(rows: list[Row], sums: list[Row], shape: str, *, summary: bool) -> None:
    if rows and not summary:
        await print_rows(each(rows), shape, CALL_COLUMNS)
        if shape == "table":
            click.echo()
    await print_rows(each(sums if shape == "jsonl" else map(_readable, sums)), shape, SUM_COLUMNS)
