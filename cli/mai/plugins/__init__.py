"""I host plugins. What is named here is what a plugin may import."""

from ..project.manifest import Instance as Instance
from ..project.manifest import Manifest as Manifest
from .check import Check as Check
from .component import Component as Component
from .component import Compose as Compose
from .component import Contribution as Contribution
from .component import EnvVar as EnvVar
from .hookspecs import hookimpl as hookimpl
from .values import FileChange as FileChange
from .values import Plan as Plan
from .values import Problem as Problem
from .values import Project as Project

__all__ = [
    "Check",
    "Component",
    "Compose",
    "Contribution",
    "EnvVar",
    "FileChange",
    "Instance",
    "Manifest",
    "Plan",
    "Problem",
    "Project",
    "hookimpl",
]
