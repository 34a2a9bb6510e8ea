"""The alert rules and the dashboard's queries, checked by promtool (Debian: `prometheus`)."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest

pytestmark = [pytest.mark.deploy]
ROOT = Path(__file__).resolve().parent.parent.parent
RULES = ROOT / "deploy" / "prometheus" / "alerts.yml"
DASHBOARD = ROOT / "deploy" / "grafana" / "keyturn.json"
VARIABLES = {"$__rate_interval": "5m", "$instance": ".*"}


def promtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    if shutil.which("promtool") is None:
        pytest.fail("promtool is missing: install Debian's prometheus")
    return subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False)


def queries() -> list[str]:
    """Return the queries of the Grafana dashboard, with each variable of the dashboard replaced by a value."""
    expressions = [
        target["expr"] for panel in json.loads(DASHBOARD.read_text())["panels"] for target in panel["targets"]
    ]
    for name, value in VARIABLES.items():
        expressions = [query.replace(name, value) for query in expressions]
    return expressions


def as_rules(expressions: list[str], path: Path) -> Path:
    rules = [{"record": f"query:{number}", "expr": query} for number, query in enumerate(expressions)]
    path.write_text(json.dumps({"groups": [{"name": "queries", "rules": rules}]}))
    return path


def test_the_rules_are_well_formed():
    checked = promtool("check", "rules", RULES)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_each_alert_fires_and_its_neighbour_does_not():
    tested = promtool("test", "rules", RULES.with_name("alerts_test.yml"))
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_the_queries_of_the_dashboard_are_well_formed(tmp_path):
    checked = promtool("check", "rules", as_rules(queries(), tmp_path / "queries.json"))
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_malformed_query_is_found(tmp_path):
    assert promtool("check", "rules", as_rules([*queries(), "sum(by"], tmp_path / "queries.json")).returncode != 0
