"""Tools that know the time: now in any zone, and how dates lie to one another.

Models guess at both; these ask the calendar and the IANA time zone database.
"""

import calendar
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from zoneinfo import ZoneInfo, available_timezones

from pydantic_ai import ModelRetry

from .definition import tool


@tool(category="time")
async def current_time(timezone: str = "UTC") -> str:
    """Tell the weekday, date, time and ISO week in a time zone.

    Args:
        timezone: An IANA name such as "Europe/Berlin" or "America/New_York".
    """
    now = datetime.now(find_zone(timezone))
    return f"{now:%A}, {now.isoformat(sep=' ', timespec='seconds')} ({timezone}, week {now:%V})"


@tool(category="time")
async def shift_date(
    start: date, years: int = 0, months: int = 0, weeks: int = 0, days: int = 0
) -> str:
    """Find the day that lies a span after another day, or before it when the span is negative.

    Years and months come first: one month after 31 January is the last day of February.

    Args:
        start: The day to count from, as YYYY-MM-DD.
        years: How many years later.
        months: How many months later.
        weeks: How many weeks later.
        days: How many days later.
    """
    year, month = divmod(start.year * 12 + start.month - 1 + 12 * years + months, 12)
    try:
        last = calendar.monthrange(year, month + 1)[1]
        day = date(year, month + 1, min(start.day, last)) + timedelta(weeks=weeks, days=days)
    except (ValueError, OverflowError) as error:
        raise ModelRetry("That day is outside the years 1 to 9999.") from error
    return f"{day:%A}, {day} (week {day:%V})"


@tool(category="time")
async def days_between(start: date, end: date) -> int:
    """Count the days from one day to another; negative when the second one is earlier.

    Args:
        start: The day to count from, as YYYY-MM-DD.
        end: The day to count to, as YYYY-MM-DD.
    """
    return (end - start).days


def find_zone(name: str) -> ZoneInfo:
    """The time zone `name`; asks the model again, with the nearest names, when there is none."""
    try:
        return ZoneInfo(name)
    # A KeyError for an unknown name, the others for what is no name: "", "../etc", "Europe".
    except (KeyError, ValueError, OSError) as error:
        wanted = name.strip().title().replace(" ", "_")
        near = get_close_matches(wanted, sorted(available_timezones())) or ["Europe/Berlin", "UTC"]
        raise ModelRetry(f"{name!r} is not an IANA time zone. Is it one of {near}?") from error
