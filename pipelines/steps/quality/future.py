"""Finds rows that cannot have happened yet. No clock is asked, so a replay comes to the same verdict."""

import re
from datetime import UTC, datetime, timedelta

_RUN_TIME = re.compile(r"\d{8}T\d{6}Z")


def time_of_run(run_id: str) -> datetime | None:
    """Return the moment that a run id begins with (``20130301T101500Z-...``); ``None`` for an id without one."""
    found = _RUN_TIME.search(run_id)
    return None if found is None else datetime.strptime(found[0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)


def end_of_period(period: str) -> datetime:
    """Return the moment at which a period is over, in UTC: ``2013-01`` or ``2013-01-31``."""
    if len(period) > len("2013-01"):
        return datetime.strptime(period, "%Y-%m-%d").replace(tzinfo=UTC) + timedelta(days=1)
    begin = datetime.strptime(period, "%Y-%m").replace(tzinfo=UTC)
    return (begin + timedelta(days=31)).replace(day=1)


def latest_moment(period: str, *, run_id: str, hours: int) -> datetime:
    """Return the latest moment that a row of a drop may carry.

    Args:
        period: of the drop. Its end is told in UTC and data often cuts at local midnight, hence the hours.
        run_id: of the run.
        hours: by which a row may be later than the period's end and than the run.
    """
    run = time_of_run(run_id)
    end = end_of_period(period)
    return (end if run is None else min(end, run)) + timedelta(hours=hours)
