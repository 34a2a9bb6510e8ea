"""The address of a metadata document, and of keys, which has to obey the same rules."""

import pytest

from tokens.open_clients import client_metadata, identifier
from tokens.open_clients.identifier import UnfitAddress
from tokens.open_clients.metadata_member import InvalidMetadata

PROBLEMS = {
    "https://app.example/" + "k" * 221: "is longer than 240 characters.",
    "https://app.example/k k": "is not a URL.",
    "https://app.example:99999/k": "is not a URL.",
    "https://app.example:0/k": "must not name port 0.",
    "https://ada@app.example/k": "must not have a user or a fragment.",
    "https://app.example/": "must have a path, such as https://app.example/client.json.",
    "https://app.example/a/%2e/k": "must not have dot segments in its path.",
    "http://app.example/k": "must begin with https://.",
    "https://10.0.0.1/k": "must have a host name in lower case, and no IP address.",
}


@pytest.mark.parametrize(("address", "problem"), PROBLEMS.items(), ids=PROBLEMS.values())
def test_a_refused_address_is_called_by_its_name_in_the_message(address, problem):
    with pytest.raises(UnfitAddress) as refused:
        identifier.read(address)
    assert str(refused.value) == f"The client_id {problem}"
    with pytest.raises(InvalidMetadata) as invalid:
        client_metadata._judge_key_address(address, loopback=False)
    assert str(invalid.value) == f"jwks_uri {problem}"


@pytest.mark.parametrize("name", ["The client_id", "jwks_uri"])
def test_an_address_of_240_characters_is_accepted_under_each_name(name):
    assert identifier.read("https://app.example/" + "k" * 220, name=name).hostname == "app.example"
