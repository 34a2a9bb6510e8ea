"""Forgets the demo: databases, keys, logs and environment files under var/ (`make reset`)."""

import sys

from project.launch import environment, turn


def main() -> None:
    """Empty var/; refuses while `make run` still uses it."""
    try:
        with turn.held(environment.VAR):
            for path in sorted(environment.VAR.iterdir()):
                if path.is_file():
                    path.unlink()
    except turn.AlreadyRunning as error:
        sys.exit(str(error))
    print("var/ is empty. The next `make run` starts over.")


if __name__ == "__main__":
    main()
