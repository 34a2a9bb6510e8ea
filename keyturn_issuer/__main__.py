"""The command `keyturn`: Django's command line with the issuer's settings, and `keyturn serve PORT`."""

import os
import sys


def main() -> None:
    """Serve, or run one management command. DJANGO_SETTINGS_MODULE defaults to project.settings.issuer."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings.issuer")
    # DJANGO_SETTINGS_MODULE must be set before any module of Django is imported.
    from django.core.exceptions import ImproperlyConfigured  # noqa: PLC0415
    from django.core.management import execute_from_command_line  # noqa: PLC0415

    try:
        if sys.argv[1:2] == ["serve"]:
            from project.launch import serve  # noqa: PLC0415 (it reads the settings)

            serve.main(sys.argv[2:], program="keyturn serve")
        else:
            execute_from_command_line(["keyturn", *sys.argv[1:]])
    except ImproperlyConfigured as error:  # the message names a missing or malformed variable
        sys.exit(str(error))


if __name__ == "__main__":
    main()
