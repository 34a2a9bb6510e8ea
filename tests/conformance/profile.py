"""The claims of the certification user that are not fields of Keyturn's user model. CLAIMS_SOURCE names this module."""

CLAIMS = {
    "nickname": "ada",
    "middle_name": "King",
    "profile": "https://people.example/ada",
    "picture": "https://people.example/ada.png",
    "website": "https://ada.example",
    "gender": "female",
    "birthdate": "1815-12-10",
    "zoneinfo": "Europe/London",
    "locale": "en-GB",
    "phone_number": "+44 20 7946 0000",
    "phone_number_verified": True,
    "address": {"country": "GB", "locality": "London"},
}
SOURCE = ",".join(f"{name}=tests.conformance.profile:{name}" for name in CLAIMS)


def __getattr__(name):
    """Return a function that takes a user and returns the claim `name`. Raises AttributeError for an unknown claim."""
    if name not in CLAIMS:
        raise AttributeError(name)
    return lambda _user: CLAIMS[name]
