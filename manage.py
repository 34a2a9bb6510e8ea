#!/usr/bin/env python3
"""Django's command line; without DJANGO_SETTINGS_MODULE it is the development process (project.settings.standalone)."""

import os
import sys


def main() -> None:
    """Run one management command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings.standalone")
    try:
        from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415 (the error is told below)
        from django.core.management import execute_from_command_line  # noqa: PLC0415
    except ImportError:
        sys.exit("Django is not installed for this Python. Run `make environment`, then .venv/bin/python manage.py …")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:  # a variable that is missing or malformed: the message names it
        sys.exit(str(error))


if __name__ == "__main__":
    main()
