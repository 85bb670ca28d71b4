"""What Ctrl-C, SIGTERM and SIGHUP do while mai writes."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_ENDING = [signal.SIGTERM, *([signal.SIGHUP] if hasattr(signal, "SIGHUP") else [])]


@contextmanager
def terminable() -> Iterator[None]:
    """Makes SIGTERM and SIGHUP end this process as Ctrl-C does, so that it tidies up."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    with _handled(_ENDING, stop):
        yield


@contextmanager
def held() -> Iterator[Callable[[], None]]:
    """Lets no signal interrupt a step; what is yielded raises `KeyboardInterrupt` if one has come.

    One that came after the last call of it is sent again at the end.
    """
    came: list[int] = []

    def check() -> None:
        if came:
            came.clear()
            raise KeyboardInterrupt

    with _handled([signal.SIGINT, *_ENDING], lambda number, _frame: came.append(number)):
        yield check
    if came:
        signal.raise_signal(came[0])


@contextmanager
def _handled(
    numbers: list[signal.Signals], handler: Callable[[int, FrameType | None], None]
) -> Iterator[None]:
    """Sets `handler` for those of `numbers` that are not ignored, as under `nohup`."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals reach the main thread only
        return
    watched = [number for number in numbers if signal.getsignal(number) != signal.SIG_IGN]
    before = {number: signal.signal(number, handler) for number in watched}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)
