import pytest

from tokens.authentication_class import (
    CLASSES,
    MULTI_FACTOR,
    PASSWORD,
    PHISHING_RESISTANT,
    of,
    satisfied,
    satisfies,
    strongest,
)

METHODS = {
    (): "",
    ("unknown",): "",
    ("password",): PASSWORD,
    ("totp",): PASSWORD,
    ("totp", "recovery_codes"): PASSWORD,
    ("password", "unknown"): PASSWORD,
    ("password", "totp"): MULTI_FACTOR,
    ("password", "recovery_codes"): MULTI_FACTOR,
    ("webauthn",): PHISHING_RESISTANT,
    ("password", "webauthn"): PHISHING_RESISTANT,
    ("password", "totp", "webauthn"): PHISHING_RESISTANT,
}


@pytest.mark.parametrize("methods", METHODS)
def test_the_class_of_a_login_follows_from_its_methods(methods):
    assert of(methods) == METHODS[methods]


@pytest.mark.parametrize("acr", CLASSES)
def test_a_login_satisfies_its_own_class_and_each_weaker_one(acr):
    position = CLASSES.index(acr)
    assert [name for name in CLASSES if satisfies(acr, name)] == list(CLASSES[: position + 1])
    assert satisfied(acr)[0] == acr


def test_a_login_without_a_class_satisfies_only_no_requirement():
    assert satisfies("", "")
    assert not any(satisfies("", name) for name in CLASSES)
    assert not satisfies(PHISHING_RESISTANT, "urn:example:gold")


def test_the_strongest_of_several_classes_counts():
    assert strongest(["", PASSWORD, PHISHING_RESISTANT, MULTI_FACTOR]) == PHISHING_RESISTANT
    assert strongest(["", "urn:example:gold"]) == ""
