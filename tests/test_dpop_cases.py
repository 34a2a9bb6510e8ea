"""The table of DPoP proofs has many cases, no duplicates, and a case for every change that `dpop_cases` supports."""

import pytest

from tests.dpop_cases import CLAIMS, JWKS, MUTATIONS, SIGNATURES, TABLE, TEXTS, cases


@pytest.mark.parametrize("reader", ["api", "issuer"])
def test_a_reader_is_tried_with_eighty_bad_proofs_and_a_dozen_good_ones(reader):
    table = cases(reader)
    assert len([case for case in table if case.refused]) >= 80
    assert len([case for case in table if not case.refused]) >= 12
    assert len({case.name for case in table}) == len(table)


def test_the_table_uses_every_change_and_no_other():
    mutations = {"none", *JWKS, *CLAIMS, *TEXTS, *SIGNATURES, *MUTATIONS}
    assert {row.get("mutation", "none") for row in TABLE["cases"]} == mutations


def test_every_case_can_be_made_and_all_but_replays_differ_from_the_good_proof():
    good, *others = [case for reader in ("api", "issuer") for case in cases(reader)]
    for case in others:
        values = [step.value(ath="x") for step in (*case.before(), case)]
        changes = (case.header, case.jwk, case.claims, case.request, case.earlier, case.signer, case.key != good.key)
        assert case.name == good.name or any(changes) or case.mutation != "none", case.name
        assert len(values) == 1 + len(case.earlier)
