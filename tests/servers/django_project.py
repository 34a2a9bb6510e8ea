"""A separate Django project from the code blocks of a documentation page.

The blocks are the files `settings.py`, `urls.py`, and others if the page has them.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.ports import free
from tests.servers import environment
from tests.servers.issuer import Issuer
from tests.servers.page import Page, adapted
from tests.servers.program import Clock, answers, running

ROOT = Path(__file__).resolve().parent.parent.parent
BEFORE = """
SECRET_KEY = "of the test's project alone"
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "urls"
INSTALLED_APPS = ["django.contrib.auth", "django.contrib.contenttypes"]
MIDDLEWARE = ["django.middleware.common.CommonMiddleware"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "database.sqlite3"}}
USE_TZ = True
"""


@dataclass(frozen=True, slots=True)
class Project:
    """A running Django project, with its URL and the path of its log."""

    url: str
    log: Path


@contextmanager
def serving(
    page: Page,
    folder: Path,
    issuer: Issuer,
    changes: Mapping[str, object],
    *,
    port: int | None = None,
    clock: Clock | None = None,
) -> Iterator[Project]:
    """Serve the Django project of a documentation page while the block runs.

    `changes` maps texts of the page's settings to the texts that the test uses instead. `clock` is the project's clock.
    """
    port = port or free()
    shutil.copytree(ROOT / "resources", folder / "resources", ignore=shutil.ignore_patterns("__pycache__"))
    files = page.files()
    files["settings.py"] = BEFORE + adapted(files["settings.py"], changes)
    for name, text in files.items():
        (folder / name).write_text(text)
    variables = {
        "DJANGO_SETTINGS_MODULE": "settings",
        "SSL_CERT_FILE": str(issuer.ca),
        "REQUESTS_CA_BUNDLE": str(issuer.ca),
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": str(folder),
    }
    finished(["migrate", "--verbosity", "0"], folder, variables)
    command = [environment.python(), "-m", "django", "runserver", "--noreload", f"127.0.0.1:{port}"]
    url = f"http://localhost:{port}"
    variables |= clock.variables if clock else {}
    with running(command, folder, ready=lambda: answers(url), variables=variables) as log:
        yield Project(url, log)


def finished(arguments: list[str], folder: Path, variables: Mapping[str, str]) -> None:
    """Run a Django command in the project, wait until it ends, and fail if the command fails."""
    command = [str(environment.python()), "-m", "django", *arguments]
    subprocess.run(command, cwd=folder, env={"PATH": os.environ["PATH"], **variables}, check=True)
