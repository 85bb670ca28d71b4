"""`python -m mai`, and the entry point of the command."""

import sys


def main() -> None:
    from .commands.app import run

    run(sys.argv[1:])


if __name__ == "__main__":
    main()
