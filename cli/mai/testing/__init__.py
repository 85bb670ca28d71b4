"""What authors of plugins test with.

    from mai.testing import check_component

    def test_it_is_a_good_component() -> None:
        check_component("tool/weather")

`check_component` tries all that mai promises of a component, in real projects. For tests of one's
own, `new_project` is a fixture that makes such projects: pytest finds it with
`-p mai.testing.fixtures`.
"""

from .check import ComponentFailed as ComponentFailed
from .check import Report as Report
from .check import check_component as check_component
from .claims import CHANGES as CHANGES
from .claims import CLAIMS as CLAIMS
from .claims import INSIDE as INSIDE
from .project import Project as Project

__all__ = [
    "CHANGES",
    "CLAIMS",
    "INSIDE",
    "ComponentFailed",
    "Project",
    "Report",
    "check_component",
]
