"""What a company must have done before it records its staff, purpose by purpose. Each message names its source.

That the facts are given at all is the shape's business.
"""

from datetime import date

from controller.config.draft import Draft, Finding, Findings
from controller.config.faults import Path
from controller.config.shape import PurposeShape
from controller.config.text import consultation, day


def check_accountability(draft: Draft, today: date) -> Findings:
    """Who may listen, and that assessment and consultation lie behind us."""
    for name, purpose in draft.purposes.items():
        path: Path = ("purposes", name)
        if len(set(purpose.listeners)) < len(purpose.listeners):
            yield Finding(path=(*path, "listeners"), message="names the same role twice")
        yield from _check_dates(purpose, path, today)


def _check_dates(purpose: PurposeShape, path: Path, today: date) -> Findings:
    if day(purpose.assessed) > today:
        message = "is still to come: the impact assessment is made before anything is recorded (GDPR art. 35(1))"
        yield Finding(path=(*path, "assessed"), message=message)
    consulted = consultation(purpose.consulted)
    if consulted is not None and consulted > today:
        message = "is still to come: the staff's representatives are consulted before anything is recorded"
        yield Finding(path=(*path, "consulted"), message=f"{message} (CNIL, listening and recording at work)")
