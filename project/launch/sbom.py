"""`make sbom`: print a CycloneDX 1.6 software bill of materials of the issuer, from its lock file requirements.txt.

- The components are the packages of the lock file, each with its version, the SHA-256 of its files, and its licence.
- A package that only another platform needs is optional, and has its environment marker as a property.
- The dependency graph and the licences come from the metadata of the installed packages.
- The same lock file gives the same document, except for its timestamp.
"""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from cyclonedx.contrib.license.factories import LicenseFactory
from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentScope, ComponentType
from cyclonedx.model.license import DisjunctiveLicense, License
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tokens import __version__

ROOT = Path(__file__).resolve().parent.parent.parent
LOCK = ROOT / "requirements.txt"
PIN = re.compile(
    r"^([a-z0-9-]+)==(\S+)(?: ; ([^\\]+?))? \\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.MULTILINE
)
DIRECT = ("metrics", "pkcs11", "redis")
"""The extras of pyproject.toml whose requirements count as those of Keyturn itself."""


@dataclass(frozen=True, slots=True)
class Pin:
    """A package in the lock file, with its version and hashes."""

    name: str
    version: str
    marker: str
    hashes: tuple[str, ...]
    """SHA-256 of each file of the release, in hex."""


def pins(lock: str) -> Iterator[Pin]:
    """Yield the packages in `lock`, the text of a lock file.

    Raises ValueError if a line belongs to no package.
    """
    if rest := PIN.sub("", lock).strip():
        raise ValueError(f"The lock has a line that is no pin with hashes: {rest.splitlines()[0]}")
    for name, version, marker, hashes in PIN.findall(lock):
        yield Pin(name, version, marker.strip(), tuple(re.findall(r"sha256:(\w+)", hashes)))


def component(pin: Pin) -> Component:
    """Return the CycloneDX component that describes a locked package."""
    files = [HashType(alg=HashAlgorithm.SHA_256, content=digest) for digest in pin.hashes]
    project = XsUri(f"https://pypi.org/project/{pin.name}/{pin.version}/")
    return Component(
        name=pin.name,
        version=pin.version,
        type=ComponentType.LIBRARY,
        bom_ref=pin.name,
        purl=PackageURL("pypi", None, pin.name, pin.version),
        scope=ComponentScope.OPTIONAL if pin.marker else ComponentScope.REQUIRED,
        properties=[Property(name="keyturn:marker", value=pin.marker)] if pin.marker else [],
        licenses=licences(pin.name),
        external_references=[ExternalReference(type=ExternalReferenceType.DISTRIBUTION, url=project, hashes=files)],
    )


def licences(name: str) -> list[License]:
    """Return the licences that an installed package declares, or [] if it is not installed or declares none."""
    try:
        about = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return []
    if "License-Expression" in about:
        return [LicenseFactory().make_from_string(about["License-Expression"])]
    names = [label.rpartition(" :: ")[2] for label in about.get_all("Classifier") or [] if label.startswith("License")]
    names = [name for name in names if name != "OSI Approved"] or about.get_all("License") or []
    return [DisjunctiveLicense(name=name) for name in sorted(names) if name and "\n" not in name]


def needs(name: str, locked: dict[str, Component]) -> list[Component]:
    """Return the components in `locked` that the package `name` requires, including its optional requirements.

    Returns [] if the package is not installed.
    """
    try:
        requirements = [Requirement(line) for line in metadata.requires(name) or []]
    except metadata.PackageNotFoundError:
        return []
    return [locked[key] for requirement in requirements if (key := canonicalize_name(requirement.name)) in locked]


def document(lock: str, requirements: list[str], *, now: datetime) -> str:
    """Return the bill of materials as JSON, with the packages in `lock`, the text of a lock file.

    `requirements` are the requirements of Keyturn itself. `now` is the timestamp of the document.
    """
    locked = {pin.name: component(pin) for pin in pins(lock)}
    root = Component(
        name="keyturn",
        version=__version__,
        type=ComponentType.APPLICATION,
        bom_ref="keyturn",
        purl=PackageURL("pypi", None, "keyturn", __version__),
        licenses=[LicenseFactory().make_from_string("MIT")],
    )
    bom = Bom(components=locked.values(), serial_number=uuid5(NAMESPACE_URL, f"keyturn:{__version__}:{lock}"))
    bom.metadata.timestamp, bom.metadata.component = now, root
    direct = {canonicalize_name(Requirement(line).name) for line in requirements}
    bom.register_dependency(root, [locked[name] for name in sorted(direct & locked.keys())])
    for name, package in locked.items():
        bom.register_dependency(package, needs(name, locked))
    return JsonV1Dot6(bom).output_as_string(indent=2)


def own_requirements() -> list[str]:
    """Return the requirements in pyproject.toml, including those of its run-time extras."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    return [*project["dependencies"], *(line for extra in DIRECT for line in extras[extra])]


if __name__ == "__main__":
    print(document(LOCK.read_text(encoding="utf-8"), own_requirements(), now=datetime.now(UTC)))
