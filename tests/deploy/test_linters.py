"""The files of deploy/ pass hadolint, Kustomize, the schemas of Compose and Kubernetes, and systemd.

Each of these linters finds an error that a test puts into a file.
"""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy import environment
from tests.deploy.files import DEPLOY, MANIFESTS, ROOT, TIMERS, UNITS, pod

pytestmark = [pytest.mark.deploy]
EXPOSURE = 13
"""The largest that `systemd-analyze security` may give a unit, in tenths. A unit without any hardening has 92."""


def run(*command: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)


def passes(*command: str | Path) -> None:
    done = run(*command)
    assert done.returncode == 0, done.stdout + done.stderr


def changed(path: Path, folder: Path, old: str, new: str) -> Path:
    """Copy a file into the folder with `new` in place of `old`, and return the copy's path."""
    text = path.read_text(encoding="utf-8")
    assert old in text
    copy = folder / path.name
    copy.write_text(text.replace(old, new), encoding="utf-8")
    return copy


def test_the_dockerfile_passes_hadolint(tmp_path: Path) -> None:
    hadolint = environment.program("hadolint")
    passes(hadolint, "--failure-threshold", "info", DEPLOY / "Dockerfile")
    for old, new in ((":3.13-slim-bookworm", ":latest"), ("USER 10001:10001", "USER root")):
        assert run(
            hadolint, "--failure-threshold", "info", changed(DEPLOY / "Dockerfile", tmp_path, old, new)
        ).returncode


def test_the_compose_file_is_of_the_specification(tmp_path: Path) -> None:
    check = (environment.program("check-jsonschema"), "--builtin-schema", "vendor.compose-spec")
    passes(*check, DEPLOY / "compose.yaml")
    assert run(*check, changed(DEPLOY / "compose.yaml", tmp_path, "read_only:", "readonly:")).returncode


@pytest.mark.parametrize("version", ["1.29", "1.37"])
def test_the_manifests_are_of_kubernetes(tmp_path: Path, version: str) -> None:
    validate = (environment.program("kubernetes-validate"), "--strict", "-k", version)
    passes(*validate, *MANIFESTS)
    wrong = changed(DEPLOY / "kubernetes" / "base" / "issuer.yaml", tmp_path, "readOnlyRootFilesystem", "readOnlyRoot")
    assert run(*validate, wrong).returncode


def built(folder: Path) -> list[dict[str, Any]]:
    """Return the objects that Kustomize builds from a folder."""
    done = run(environment.program("kubectl"), "kustomize", folder)
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


@pytest.mark.parametrize("folder", ["base", "overlays/example"])
def test_kustomize_builds_objects_of_kubernetes(tmp_path: Path, folder: str) -> None:
    objects = built(DEPLOY / "kubernetes" / folder)
    kinds = {resource["kind"] for resource in objects}
    assert kinds >= {"Deployment", "Job", "CronJob", "PodDisruptionBudget", "NetworkPolicy", "ConfigMap", "Service"}
    file = tmp_path / "built.yaml"
    file.write_text(yaml.safe_dump_all(objects), encoding="utf-8")
    passes(environment.program("kubernetes-validate"), "--strict", "-k", "1.37", file)


def test_the_overlay_changes_what_it_names() -> None:
    objects = built(DEPLOY / "kubernetes" / "overlays" / "example")
    workloads = [resource for resource in objects if resource["kind"] in {"Deployment", "Job", "CronJob"}]
    images = {container["image"] for workload in workloads for container in pod(workload)["spec"]["containers"]}
    assert images == {"registry.example/keyturn:1"}
    assert {resource["metadata"].get("namespace") for resource in objects} == {"keyturn"}
    (issuer,) = (workload for workload in workloads if workload["metadata"]["name"] == "keyturn-issuer")
    assert issuer["spec"]["replicas"] == 3
    journal = [
        workload["metadata"]["name"]
        for workload in workloads
        if "keyturn-journal" in str(pod(workload)["spec"]["volumes"])
    ]
    assert len(journal) == 2 + len([workload for workload in workloads if workload["kind"] == "CronJob"])
    config_maps = [resource for resource in objects if resource["kind"] == "ConfigMap"]
    (variables,) = (entry["data"] for entry in config_maps if entry["metadata"]["name"].startswith("keyturn-issuer-"))
    assert variables["AUDIT_JOURNAL"].startswith("/var/lib/keyturn/")
    (source,) = pod(issuer)["spec"]["containers"][0]["envFrom"]
    assert source["configMapRef"]["name"] in {resource["metadata"]["name"] for resource in objects}


def test_kustomize_refuses_a_patch_that_fits_nothing(tmp_path: Path) -> None:
    copy = tmp_path / "kubernetes"
    shutil.copytree(DEPLOY / "kubernetes", copy)
    component = copy / "components" / "journal" / "kustomization.yaml"
    component.write_text(component.read_text(encoding="utf-8").replace("/containers/0/", "/containers/7/"))
    assert run(environment.program("kubectl"), "kustomize", copy / "overlays" / "example").returncode


@pytest.fixture
def units(tmp_path: Path) -> list[Path]:
    """Return copies of the systemd units and timers, in which the paths of the programs exist.

    systemd-analyze refuses a unit whose program does not exist.
    """
    analyze()
    (tmp_path / ".venv").symlink_to(ROOT / ".venv")
    return [changed_root(path, tmp_path) for path in (*UNITS, *TIMERS)]


def changed_root(path: Path, folder: Path) -> Path:
    copy = folder / path.name
    copy.write_text(path.read_text(encoding="utf-8").replace("/srv/keyturn", str(folder)), encoding="utf-8")
    return copy


def analyze() -> str:
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.fail("systemd-analyze is missing: install Debian's systemd")
    return program


def test_the_units_are_of_systemd(units: list[Path], tmp_path: Path) -> None:
    done = run(analyze(), "verify", *units)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (tmp_path / "keyturn-api.service").write_text(
        (tmp_path / "keyturn-api.service").read_text().replace("ProtectHome=true", "ProtectHomes=true")
    )
    assert "ProtectHomes" in run(analyze(), "verify", *units).stderr


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.stem)
def test_a_unit_exposes_little(unit: Path, tmp_path: Path) -> None:
    security = (analyze(), "security", "--no-pager", "--offline=yes", f"--threshold={EXPOSURE}")
    passes(*security, unit)
    assert run(*security, changed(unit, tmp_path, "ProtectSystem=strict", "ProtectSystem=no")).returncode
