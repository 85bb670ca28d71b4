"""I host plugins."""

from .component import Component as Component
from .hookspecs import hookimpl as hookimpl

__all__ = ["Component", "hookimpl"]
