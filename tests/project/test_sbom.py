"""The bill of materials is valid against the CycloneDX schema, and has exactly the packages of the lock file."""

import json
import re
from datetime import UTC, datetime

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from project.launch.sbom import LOCK, document, own_requirements, pins

NOW = datetime(2026, 11, 29, tzinfo=UTC)


@pytest.fixture(scope="module")
def text() -> str:
    return document(LOCK.read_text(encoding="utf-8"), own_requirements(), now=NOW)


def test_the_sbom_is_valid_by_the_schema(text):
    validator = JsonStrictValidator(SchemaVersion.V1_6)
    assert validator.validate_str(text) is None
    assert validator.validate_str(text.replace('"type": "library"', '"type": "book"', 1)) is not None


def test_the_sbom_has_every_package_of_the_lock_with_version_and_hashes(text):
    lock = LOCK.read_text(encoding="utf-8")
    components = {component["name"]: component for component in json.loads(text)["components"]}
    assert [(name, components[name]["version"]) for name in sorted(components)] == sorted(
        re.findall(r"^([a-z0-9-]+)==([^ ]+)", lock, re.MULTILINE)
    )
    stated = {
        digest["content"]
        for component in components.values()
        for reference in component["externalReferences"]
        for digest in reference["hashes"]
    }
    assert stated == set(re.findall(r"sha256:(\w+)", lock))
    assert components["django"]["purl"] == f"pkg:pypi/django@{components['django']['version']}"


def test_every_package_that_is_installed_has_a_licence(text):
    assert [
        component["name"]
        for component in json.loads(text)["components"]
        if not component.get("licenses") and component.get("scope") != "optional"
    ] == []


def test_the_graph_has_the_direct_and_the_transitive_dependencies_of_the_issuer(text):
    graph = {dependency["ref"]: set(dependency.get("dependsOn", [])) for dependency in json.loads(text)["dependencies"]}
    assert {"django", "cryptography", "redis", "django-allauth"} <= graph["keyturn"]
    assert "urllib3" not in graph["keyturn"]
    assert "urllib3" in graph["requests"]
    reached, ahead = set(), ["keyturn"]
    while ahead:
        name = ahead.pop()
        ahead += graph[name] - reached
        reached |= graph[name]
    optional = {
        component["name"] for component in json.loads(text)["components"] if component.get("scope") == "optional"
    }
    assert graph.keys() - {"keyturn"} - reached <= optional


def test_the_same_lock_gives_the_same_document(text):
    assert document(LOCK.read_text(encoding="utf-8"), own_requirements(), now=NOW) == text


def test_a_line_without_hashes_is_refused():
    with pytest.raises(ValueError, match=r"no pin with hashes: django==5\.2"):
        list(pins("django==5.2\n"))
