"""Tools that know the time: now in any zone, and how dates lie to one another.

Models guess at both; these answer from the calendar and the IANA time zone database.
"""

import calendar
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from pydantic_ai import ModelRetry

from .registry import tool


@dataclass(frozen=True)
class Moment:
    """A point in time, as the clocks of one zone show it."""

    time: str
    timezone: str
    abbreviation: str
    weekday: str
    iso_week: int


@dataclass(frozen=True)
class Day:
    """A day of the calendar."""

    date: date
    weekday: str
    iso_week: int


@dataclass(frozen=True)
class Span:
    """How far one day is from another; negative when it lies before it."""

    days: int
    weekdays: int
    """Those of the days that are Monday to Friday."""


@tool(category="time")
async def current_time(timezone: str = "UTC") -> Moment:
    """Tell the current date and time in a time zone.

    Args:
        timezone: An IANA name such as "Europe/Berlin" or "America/New_York".
    """
    now = datetime.now(find_zone(timezone))
    return Moment(
        time=now.isoformat(timespec="seconds"),
        timezone=str(now.tzinfo),
        abbreviation=now.tzname() or "",
        weekday=f"{now:%A}",
        iso_week=now.isocalendar().week,
    )


@tool(category="time")
async def shift_date(
    start: date, years: int = 0, months: int = 0, weeks: int = 0, days: int = 0
) -> Day:
    """Find the day that lies a span after another day, or before it when the span is negative.

    Years and months come first: one month after 31 January is the last day of February.

    Args:
        start: The day to count from, as YYYY-MM-DD.
        years: How many years later.
        months: How many months later.
        weeks: How many weeks later.
        days: How many days later.
    """
    try:
        day = _add_months(start, 12 * years + months) + timedelta(weeks=weeks, days=days)
    except (ValueError, OverflowError) as error:
        raise ModelRetry("That day is outside the years 1 to 9999.") from error
    return Day(date=day, weekday=f"{day:%A}", iso_week=day.isocalendar().week)


@tool(category="time")
async def days_between(start: date, end: date) -> Span:
    """Count the days from one day to another, the last one included and the first one not.

    Args:
        start: The first day, as YYYY-MM-DD.
        end: The last day, as YYYY-MM-DD.
    """
    sign = 1 if end >= start else -1
    return Span(
        days=(end - start).days,
        weekdays=sign * (_weekdays_until(max(start, end)) - _weekdays_until(min(start, end))),
    )


def find_zone(name: str) -> ZoneInfo:
    """The time zone `name`; asks the model again, with the nearest names, when there is none."""
    try:
        return ZoneInfo(name)
    # A KeyError for an unknown name, the others for what is no name: "", "../etc", "Europe".
    except (KeyError, ValueError, OSError) as error:
        near = ", ".join(_nearest_zones(name)) or "Europe/Berlin, America/New_York, UTC"
        raise ModelRetry(f"{name!r} is not an IANA time zone. Try one of: {near}.") from error


def _nearest_zones(name: str) -> list[str]:
    zones = _zones_by_spelling()
    wanted = name.strip().lower().replace(" ", "_")
    cities = sorted(zone for key, zone in zones.items() if key.rpartition("/")[2] == wanted)
    return cities or [zones[key] for key in get_close_matches(wanted, zones, n=5)]


@cache
def _zones_by_spelling() -> dict[str, str]:
    return {zone.lower(): zone for zone in sorted(available_timezones())}


def _add_months(day: date, months: int) -> date:
    years, month = divmod(day.month - 1 + months, 12)
    year = day.year + years
    if not date.min.year <= year <= date.max.year:
        raise OverflowError(year)
    last = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last))


def _weekdays_until(day: date) -> int:
    weeks, weekday = divmod(day.toordinal(), 7)  # day 1 of the calendar is a Monday
    return 5 * weeks + min(weekday, 5)
