"""docs/observability.md, the alert rules and the dashboard name only metrics that the code has.

The page and the dashboard name all metrics.
"""

import json
import re
from pathlib import Path

import pytest

from project.metrics import catalog
from tests.project.test_documentation import headings

ROOT = Path(__file__).resolve().parent.parent.parent
PAGE = ROOT / "docs" / "observability.md"
RULES = ROOT / "deploy" / "prometheus" / "alerts.yml"
UNIT_TESTS = RULES.with_name("alerts_test.yml")
DASHBOARD = ROOT / "deploy" / "grafana" / "keyturn.json"
METRIC = re.compile(r"\bkeyturn_[a-z_]+\b")
SUFFIXES = {"counter": ("",), "gauge": ("",), "histogram": ("_bucket", "_count", "_sum")}
NAMES = {metric.name + suffix for metric in catalog.ALL for suffix in SUFFIXES[metric.kind]}
PACKAGES = {"keyturn_resources", "keyturn_issuer"}
ALERTS = re.findall(r"- alert: (\w+)", RULES.read_text(encoding="utf-8"))


def unknown(text: str) -> set[str]:
    """Return the metrics that the text names and that the code does not have.

    A name that ends with `_` is ignored, because it is only the beginning of several metric names.
    """
    return {name for name in METRIC.findall(text) if not name.endswith("_")} - NAMES - PACKAGES


@pytest.mark.parametrize("path", [RULES, UNIT_TESTS, DASHBOARD], ids=lambda path: path.name)
def test_a_file_names_only_metrics_that_the_code_has(path):
    text = path.read_text(encoding="utf-8")
    assert len(set(METRIC.findall(text)) & NAMES) > 10
    assert unknown(text) == set()


def test_the_page_names_only_metrics_that_the_code_has():
    assert unknown(PAGE.read_text(encoding="utf-8")) - {metric.name for metric in catalog.ALL} == set()


def test_an_unknown_metric_is_found():
    assert unknown("rate(keyturn_tokens_issued[5m]) + keyturn_request_duration_seconds") == {
        "keyturn_tokens_issued",
        "keyturn_request_duration_seconds",
    }


def test_the_table_of_metrics_is_that_of_the_code():
    rows = re.findall(
        r"^\| `(keyturn_\w+)` \| (\w+) \| (.*?) \| (.+) \|$", PAGE.read_text(encoding="utf-8"), re.MULTILINE
    )
    assert rows == [
        (metric.name, metric.kind, ", ".join(f"`{label}`" for label in metric.labels), metric.meaning)
        for metric in catalog.ALL
    ]


def test_every_metric_is_in_the_dashboard():
    text = DASHBOARD.read_text(encoding="utf-8")
    assert [metric.name for metric in catalog.ALL if metric.name not in text] == []


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_has_a_runbook_a_summary_and_a_unit_test(alert):
    rule = RULES.read_text(encoding="utf-8").split(f"alert: {alert}\n")[1].split("- alert:")[0]
    assert f"runbook: docs/observability.md#{alert.lower()}\n" in rule
    assert 'summary: "' in rule
    assert alert.lower() in headings(PAGE)
    tests = UNIT_TESTS.read_text(encoding="utf-8")
    assert f"- alertname: {alert}\n" in tests


def test_the_dashboard_has_panels_with_queries_and_a_choice_of_source():
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    assert dashboard["uid"] == "keyturn"
    assert len(dashboard["panels"]) > 20
    assert all(target["expr"] for panel in dashboard["panels"] for target in panel["targets"])
    assert {panel["datasource"]["uid"] for panel in dashboard["panels"]} == {"${datasource}"}
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


def test_the_names_of_metrics_are_unique_and_follow_the_conventions():
    assert len({metric.name for metric in catalog.ALL}) == len(catalog.ALL)
    for metric in catalog.ALL:
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert not metric.meaning[0].islower()
        assert not set(metric.labels) & {"job", "instance", "le"}
