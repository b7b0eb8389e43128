"""What the desk of a data protection officer, a supervisor or an administrator is made of, put together."""

from dataclasses import dataclass

from aiohttp import web

from controller.custody.custody import Custody
from controller.runtime.books import ChainBook, PolicyBook, SampleBook
from controller.runtime.identities import Identities
from controller.runtime.registration import Registration
from controller.runtime.reloading import Reloading
from controller.web.audit import AuditApi
from controller.web.identities import IdentitiesApi
from controller.web.pages.accounts import AccountsPage
from controller.web.pages.audit import AuditPage
from controller.web.pages.configuration import ConfigurationPage
from controller.web.pages.gate import Gate
from controller.web.pages.keeping import KeepingPages
from controller.web.pages.registers import RegisterPages
from controller.web.pages.sampling import SamplingPage
from controller.web.policies import PoliciesApi
from controller.web.sampling import SamplingApi


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What it reads from, and what it changes."""

    samples: SampleBook
    policies: PolicyBook
    chains: ChainBook
    identities: Identities
    reloading: Reloading

    def add_to(self, api: web.UrlDispatcher, pages: web.UrlDispatcher, gate: Gate) -> None:
        """Answer under ``/api/v1``, and with pages."""
        SamplingApi(self.samples).add_to(api)
        SamplingPage(self.samples).add_to(pages, gate)
        PoliciesApi(self.reloading, self.policies).add_to(api)
        ConfigurationPage(self.reloading, self.policies).add_to(pages, gate)
        AuditApi(self.chains).add_to(api)
        AuditPage(self.chains).add_to(pages, gate)
        IdentitiesApi(self.identities).add_to(api)
        AccountsPage(self.identities).add_to(pages, gate)


def add_desk_pages(
    pages: web.UrlDispatcher, gate: Gate, *, registration: Registration, custody: Custody | None
) -> None:
    """Answer with pages of what the API answers of anyway. ``custody`` None: nothing is stored but on the PBX."""
    RegisterPages(registration).add_to(pages, gate)
    if custody is not None:
        KeepingPages(custody).add_to(pages, gate)
