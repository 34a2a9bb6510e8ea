"""The image, the proxy, the pods and the units have the security and availability settings of docs/containers.md."""

import http.server
import re
import shlex
import subprocess
import sys
import threading
from json import loads
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.urls import resolve

from tests.deploy.files import (
    DEPLOY,
    KUSTOMIZATIONS,
    MANIFESTS,
    UNITS,
    compose,
    dockerfile,
    of_kind,
    pod,
    workloads,
)  # fmt: skip
from tests.proxies.servers import block
from tokens.keys.rules.policy import PRODUCTION

HOSTS = {"issuer": ("issuer.example", "issuers"), "api": ("api.example", "apis"), "webapp": ("app.example", "webapp")}
WORKLOADS = workloads()
each_workload = pytest.mark.parametrize(
    "workload", WORKLOADS, ids=[workload["metadata"]["name"] for workload in WORKLOADS]
)
KEYTURN = [name for name, service in compose()["services"].items() if service["image"].startswith("keyturn")]


@pytest.mark.parametrize("name", HOSTS)
def test_the_proxy_has_the_tested_configuration(name: str) -> None:
    host, upstream = HOSTS[name]
    text = (DEPLOY / "nginx" / f"{name}.conf").read_text(encoding="utf-8").partition("\n")[2]
    assert text == block("nginx").replace("issuer.example", host).replace("127.0.0.1:8000", upstream)


def test_the_proxy_has_the_files_and_names_of_its_configuration() -> None:
    proxy = compose()["services"]["proxy"]
    files = set(re.findall(r"/etc/ssl/[\w.]+", block("nginx")))
    assert {secret["target"] for secret in proxy["secrets"]} == files
    assert set(proxy["networks"]["front"]["aliases"]) == {host for host, _ in HOSTS.values()}
    assert proxy["ports"] == ["443:443"]


def test_the_image_is_pinned_locked_and_runs_without_root() -> None:
    text = dockerfile()
    stages = set(re.findall(r"AS (\S+)", text))
    bases = set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) - stages
    assert bases == {"python:3.13-slim-bookworm"}
    installs = re.findall(r"pip install .*", text)
    assert installs
    assert all("--require-hashes" in install and "--only-binary=:all:" in install for install in installs)
    runtime = text.partition("AS runtime")[2]
    assert re.findall(r"^USER (.*)", runtime, re.MULTILINE) == ["10001:10001"]
    copied = {
        word.rstrip("/") for line in re.findall(r"^COPY (?!--from)(.*) ", text, re.MULTILINE) for word in line.split()
    }
    kept = (DEPLOY / "Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    allowed = {line.removeprefix("!") for line in kept if line.startswith("!")}
    assert {path if path in allowed else path.split("/")[0] for path in copied} <= allowed
    assert kept[1] == "*"


@pytest.mark.processes
@pytest.mark.parametrize(("status", "code"), [(200, 0), (503, 1)])
def test_the_health_check_passes_for_a_healthy_server_and_fails_for_a_failing_one(status: int, code: int) -> None:
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/healthz" else 200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    (check,) = re.findall(r"HEALTHCHECK .*?CMD (\[.*?\])$", dockerfile(), re.DOTALL | re.MULTILINE)
    server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        _, *words = (word.replace("127.0.0.1:8000", f"127.0.0.1:{server.server_port}") for word in loads(check))
        done = subprocess.run([sys.executable, *words], capture_output=True, check=False)
    finally:
        server.shutdown()
        server.server_close()
    assert done.returncode == code


@pytest.mark.parametrize("name", [*KEYTURN, "proxy", "cache"])
def test_a_container_is_read_only_and_without_capabilities(name: str) -> None:
    service = compose()["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert ("ports" in service) == (name == "proxy")


def test_issuers_and_apis_share_no_network_but_the_front() -> None:
    networks = {name: set(service["networks"]) for name, service in compose()["services"].items()}
    assert networks["issuer-one"] & networks["api-one"] == {"front"}
    assert all(compose()["networks"][name].get("internal") for name in ("issuer-data", "api-data"))
    assert networks["webapp"] == {"front"}


def test_valkey_never_evicts() -> None:
    command = shlex.join(compose()["services"]["cache"]["command"])
    assert "--maxmemory-policy noeviction" in command


@each_workload
def test_a_pod_is_read_only_and_without_privileges(workload: dict[str, Any]) -> None:
    spec = pod(workload)["spec"]
    (container,) = spec["containers"]
    assert spec["automountServiceAccountToken"] is False
    assert spec["securityContext"] == {
        "runAsNonRoot": True, "runAsUser": 10001, "runAsGroup": 10001, "fsGroup": 10001,
        "seccompProfile": {"type": "RuntimeDefault"},
    }  # fmt: skip
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]},
    }  # fmt: skip
    assert {"requests", "limits"} == container["resources"].keys()
    mounts = {mount["name"] for mount in container["volumeMounts"]}
    assert mounts == {volume["name"] for volume in spec["volumes"]}


