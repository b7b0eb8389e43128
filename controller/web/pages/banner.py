"""The banner: what an agent sees, beside their softphone or in a CRM, of the calls that they talk in.

The page holds nothing of anybody, so it is there for whoever asks: in a frame on another site a browser shows no
cookie, and nobody could be told from anybody else. What it shows it asks of the API, in the name of who has logged in,
or of the token that the page around it hands over; there it is decided who sees what.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from aiohttp import web

from controller.web.headers import page_policy
from controller.web.pages.languages import language_of, words
from controller.web.pages.rendering import rendered

PART: Final = "banner."


class Banner:
    """``embedded_by`` are the origins whose pages may have it in a frame, and talk with it."""

    def __init__(self, embedded_by: Sequence[str]) -> None:
        self._embedded_by = tuple(embedded_by)

    def add_to(self, router: web.UrlDispatcher) -> None:
        """Answer there."""
        router.add_get("/banner", self.show)

    async def show(self, request: web.Request) -> web.StreamResponse:
        """The page; what is asked for in its address, its script reads itself."""
        texts = texts_of(language_of(request))
        response = await rendered(request, "banner.html", texts=texts, embedded_by=self._embedded_by)
        response.headers["Content-Security-Policy"] = page_policy(embedded_by=self._embedded_by)
        return response


def texts_of(language: str) -> Mapping[str, str]:
    """All that the script may have to say, by name."""
    return {name.removeprefix(PART): text[language] for name, text in words().items() if name.startswith(PART)}
