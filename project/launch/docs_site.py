"""`make docs`: build the documentation site into var/site/. Links are checked, and nothing is loaded from other hosts.

mkdocs runs in the virtual environment `.environments/docs-…`, which is made once from docs/requirements.txt and PyPI.
"""

import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
LOCK = ROOT / "docs" / "requirements.txt"
SITE = ROOT / "var" / "site"
LOADS = re.compile(
    r"""<(?:script|img|iframe|source|video|audio|embed|object)\b[^>]*?\s(?:src|data|srcset)=["']?(?P<element>(?:https?:)?//[^"'\s>]+)"""
    r"""|<link\b(?![^>]*\brel=["']?(?:canonical|next|prev|author|license))[^>]*?\shref=["']?(?P<link>(?:https?:)?//[^"'\s>]+)"""
    r"""|url\(\s*["']?(?P<style>(?:https?:)?//[^"')\s]+)|@import\s+["'](?P<sheet>(?:https?:)?//[^"']+)""",
    re.IGNORECASE,
)
"""The elements and styles by which a browser loads a file from another host. `<a href>` loads none."""


def environment(environments: Path = ROOT / ".environments") -> Path:
    """Return the folder of mkdocs' virtual environment, which is below the folder `environments`.

    Creates the environment if there is none for the present content of docs/requirements.txt.
    """
    folder = environments / f"docs-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}"
    if not (folder / "complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        _uv("venv", "--quiet", "--python", sys.executable, str(folder))
        python = str(folder / "bin" / "python")
        _uv("pip", "install", "--quiet", "--require-hashes", "--python", python, "-r", str(LOCK))
        (folder / "complete").touch()
    return folder


def foreign(text: str) -> Iterator[str]:
    """Yield the addresses at other hosts from which the HTML or CSS in `text` loads a file."""
    for match in LOADS.finditer(text):
        yield next(value for value in match.groupdict().values() if value)


def loads(site: Path) -> list[str]:
    """Return the addresses at other hosts that pages and styles load, each after the path of its page or style."""
    files = [path for path in sorted(site.rglob("*")) if path.suffix in {".html", ".css", ".svg"}]
    return [
        f"{path.relative_to(site)}: {address}"
        for path in files
        for address in foreign(path.read_text(encoding="utf-8"))
    ]


def build(site: Path = SITE, *, root: Path = ROOT) -> None:
    """Build the site.

    Exits with 1 if a link is broken, if a page is in no menu, or if a page loads a file from another host.
    """
    mkdocs = environment() / "bin" / "mkdocs"
    variables = {"PATH": "/usr/bin:/bin", "NO_MKDOCS_2_WARNING": "1"}
    # Without `--quiet`, with which mkdocs 1.6 counts no warnings, so that `--strict` refuses nothing.
    command = [str(mkdocs), "build", "--strict", "--site-dir", str(site)]
    done = subprocess.run(command, cwd=root, env=variables, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        sys.exit(f"{done.stderr}The site was not built: correct the pages above.")
    if loaded := loads(site):
        sys.exit("The site loads from other hosts:\n" + "\n".join(loaded))
    print(f"{len(list(site.rglob('*.html')))} pages in {site}. Serve them with: python3 -m http.server -d {site}")


def _uv(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "uv", *arguments], check=True)  # noqa: S603 (our own command)


if __name__ == "__main__":
    build()
