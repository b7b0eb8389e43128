"""Which action each request is, of the API and for a page: who may do it stands in ``controller.domain.access``.

A request that is none of these is answered to nobody.
"""

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from controller.domain.access import Action
from controller.runtime import authority
from controller.runtime.openid import HOME

PREFIX: Final = "/api/v1"

OPEN: Final = frozenset({"POST /session", "GET /openapi.json"})
"""What is answered to whoever asks, known or not."""

OUTSIDE: Final = frozenset(
    {"GET /healthz", "GET /readyz", "GET /metrics", "GET /", "GET /static/{name}"}
    | {"GET /api/docs", "GET /api/docs/reference.css"}
    | {"GET /banner", "GET /login", "GET /login/openid", "GET /login/openid/callback"}
)
"""The same of what is not under the prefix: nothing of it says anything of a call or of a recording."""

ACTIONS: Final[Mapping[str, Action]] = {
    "GET /me": Action.SEE_ONESELF,
    "GET /me/accesses": Action.SEE_ONESELF,
    "POST /me/password": Action.SEE_ONESELF,
    "DELETE /session": Action.SEE_ONESELF,
    "GET /live": Action.SEE_CALLS,
    "GET /calls": Action.SEE_CALLS,
    "GET /calls/{id}": Action.SEE_CALLS,
    **{f"POST /calls/{{id}}/{verb}": action for verb, action in authority.ACTIONS.items()},
    "GET /calls/{id}/decisions": Action.READ_DECISIONS,
    "GET /recordings": Action.FIND_RECORDINGS,
    "POST /recordings/search": Action.FIND_RECORDINGS,
    "GET /recordings/{name}": Action.FIND_RECORDINGS,
    "GET /recordings/{name}/audio.{shape}": Action.LISTEN,
    "GET /recordings/{name}/peaks": Action.LISTEN,
    "GET /recordings/{name}/timeline": Action.LISTEN,
    "POST /recordings/{name}/proof": Action.PROVE_OTHERWISE,
    "POST /outcomes": Action.TELL_OUTCOMES,
    "GET /documents": Action.READ_DOCUMENTS,
    "POST /documents": Action.ADD_DOCUMENTS,
    "GET /documents/{id}": Action.READ_DOCUMENTS,
    "GET /holds": Action.SEE_HOLDS,
    "POST /holds": Action.CHANGE_HOLDS,
    "DELETE /holds/{id}": Action.CHANGE_HOLDS,
    "POST /holds/{id}/lift": Action.CHANGE_HOLDS,
    "GET /retention": Action.FORESEE_RETENTION,
    "GET /retention/forecast": Action.FORESEE_RETENTION,
    "GET /retention/review": Action.REVIEW_RETENTION,
    "POST /retention/review": Action.APPLY_RETENTION,
    "POST /subjects/export": Action.SERVE_SUBJECTS,
    "POST /subjects/erase": Action.SERVE_SUBJECTS,
    "POST /subjects/restrict": Action.SERVE_SUBJECTS,
    "POST /subjects/rectify": Action.SERVE_SUBJECTS,
    "GET /notices": Action.SEE_NOTICES,
    "POST /notices": Action.CHANGE_NOTICES,
    "DELETE /notices/{agent}": Action.CHANGE_NOTICES,
    "GET /objections": Action.SEE_OBJECTIONS,
    "POST /objections": Action.CHANGE_OBJECTIONS,
    "POST /objections/end": Action.CHANGE_OBJECTIONS,
    "DELETE /objections/{customer}": Action.CHANGE_OBJECTIONS,
    "GET /sampling": Action.SEE_SAMPLING,
    "GET /accounts": Action.SEE_IDENTITIES,
    "POST /accounts": Action.CHANGE_IDENTITIES,
    "POST /accounts/{name}": Action.CHANGE_IDENTITIES,
    "POST /accounts/{name}/disable": Action.CHANGE_IDENTITIES,
    "GET /tokens": Action.SEE_IDENTITIES,
    "POST /tokens": Action.CHANGE_IDENTITIES,
    "POST /tokens/{name}/revoke": Action.CHANGE_IDENTITIES,
    "GET /audit": Action.SEE_AUDIT,
    "GET /config": Action.SEE_CONFIGURATION,
    "GET /config/versions": Action.SEE_CONFIGURATION,
    "POST /config/reload": Action.RELOAD,
}

LOG_IN: Final = "/login"

BANNER: Final = "/banner"
ME: Final = "/console/me"

NAVIGATION: Final[Mapping[str, str]] = {
    "calls": "/console/calls",
    "recordings": "/console/recordings",
    "sampling": "/console/sampling",
    "retention": "/console/retention",
    "holds": "/console/holds",
    "subjects": "/console/subjects",
    "objections": "/console/objections",
    "notices": "/console/notices",
    "accounts": "/console/accounts",
    "configuration": "/console/configuration",
    "audit": "/console/audit",
}
"""The pages that every page leads to, for those who have them: what they are called among the words, and where."""

PAGES: Final[Mapping[str, Action]] = {
    f"GET {HOME}": Action.SEE_ONESELF,
    f"GET {ME}": Action.SEE_ONESELF,
    "GET /console/calls": Action.SEE_CALLS,
    "GET /console/recordings": Action.FIND_RECORDINGS,
    "GET /console/recordings/search": Action.FIND_RECORDINGS,
    "POST /console/recordings/search": Action.FIND_RECORDINGS,
    "GET /console/recordings/{name}": Action.FIND_RECORDINGS,
    "GET /console/recordings/{name}/listen": Action.LISTEN,
    "GET /console/customers": Action.FIND_RECORDINGS,
    "POST /console/customers": Action.FIND_RECORDINGS,
    "GET /console/customers/{number}": Action.FIND_RECORDINGS,
    "GET /console/sampling": Action.SEE_SAMPLING,
    "GET /console/retention": Action.REVIEW_RETENTION,
    "GET /console/holds": Action.SEE_HOLDS,
    "GET /console/subjects": Action.SERVE_SUBJECTS,
    "GET /console/objections": Action.SEE_OBJECTIONS,
    "GET /console/notices": Action.SEE_NOTICES,
    "GET /console/accounts": Action.SEE_IDENTITIES,
    "GET /console/configuration": Action.SEE_CONFIGURATION,
    "GET /console/audit": Action.SEE_AUDIT,
}
"""The same for pages, with their whole address."""


def request_of(route: web.AbstractRoute) -> str | None:
    """What a route is called above; None where it is no address of ours."""
    if route.resource is None:
        return None
    method = "GET" if route.method == "HEAD" else route.method
    return f"{method} {route.resource.canonical.removeprefix(PREFIX)}"
