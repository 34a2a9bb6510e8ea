#!/usr/bin/env python3
"""Django's command line. DJANGO_SETTINGS_MODULE defaults to the development process (project.settings.standalone)."""

import os
import sys


def main() -> None:
    """Run one management command."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings.standalone")
    try:
        from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415 (an ImportError is reported below)
        from django.core.management import execute_from_command_line  # noqa: PLC0415
    except ImportError:
        sys.exit("Django is not installed for this Python. Run `make environment`, then .venv/bin/python manage.py …")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:  # the message names a missing or malformed variable
        sys.exit(str(error))


if __name__ == "__main__":
    main()
