"""In processes of their own, as a signal ends one."""

import os
import subprocess
import sys

import pytest

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")

HELD = """
import signal
from mai.apply.signals import held, terminable

send = signal.raise_signal
"""


def run(script: str) -> tuple[int, str]:
    command = [sys.executable, "-c", HELD + script]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout.strip()


def test_a_held_signal_waits_until_it_is_asked_for() -> None:
    script = """
with held() as stop_if_asked:
    stop_if_asked()
    send(signal.SIGTERM)
    print("still here")
    try:
        stop_if_asked()
    except KeyboardInterrupt:
        print("asked")
print("whole")
"""
    assert run(script) == (0, "still here\nasked\nwhole")


def test_a_held_signal_that_nobody_asked_for_is_sent_again() -> None:
    script = """
with held():
    send(signal.SIGTERM)
    print("still here", flush=True)
print("never")
"""
    assert run(script) == (-15, "still here")


@pytest.mark.parametrize("how", ["held", "terminable"])
def test_what_is_ignored_stays_ignored(how: str) -> None:
    script = f"""
signal.signal(signal.SIGHUP, signal.SIG_IGN)
with {how}() as stop_if_asked:
    send(signal.SIGHUP)
    if stop_if_asked:
        stop_if_asked()
send(signal.SIGHUP)
print("as under nohup")
"""
    assert run(script) == (0, "as under nohup")
