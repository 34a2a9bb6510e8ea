"""Write the documentation pages in docs/reference/."""

import os

os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"

import django

django.setup()

from tests.reference import FOLDER, PAGES  # noqa: E402 (they need Django)

for name, page in PAGES.items():
    (FOLDER / name).write_text(page(), encoding="utf-8")
    print(FOLDER / name)
