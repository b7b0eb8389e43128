"""Which legal holds stand: the one place that says so, for every question that depends on it."""

from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_

from controller.db.tables import legal_hold


def stands(at: datetime | ColumnElement[datetime]) -> ColumnElement[bool]:
    """Whether a row of ``legal_hold`` stands at a time: not lifted, and not over by then."""
    return and_(legal_hold.c.lifted_at.is_(None), or_(legal_hold.c.until.is_(None), legal_hold.c.until > at))
