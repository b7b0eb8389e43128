"""Routes: what they name must exist, one dialogue must do for all of a route, and each should be reachable."""

import re
from fnmatch import fnmatchcase

from controller.config.draft import Draft, Finding, Findings, known_purpose
from controller.config.purpose_rules import HIGHEST_RATE, SMALL, quality_share
from controller.config.shape import ConsentShape, RouteShape


def check_routes(draft: Draft) -> Findings:
    """Everything about routes, and what no route uses."""
    yield from _check_names(draft)
    for index, route in draft.routes.items():
        yield from _check_purposes(draft, index, route)
        yield from _check_ids(index, route)
        yield from _check_shares(draft, index, route)
        yield from _check_language(draft, index, route)
        yield from _check_reachable(draft, index, route)
    used = {purpose for route in draft.routes.values() for purpose in route.purposes}
    for name in draft.purposes:
        if name not in used:
            yield Finding(path=("purposes", name), message="is served by no route", warning=True)


def _check_names(draft: Draft) -> Findings:
    first: dict[str, int] = {}
    for index, route in draft.routes.items():
        if route.name in first:
            message = f"is the name of routes[{first[route.name]}] too"
            yield Finding(path=("routes", index, "name"), message=message)
        first.setdefault(route.name, index)


def _check_purposes(draft: Draft, index: int, route: RouteShape) -> Findings:
    consent: tuple[str, ConsentShape] | None = None
    for position, name in enumerate(route.purposes):
        path = ("routes", index, "purposes", position)
        yield from known_purpose(name, path, draft.names)
        if name in route.purposes[:position]:
            yield Finding(path=path, message=f"names {name} twice")
        if name not in draft.purposes:
            continue
        own = draft.purposes[name].consent
        consent = consent or (name, own)
        if own != consent[1]:
            message = (
                f"has another consent than {consent[0]}: a call has one dialogue, which tells of every purpose of its"
                " route (GDPR art. 13(1)(c)), so give them all the same consent, with one announcement for all"
            )
            yield Finding(path=path, message=message)


def _check_ids(index: int, route: RouteShape) -> Findings:
    """The recordings of a call are named by its purposes, and no name may be the beginning of another."""
    for position, name in enumerate(route.purposes):
        for other in route.purposes:
            if re.match(re.escape(other) + "-[0-9]", name):
                message = f"{name} is {other} with a number behind it: Asterisk takes one's id for the other's"
                yield Finding(path=("routes", index, "purposes", position), message=message)


def _check_shares(draft: Draft, index: int, route: RouteShape) -> Findings:
    """Each purpose is drawn for itself: in the worst case no two samples have a call in common."""
    served = {name: quality_share(draft.purposes[name]) for name in route.purposes if name in draft.purposes}
    shares = {name: share for name, share in served.items() if share is not None}
    total = sum(shares.values())
    if len(shares) > 1 and total > HIGHEST_RATE + SMALL:
        message = (
            f"the maxima of {' and '.join(shares)} add up to {total:g}, above the {HIGHEST_RATE:.2f} limit: each is"
            " drawn for itself, 20 to 30 % of the calls is the usual share, and recording must not be systematic"
            " (CNIL, listening and recording at work)"
        )
        yield Finding(path=("routes", index, "purposes"), message=message)


def _check_language(draft: Draft, index: int, route: RouteShape) -> Findings:
    if route.language is None:
        return
    consents = [draft.purposes[name].consent for name in route.purposes if name in draft.purposes]
    prompts = {name for c in consents for name in (c.announcement, c.information, c.choice) if name}
    prompts |= {draft.purposes[name].notice or "" for name in route.purposes if name in draft.purposes}
    near = {route.language, route.language.split("_")[0]}
    for name in sorted(prompts & draft.announcements.keys()):
        if not near & draft.announcements[name].text.keys():
            message = f"announcement {name} has no text in {route.language}: the default language is spoken instead"
            yield Finding(path=("routes", index, "language"), message=message, warning=True)


def _check_reachable(draft: Draft, index: int, route: RouteShape) -> Findings:
    for number, earlier in draft.routes.items():
        if number < index and _covers(earlier, route):
            message = f"is never reached: routes[{number}] ({earlier.name}) takes all of its calls"
            yield Finding(path=("routes", index), message=message, warning=True)
            return


def _covers(earlier: RouteShape, later: RouteShape) -> bool:
    return (
        earlier.direction in {None, later.direction}
        and _covers_names(earlier.queues, later.queues)
        and _covers_names(earlier.languages, later.languages)
        and _covers_names(earlier.contexts, later.contexts)
        and _covers_all(earlier.called, later.called)
        and _covers_all(earlier.calling, later.calling)
    )


def _covers_names(earlier: list[str], later: list[str]) -> bool:
    """As ``_covers_all``; there always is a name, so ``*`` takes every call. A number may be withheld."""
    return "*" in earlier or _covers_all(earlier, later)


def _covers_all(earlier: list[str], later: list[str]) -> bool:
    """Whether everything that ``later`` takes is taken by ``earlier``; an empty list takes every call."""
    if not earlier:
        return True
    return bool(later) and all(any(_covers_one(e, name) for e in earlier) for name in later)


def _covers_one(earlier: str, later: str) -> bool:
    literal = not set(later) & set("*?[")
    return earlier == later or (literal and fnmatchcase(later, earlier))
