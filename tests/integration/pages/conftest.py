"""A browser, and an office to look at, with a person of each role who can log in."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.integration.browsers import a_browser
from tests.integration.offices import PEOPLE, Office, an_office
from tests.unit.config.conftest import Place, place

__all__ = ["place"]

PASSWORD = "an invented password"


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with a_browser() as opened:
        yield opened


@pytest.fixture
async def office(engine: AsyncEngine, tmp_path: Path, place: Place) -> AsyncIterator[Office]:
    """Everybody of ``PEOPLE`` has an account of the same name, whose password is ``PASSWORD``."""
    async with an_office(engine, tmp_path, place) as opened:
        yield opened


async def account(office: Office, who: str) -> str:
    """An account with the roles of somebody of ``PEOPLE``; its name."""
    await office.identities.add_account(who, PASSWORD, PEOPLE[who], actor="test")
    return who


def address(office: Office) -> str:
    """Where it is served."""
    return str(office.client.make_url("/"))
