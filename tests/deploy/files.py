"""Reads the files of deploy/: services of compose.yaml, Kubernetes objects, systemd units."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
TIMERS = sorted((DEPLOY / "systemd").glob("*.timer"))
MANIFESTS = sorted(path for path in (DEPLOY / "kubernetes").rglob("*.yaml") if path.name != "kustomization.yaml")
KUSTOMIZATIONS = sorted((DEPLOY / "kubernetes").rglob("kustomization.yaml"))


@dataclass(frozen=True, slots=True)
class Process:
    """A process of Keyturn that a file of deploy/ starts, with its environment variables and its command."""

    name: str
    environment: dict[str, str]
    command: tuple[str, ...]
    """Empty: the image's own."""
    secrets: str
    """The folder in which the process finds its secrets."""


def page(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


def compose() -> dict[str, Any]:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))


def objects() -> list[dict[str, Any]]:
    return [document for path in MANIFESTS for document in yaml.safe_load_all(path.read_text(encoding="utf-8"))]


def of_kind(*kinds: str) -> list[dict[str, Any]]:
    return [resource for resource in objects() if resource["kind"] in kinds]


def pod(workload: dict[str, Any]) -> dict[str, Any]:
    """Return the pod template of a Kubernetes workload."""
    spec = workload["spec"]
    return spec["jobTemplate"]["spec"]["template"] if workload["kind"] == "CronJob" else spec["template"]


def workloads() -> list[dict[str, Any]]:
    return of_kind("Deployment", "Job", "CronJob")


def entries(unit: Path, name: str) -> list[str]:
    """Return the values of all directives `name` of a systemd unit, in order."""
    return re.findall(rf"^{name}=(.*)$", unit.read_text(encoding="utf-8"), re.MULTILINE)


def dockerfile() -> str:
    return (DEPLOY / "Dockerfile").read_text(encoding="utf-8")


def processes() -> Iterator[Process]:
    """Yield every process of Keyturn in compose.yaml, in the Kubernetes objects and in the systemd units."""
    for name, service in compose()["services"].items():
        if service["image"].startswith("keyturn"):
            yield Process(name, service["environment"], tuple(service.get("command", ())), "/run/secrets")
    base = yaml.safe_load((DEPLOY / "kubernetes" / "base" / "kustomization.yaml").read_text(encoding="utf-8"))
    maps = {
        generator["name"]: dict(line.split("=", 1) for line in generator["literals"])
        for generator in base["configMapGenerator"]
    }
    for workload in workloads():
        (container,) = pod(workload)["spec"]["containers"]
        (source,) = container["envFrom"]
        variables = maps[source["configMapRef"]["name"]]
        yield Process(workload["metadata"]["name"], variables, tuple(container["command"]), "/run/secrets/keyturn")
    for unit in UNITS:
        (file,) = entries(unit, "EnvironmentFile")
        block = re.search(rf"`{re.escape(file)}`:\n\n```ini\n(.*?)```", page("containers.md"), re.DOTALL)
        assert block, f"docs/containers.md does not show {file}"
        words = [*block[1].split(), *(word for line in entries(unit, "Environment") for word in line.split())]
        (command,) = entries(unit, "ExecStart")
        yield Process(unit.stem, dict(word.split("=", 1) for word in words), tuple(command.split()), "%d")
