"""`python -m mai`, and the entry point of the command."""

import gc
import sys


def main() -> None:
    # A command lives for a second: collecting cycles would cost a seventh of it and free nothing.
    gc.disable()
    from .commands.app import run

    run(sys.argv[1:])


if __name__ == "__main__":
    main()
