"""The documentation site that mkdocs builds has no broken link, and loads nothing from another host."""

import shutil
from pathlib import Path

import pytest

from project.launch import docs_site
from project.launch.docs_site import ROOT

pytestmark = [pytest.mark.packages, pytest.mark.processes, pytest.mark.xdist_group("packages")]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = tmp_path_factory.mktemp("site")
    docs_site.build(built)
    return built


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Return a folder with a copy of the files from which the documentation site is built."""
    for name in ("docs", "project/launch"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("mkdocs.yml", *docs_site_pages()):
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def docs_site_pages() -> tuple[str, ...]:
    return "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md"


def test_the_site_has_each_page_and_loads_nothing_from_another_host(site: Path) -> None:
    pages = {path.relative_to(ROOT / "docs").with_suffix(".html").as_posix() for path in (ROOT / "docs").rglob("*.md")}
    built = {path.relative_to(site).as_posix() for path in site.rglob("*.html")}
    assert {page.replace("README.html", "index.html") for page in pages} <= built
    assert docs_site.loads(site) == []
    text = (site / "index.html").read_text(encoding="utf-8")
    assert "fonts.g" not in text
    (site / "index.html").write_text(text.replace("</head>", '<script src="https://cdn.example/x.js"></script></head>'))
    assert docs_site.loads(site) == ["index.html: https://cdn.example/x.js"]


@pytest.mark.parametrize(
    "line", ["[broken](nothing.md)", "[broken](grants.md#nothing)"], ids=["a missing page", "a missing heading"]
)
def test_a_broken_link_stops_the_build(copy: Path, tmp_path: Path, line: str) -> None:
    with (copy / "docs" / "index.md").open("a", encoding="utf-8") as page:
        page.write(f"\n{line}\n")
    with pytest.raises(SystemExit, match="was not built"):
        docs_site.build(tmp_path / "site", root=copy)


def test_a_page_that_is_in_no_menu_stops_the_build(copy: Path, tmp_path: Path) -> None:
    (copy / "docs" / "images" / "stray.md").write_text("# Stray\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="was not built"):
        docs_site.build(tmp_path / "site", root=copy)
