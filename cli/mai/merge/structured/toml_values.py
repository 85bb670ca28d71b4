"""TOML values merged three-way: arrays as ordered sets, inline tables by key, the rest whole."""

import tomllib
from dataclasses import replace
from typing import Any

from .lists import KeyedMerge, Path, Verdicts, merged_comments, unique
from .requirements import Requirement, is_requirements, merged_requirement, parse
from .toml_layout import commented, laid_out
from .toml_text import Container, Item, comments, key_path, split_container, split_statement


def merged_statement(path: Path, base: str | None, yours: str, new: str, verdicts: Verdicts) -> str:
    """One `key = value` out of three, in the layout of yours; `path` is its whole key."""
    before, mine, after = split_statement(yours)
    _, wanted, comes_after = split_statement(new)
    _, was, was_after = split_statement(base) if base else ("", None, "")
    where = ".".join(path)
    return (
        before
        + _merged_value(path, was, mine, wanted, verdicts)
        + merged_comments(verdicts, where, was_after, after, comes_after)
    )


def _merged_value(path: Path, base: str | None, yours: str, new: str, verdicts: Verdicts) -> str:
    if yours == base:
        return new
    if new == base:
        return yours
    if yours[0] in "[{" and yours[0] == new[0]:
        was = base if base and base[0] == new[0] else yours[0] + yours[-1]
        three = [split_container(text) for text in (was, yours, new)]
        return _merged_container(path, three, verdicts)
    was_value, mine, wanted = (text and _value(text) for text in (base, yours, new))
    if wanted in (was_value, mine):
        return yours
    if mine == was_value:
        return new
    return yours if verdicts.keeps(".".join(path), yours, new) else new


def _value(text: str) -> str:
    return repr(tomllib.loads(f"value = {text}")["value"])


def _merged_container(path: Path, three: list[Container], verdicts: Verdicts) -> str:
    base, yours, new = three
    items = _Items(path, inline_table=yours.closing == "}", verdicts=verdicts)
    keyed = items.keyed(yours)
    merged = items.merge(items.keyed(base), keyed, items.keyed(new))
    if keyed or yours.opening[1:] or yours.end.strip() or not merged:
        return laid_out(yours, keyed, merged).text
    return replace(new, items=tuple(merged.values())).text


class _Items(KeyedMerge[Path, Item]):
    def __init__(self, path: Path, *, inline_table: bool, verdicts: Verdicts) -> None:
        super().__init__(verdicts)
        self.path = path
        self.inline_table = inline_table

    def keyed(self, container: Container) -> dict[Path, Item]:
        keyed: dict[Path, Item] = {}
        for item in container.items:
            keyed[unique(self._key(item), keyed)] = item
        return keyed

    def _key(self, item: Item) -> Path:
        if self.inline_table:
            return key_path(split_statement(item.value)[0] + "0")
        value = _item_value(item)
        if isinstance(value, str) and is_requirements(self.path):
            requirement = parse(value)
            return requirement.key if requirement else (value,)
        return (repr(value),)

    def where(self, key: Path) -> str:
        return ".".join((*self.path, *key) if self.inline_table else self.path)

    def show(self, part: Item) -> str:
        value = part.value if self.inline_table else _item_value(part)
        return value if isinstance(value, str) else part.value

    def unedited(self, base: Item, other: Item) -> bool:
        was, now = (_value(self._alone(item)) for item in (base, other))
        return was == now and comments(self._alone(other)) <= comments(self._alone(base))

    def _alone(self, item: Item) -> str:
        if self.inline_table:
            return f"{{{item.value}}}"
        return f"[{item.lead}{item.value}{item.trail}\n]"

    def both(self, key: Path, base: Item | None, yours: Item, new: Item) -> Item:
        where = self.where(key)
        was = base or Item("", "", "")
        lead = merged_comments(self.verdicts, where, was.lead, yours.lead, new.lead)
        return Item(
            yours.lead if lead == yours.lead else commented(yours.lead, lead),
            self._both_values(key, base, yours, new),
            merged_comments(self.verdicts, where, was.trail, yours.trail, new.trail),
        )

    def _both_values(self, key: Path, base: Item | None, yours: Item, new: Item) -> str:
        was = base.value if base else None
        if yours.value == was:
            return new.value
        if self.inline_table:
            path = (*self.path, *key)
            return merged_statement(path, was, yours.value, new.value, self.verdicts)
        if is_requirements(self.path):
            return self._both_requirements(key, base, yours, new)
        return yours.value

    def _both_requirements(self, key: Path, base: Item | None, yours: Item, new: Item) -> str:
        mine, wanted = _requirement(yours), _requirement(new)
        if mine is None or wanted is None:
            return yours.value
        was = _requirement(base) if base else None
        merged = merged_requirement(self.where(key), was, mine, wanted, self.verdicts)
        return yours.value if merged == mine else _quoted(str(merged), yours.value[0])


def _requirement(item: Item) -> Requirement | None:
    value = _item_value(item)
    return parse(value) if isinstance(value, str) else None


def _item_value(item: Item) -> Any:
    return tomllib.loads(f"value = [{item.value}\n]")["value"][0]


def _quoted(text: str, quote: str) -> str:
    other = {'"': "'", "'": '"'}[quote]
    return f"{other}{text}{other}" if quote in text else f"{quote}{text}{quote}"