@pytest.mark.parametrize("workload", of_kind("Deployment"), ids=lambda workload: workload["metadata"]["name"])
def test_a_pod_without_its_database_serves_the_jwks_for_n(workload: dict[str, Any]) -> None:
    (container,) = pod(workload)["spec"]["containers"]
    ready = container["readinessProbe"]
    assert ready["periodSeconds"] * ready["failureThreshold"] >= PRODUCTION.snapshot_age.total_seconds()
    assert workload["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0
    paths = {container[f"{probe}Probe"]["httpGet"]["path"] for probe in ("startup", "liveness", "readiness")}
    assert paths == {"/healthz", "/readyz"}
    assert container["livenessProbe"]["httpGet"]["path"] == "/healthz"
    for urls in ("project.urls.issuer", "project.urls.api"):
        assert [resolve(path, urlconf=urls) for path in sorted(paths)]
    spec = pod(workload)["spec"]
    assert spec["terminationGracePeriodSeconds"] > int(container["lifecycle"]["preStop"]["exec"]["command"][1])


def test_budgets_services_and_policies_select_the_pods() -> None:
    names = {deployment["metadata"]["name"] for deployment in of_kind("Deployment")}
    labels = {pod(workload)["metadata"]["labels"]["app.kubernetes.io/name"] for workload in WORKLOADS}
    assert labels == names | {"keyturn-job"}
    for budget in of_kind("PodDisruptionBudget"):
        assert budget["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"] in names
        assert budget["spec"]["minAvailable"] == 1
    assert {service["spec"]["selector"]["app.kubernetes.io/name"] for service in of_kind("Service")} == names
    deny, ingress, egress = of_kind("NetworkPolicy")
    assert deny["spec"] == {
        "podSelector": {"matchLabels": {"app.kubernetes.io/part-of": "keyturn"}}, "policyTypes": ["Ingress", "Egress"],
    }  # fmt: skip
    assert set(ingress["spec"]["podSelector"]["matchExpressions"][0]["values"]) == names
    assert set(egress["spec"]["podSelector"]["matchExpressions"][0]["values"]) == labels
    (base,) = (yaml.safe_load(path.read_text()) for path in KUSTOMIZATIONS if path.parent.name == "base")
    assert base["labels"] == [{"pairs": {"app.kubernetes.io/part-of": "keyturn"}, "includeTemplates": True}]


def test_kustomizations_name_every_file_and_patch_what_is_there() -> None:
    used: set[Path] = set()
    names = {workload["metadata"]["name"] for workload in WORKLOADS}
    for path in KUSTOMIZATIONS:
        text = yaml.safe_load(path.read_text(encoding="utf-8"))
        for entry in (*text.get("resources", ()), *text.get("components", ())):
            named = (path.parent / entry).resolve()
            assert named.exists(), entry
            used.add(named)
        for replicas in text.get("replicas", ()):
            assert replicas["name"] in names
        for patch in text.get("patches", ()):
            workloads = [workload for workload in WORKLOADS if workload["kind"] == patch["target"]["kind"]
                     and re.match(patch["target"].get("name", ""), workload["metadata"]["name"])]  # fmt: skip
            assert workloads, patch["target"]
            operations = yaml.safe_load(patch["patch"])
            template = "/spec/jobTemplate" if workloads[0]["kind"] == "CronJob" else ""
            assert all(operation["path"].startswith(f"{template}/spec/template/spec/") for operation in operations)
    assert used >= set(MANIFESTS)


def test_every_unit_is_hardened_alike() -> None:
    ends = [unit.read_text(encoding="utf-8").partition("# Nothing of the system")[2] for unit in UNITS]
    hardening = {end.partition("\n[Install]")[0].strip() for end in ends}
    assert len(hardening) == 1
    assert "ProtectSystem=strict" in hardening.pop()
