"""A project to try a component in: real files, changed by the river that every command is."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..apply.create import create
from ..apply.transaction import apply, locked
from ..apply.undo_store import FOLDER as UNDO_FOLDER
from ..commands.intent import Given, decide
from ..console.documents import Verb
from ..merge.three_way import three_way
from ..plan.outcomes import Outcomes
from ..plugins.loader import Catalog
from ..project.manifest import Manifest
from ..project.pristine import state_files
from ..project.reader import read_base, read_lock
from ..project.tree import File, read_tree
from ..render.engine import render
from ..river.choices import Choices
from ..river.opening import open_project
from ..river.planning import plan_of
from ..river.wishes import Wished, adding, removing, updating

_CHOICES = Choices(no_install=True)


@dataclass
class Project:
    """A project on disk, and the mai that changes it: `catalog` is what that has installed."""

    root: Path
    catalog: Catalog

    @classmethod
    def make(cls, root: Path, catalog: Catalog, manifest: Manifest) -> "Project":
        """As `mai new` makes it, without lock, environment and repository."""
        pristine = render(manifest, catalog)
        files = {**pristine.tree, **state_files(manifest, pristine)}
        create(root, three_way({}, {}, files), lambda _: None)
        return cls(root, catalog)

    def add(
        self, kind: str, name: str, component: str = "", answers: Mapping[str, Any] | None = None
    ) -> Outcomes:
        """`mai add KIND NAME --from COMPONENT -o …`; what became of each file."""
        stated = {**({"from": component} if component else {}), **(answers or {})}
        return self._change("add", adding(kind, name, stated))

    def remove(self, kind: str, name: str) -> Outcomes:
        """`mai remove KIND NAME`."""
        return self._change("remove", removing(kind, name, _CHOICES))

    def update(self, catalog: Catalog) -> Outcomes:
        """`mai update`, after `catalog` was installed."""
        self.catalog = catalog
        return self._change("update", updating({}))

    def _change(self, verb: Verb, wished: Wished) -> Outcomes:
        with locked(self.root):
            opened = open_project(self.root, self.catalog)
            plan = plan_of(verb, (), opened, wished(opened), _CHOICES)
            apply(self.root, plan.outcomes, plan.command)
            return plan.outcomes

    def files(self) -> dict[str, File]:
        """Every file by its path; mai's own, too, but for what `mai undo` needs."""
        found = read_tree(self.root)
        return {path: file for path, file in found.items() if not path.startswith(UNDO_FOLDER)}

    def read(self, path: str) -> str:
        """The text of a file."""
        return (self.root / path).read_text(encoding="utf-8")

    def owned_by(self, key: str, *policies: str) -> list[str]:
        """The paths of an instance such as `tool.weather`; of these policies, by default of all."""
        base = read_base(self.root, lock := read_lock(self.root))
        assert base is not None, "a project that was just made has a base"
        return [p for p in base.owned_by(key) if not policies or lock.files[p].policy in policies]


def preset_manifest(catalog: Catalog, preset: str, name: str = "shop") -> Manifest:
    """The manifest that `mai new NAME --preset PRESET --defaults` decides on."""
    return decide(catalog, Given(name, preset, (), (), None), lambda _: None, ask_for_rest=False)
