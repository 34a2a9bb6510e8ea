"""`make reset`: delete the databases, keys, logs and environment files under var/."""

import sys

from project.launch import environment, turn


def main() -> None:
    """Delete the files in var/; exit 1 if `make run` uses it."""
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
