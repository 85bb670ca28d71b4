"""Everything mai refuses to do, and why.

    MaiError                      exit code 1
    ├── UsageError                exit code 2: what was typed cannot be meant
    │   ├── InvalidName           a name that cannot become a package
    │   ├── UnknownName           no such answer, component, preset; names the nearest
    │   ├── InvalidAnswer         an answer outside of what its question takes
    │   └── NotInstalled          a component whose plugin is not there, or cannot be used
    ├── Refused                   what was asked is clear, and would do harm
    │   ├── TargetRefused         the folder is not empty, not writable, not a folder
    │   └── Conflict              two choices that exclude each other
    ├── NotAProject               there is no project here
    ├── BrokenProject             a file of `.mai/` that cannot be read
    ├── BrokenComponent           a component whose files do not say what they must
    ├── PluginFailed              a plugin that raised, or did not end
    ├── RenderFailed              a template that cannot be rendered
    ├── WriteFailed               the disk did not take a change
    └── CommandFailed             uv or git answered with an error

A `MaiError` is foreseen: it is printed as one line, with a hint of what to type next.
Anything else is a bug and keeps its traceback.
"""

from collections.abc import Iterable
from difflib import get_close_matches
from pathlib import Path

REPORT = "update its plugin, or report it to its author"
"""What helps against a fault of a plugin, when nothing more exact is known."""


class MaiError(Exception):
    """An error that mai foresees.

    `message` says what was given and what was expected, `hint` what to do next.
    """

    exit_code = 1
    where = ""
    """`FILE:LINE` of a fault in a plugin, where that is known."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    @property
    def code(self) -> str:
        """The stable name of this error in `--json`, such as `target_refused`."""
        name = type(self).__name__
        return "".join(f"_{c.lower()}" if c.isupper() else c for c in name).lstrip("_")


class UsageError(MaiError):
    exit_code = 2


class InvalidName(UsageError):
    pass


class UnknownName(UsageError):
    """`given` is none of `known`: `what` says of what sort, such as `component`."""

    def __init__(self, what: str, given: str, known: Iterable[str], hint: str = "") -> None:
        names = sorted(known)
        close = get_close_matches(given, names, n=1, cutoff=0.5)
        if close:
            hint = f"did you mean {close[0]!r}?"
        elif not hint:
            hint = f"known: {', '.join(names)}" if names else "none is known"
        super().__init__(f"no {what} {given!r}", hint)


class InvalidAnswer(UsageError):
    def __init__(self, name: str, given: object, expected: str) -> None:
        super().__init__(f"{name} = {given!r}: {expected}")


class NotInstalled(UsageError):
    def __init__(self, component: str, hint: str) -> None:
        super().__init__(f"{component} is not installed", hint)


class Refused(MaiError):
    pass


class TargetRefused(Refused):
    def __init__(self, target: Path, reason: str, hint: str) -> None:
        super().__init__(f"{str(target)!r} {reason}", hint)


class Conflict(Refused):
    pass


class NotAProject(MaiError):
    def __init__(self, start: Path) -> None:
        super().__init__(
            f"no project in {str(start)!r} or above it", "make one with `mai new NAME`"
        )


class BrokenProject(MaiError):
    def __init__(
        self,
        where: Path,
        reason: object,
        hint: str = "take it from the last commit: git checkout -- .mai",
    ) -> None:
        super().__init__(f"{where} cannot be read: {reason}", hint)


class BrokenComponent(MaiError):
    def __init__(
        self, path: Path, reason: str, hint: str = REPORT, *, line: int | None = None
    ) -> None:
        self.where = f"{path}:{line}" if line else str(path)
        super().__init__(f"{self.where}: {reason}", hint)


class PluginFailed(MaiError):
    """`plugin` raised `error`, or did not end, in `doing`: a hook, or being imported."""

    def __init__(self, plugin: str, doing: str, error: BaseException, where: str = "") -> None:
        self.plugin = plugin
        self.reason = f"{doing}: {type(error).__name__}: {error}"
        self.where = where
        hint = error.hint if isinstance(error, MaiError) else ""
        super().__init__(f"plugin {plugin} failed in {self.reason}", hint or REPORT)


class RenderFailed(MaiError):
    def __init__(self, owner: str, reason: str, where: str = "") -> None:
        self.where = where
        place = f" ({where})" if where else ""
        super().__init__(f"the template of {owner} cannot be rendered: {reason}{place}")


class WriteFailed(MaiError):
    def __init__(self, path: str, error: OSError, hint: str) -> None:
        super().__init__(f"{path!r} cannot be written: {error.strerror or error}", hint)


class CommandFailed(MaiError):
    """A program that mai started ended with an error; its last lines are in the message."""

    def __init__(self, command: Iterable[str], output: str, hint: str = "") -> None:
        tail = "\n".join(output.strip().splitlines()[-12:])
        super().__init__(f"`{' '.join(command)}` failed:\n{tail}", hint)
