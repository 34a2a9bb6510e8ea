"""The table of clauses of the FAPI 2.0 Security Profile, and the report on a configuration.

Each row of the table names an existing test. The report names the clauses that a configuration does not meet.
"""

import ast
import json
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tests.tokens.checks.test_fapi2 import make
from tokens.checks import conformance
from tokens.checks.fapi2_clauses import CLAUSES
from tokens.checks.fapi2_configuration import Configuration
from tokens.keys.rings import RingKind
from tokens.models import fapi2

ROOT = Path(__file__).resolve().parents[3]
GOOD = Configuration(
    issuer="https://issuer.example",
    fapi2_clients=("bank",),
    problems={"bank": ()},
    is_for_all=False,
    algorithms={"default": "ES256"},
    apis={"https://api.example/": "default"},
    id_tokens={"bank": "default"},
)
LACKING = {
    "5.2.1": ({"issuer": "http://issuer.example"}, "https://"),
    "5.3.2.1-3": ({"problems": {"bank": (fapi2.NO_PUBLIC,)}}, "client bank"),
    "5.3.2.1-6": ({"problems": {"bank": (fapi2.BY_KEY,)}}, "client bank"),
    "5.3.2.1-8": ({"problems": {"bank": (fapi2.NO_LEGACY_AUDIENCE,)}}, "client bank"),
    "5.3.2.1-9": ({"problems": {"bank": (fapi2.NO_ROTATION,)}}, "client bank"),
    "5.3.2.2-8": ({"problems": {"bank": (fapi2.HTTPS,)}}, "client bank"),
    "5.3.2.2-3": ({"fapi2_clients": ()}, "no client follows the profile"),
    "5.4.1-1": ({"algorithms": {"default": "RS256"}}, "the ring default signs by RS256"),
}


def lacking(configuration):
    return {finding.clause: finding for finding in conformance.report(configuration) if finding.state == "not met"}


@pytest.mark.parametrize("clause", CLAUSES, ids=lambda clause: clause.number)
def test_the_test_of_a_clause_exists(clause):
    path, _, name = clause.test.partition("::")
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}


def test_no_clause_is_listed_twice():
    numbers = [clause.number for clause in CLAUSES]
    assert sorted(set(numbers)) == sorted(numbers)


def listed():
    """Return the number of each clause in the table CLAUSES.

    A row can have several clauses, such as `5.3.2.1-4, 5`.
    """
    numbers = set()
    for clause in CLAUSES:
        first, *others = clause.number.split(", ")
        numbers |= {first, *(f"{first.rpartition('-')[0]}-{other}" for other in others)}
    return numbers


def test_every_clause_about_the_issuer_is_listed():
    numbered = {"5.2.3": 3, "5.3.2.1": 14, "5.3.2.2": 14, "5.3.4": 5, "5.4.1": 4}
    expected = {f"{section}-{number}" for section, last in numbered.items() for number in range(1, last + 1)}
    assert expected | {"5.2.1", "5.2.2", "5.3.2.3", "5.4.2", "5.4.3"} <= listed()


def test_a_recommendation_that_is_not_followed_is_a_choice_and_no_failure():
    states = {finding.clause: finding.state for finding in conformance.report(GOOD)}
    assert [number for number, state in states.items() if state == "choice"] == ["5.3.2.2-11"]
    assert conformance.is_met(conformance.report(GOOD))


def test_a_good_configuration_lacks_nothing():
    assert lacking(GOOD) == {}


@pytest.mark.parametrize("number", LACKING)
def test_the_report_names_what_a_configuration_lacks(number):
    changes, text = LACKING[number]
    findings = lacking(replace(GOOD, **changes))
    assert text in " ".join(findings[number].missing)


def test_a_ring_that_signs_for_no_api_of_the_profile_does_not_matter():
    assert lacking(replace(GOOD, algorithms={"default": "ES256", "idle": "RS256"})) == {}
    used = replace(GOOD, algorithms={"default": "ES256", "old": "RS256"}, apis={"https://old.example/": "old"})
    assert "https://old.example/" in lacking(used)["5.4.1-1"].missing[0]


@pytest.mark.django_db
def test_the_command_reports_and_fails_if_a_clause_is_not_met(apis, settings):
    make("bank", security_profile="fapi2")
    out = StringIO()
    with pytest.raises(CommandError, match="not met") as failed:
        call_command("conformance", "--profile", "fapi2", "--json", stdout=out)
    assert failed.value.returncode == 3
    printed = json.loads(out.getvalue())
    assert (printed["profile"], printed["met"], len(printed["clauses"])) == ("fapi2", False, len(CLAUSES))
    missing = [clause["clause"] for clause in printed["clauses"] if clause["state"] == "not met"]
    assert missing == ["5.2.1", "5.2.2", "5.2.3-1", "5.2.3-2", "5.4.2"], "the issuer's URL has no https"


@pytest.mark.django_db
def test_the_command_prints_a_line_for_each_clause(apis, settings):
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("conformance", "--profile", "fapi2", stdout=out)
    lines = out.getvalue().splitlines()
    assert "met      5.3.2.1-2      no password grant type" in lines
    assert any(line.startswith("not met  5.3.2.2-3") for line in lines)


@pytest.mark.parametrize("algorithm", ["PS256", "ES256", "EdDSA"])
@pytest.mark.django_db
def test_the_default_ring_can_have_an_algorithm_of_the_profile(client, apis, algorithm):
    call_command("rotate_keys", "--ring", "default", "--algorithm", algorithm, verbosity=0)
    assert conformance.configuration().algorithms == {"default": algorithm}
    (key, *_) = client.get("/.well-known/jwks.json").json()["keys"]
    assert key["alg"] == algorithm
    assert RingKind(algorithm=algorithm)
