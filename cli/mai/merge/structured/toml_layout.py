"""Where items of an array or inline table stand: what comes stands as its neighbours do.

Each move has its reverse: an array that takes items and loses them again is as it was.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from .lists import Path, comment_lines
from .toml_text import Container, Item


def laid_out(
    yours: Container, keyed: Mapping[Path, Item], merged: Mapping[Path, Item]
) -> Container:
    """`yours` with the items of `merged`: what came stands as its neighbours do."""
    left = dict(_closed_up(keyed, merged))
    order = list(merged)
    items: list[Item] = []
    for index, key in enumerate(order):
        item = left.get(key, merged[key])
        if key not in left:
            following = next((k for k in order[index:] if k in left), None)
            after = left[following].lead if following else None
            item = replace(item, lead=commented(_new_space(items, after), item.lead))
            if following and not items and after is not None and "\n" not in after:
                left[following] = replace(left[following], lead=_gap(list(left.values())))
        items.append(item)
    end = yours.end
    if keyed and not items and not end.strip():
        end = "\n" if yours.opening[1:] else ""
    return replace(yours, items=tuple(_with_room_for_comments(items, end)), end=end)


def _closed_up(
    keyed: Mapping[Path, Item], merged: Mapping[Path, Item]
) -> Iterator[tuple[Path, Item]]:
    """Your items that are left; the next on its line moves up to where one went."""
    freed = None
    for key, item in keyed.items():
        if key not in merged:
            freed = item.lead if freed is None else freed
            continue
        if freed is None or "\n" in item.lead:
            yield key, merged[key]
        else:
            yield key, replace(merged[key], lead=_space(freed))
        freed = None


def _new_space(before: list[Item], after: str | None) -> str:
    """The white space in front of a new item between `before` and one whose lead is `after`."""
    if after is not None and (not before or "\n" not in after):
        return _space(after)
    if before and "\n" not in before[-1].lead and not before[-1].trail:
        return before[-1].lead or " "
    leads = (after, *(item.lead for item in before))
    return next((_space(lead) for lead in leads if lead and "\n" in lead), "\n    ")


def _gap(items: list[Item]) -> str:
    """What parts two items on one line."""
    return items[1].lead if len(items) > 1 and "\n" not in items[1].lead else " "


def _space(lead: str) -> str:
    """The white space alone that puts a value where `lead` puts it."""
    return "\n" + lead.rpartition("\n")[2] if "\n" in lead else lead


def commented(lead: str, comments: str) -> str:
    """The white space of `lead` with other comments, where they have lines of their own."""
    space = lead[: len(lead) - len(lead.lstrip())]
    lines = comment_lines(comments) if "\n" in space else []
    return space + "".join(line + _space(space) for line in lines)


def _with_room_for_comments(items: list[Item], end: str) -> Iterator[Item]:
    """Drops a comment that came where the line goes on: it would swallow what follows."""
    following = [*(item.lead for item in items), end][1:]
    for item, lead in zip(items, following, strict=True):
        yield item if lead.lstrip(" \t").startswith("\n") else replace(item, trail="")
