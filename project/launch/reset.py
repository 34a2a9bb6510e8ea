"""`make reset`: delete the databases, keys, logs and environment files under var/."""

import sys

from project.launch import environment, folder_lock


def main() -> None:
    """Delete the files in var/. Exit with 1 if `make run` uses the folder."""
    try:
        with folder_lock.hold(environment.VAR):
            for path in sorted(environment.VAR.iterdir()):
                if path.is_file():
                    path.unlink()
    except folder_lock.AlreadyRunning as error:
        sys.exit(str(error))
    print("var/ is empty. The next `make run` starts over.")


if __name__ == "__main__":
    main()
