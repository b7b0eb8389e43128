"""Every request has its row in the table of who may do what, and the table is as it is printed."""

import re
from typing import cast

from aiohttp import web

from controller.config.settings import DataController
from controller.custody.custody import Custody
from controller.domain.access import ON_AN_OLD_WORD, Action
from controller.runtime import authority
from controller.runtime.books import ChainBook, PolicyBook, SampleBook
from controller.runtime.identities import Identities
from controller.runtime.openid import Provider
from controller.runtime.ports import AccessBook
from controller.runtime.reloading import Reloading
from controller.runtime.requests import Verb
from controller.runtime.sessions import Sessions
from controller.web import server
from controller.web.desk import Desk
from controller.web.live import LiveApi
from controller.web.openid import OpenIdLogIn
from controller.web.routes import ACTIONS, OPEN, OUTSIDE, PAGES, PREFIX, request_of
from tests.unit.registers import MemoryRegister, a_registration
from tests.unit.web.access_table import COMMITTED, printed


def requests_served() -> tuple[set[str], set[str]]:
    """All that the server answers under the prefix, and all else."""
    app = server.build(
        pbxs=[],
        token=None,
        troubles=dict,
        registration=a_registration(MemoryRegister()),
        reloading=cast("Reloading", None),
        custody=cast("Custody", object()),
        data_controller=DataController(name="Exemple SA", contact="dpo@exemple.example"),
        accesses=cast("AccessBook", object()),
        sessions=cast("Sessions", object()),
        live=LiveApi([]),
        openid=OpenIdLogIn(cast("Provider", object()), cast("Sessions", object()), encrypted=True),
        desk=Desk(
            samples=cast("SampleBook", object()),
            policies=cast("PolicyBook", object()),
            chains=cast("ChainBook", object()),
            identities=cast("Identities", object()),
            reloading=cast("Reloading", None),
        ),
    )
    under: set[str] = set()
    beside: set[str] = set()
    for route in app.router.routes():
        if (asked := request_of(route)) is not None:
            (under if _path(route).startswith(PREFIX) else beside).add(asked)
    return under, beside


def _path(route: web.AbstractRoute) -> str:
    return route.resource.canonical if route.resource is not None else ""


def test_every_request_that_is_answered_has_its_row_and_no_row_is_for_nothing() -> None:
    under, beside = requests_served()
    assert under == set(ACTIONS) | OPEN
    assert beside == OUTSIDE | set(PAGES)
    assert not set(ACTIONS) & OPEN


def test_every_action_is_asked_for_somewhere() -> None:
    """But the archive, which adds to the others."""
    assert {*ACTIONS.values(), *PAGES.values(), Action.OPEN_ARCHIVE} == set(Action)
    assert set(authority.ACTIONS) == set(Verb)


def test_the_page_is_as_it_is_printed() -> None:
    assert COMMITTED.read_text() == printed()


def test_the_page_names_what_an_old_word_is_taken_for() -> None:
    written, _, _ = COMMITTED.read_text().partition("| request |")
    told = written.partition("old word for ")[2].partition(";")[0]
    assert set(re.findall(r"`([a-z-]+)`", told)) == {action.value for action in ON_AN_OLD_WORD}
