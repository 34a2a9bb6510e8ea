"""The profile of the certification user, for CLAIMS_SOURCE: claims for which Keyturn's users have no field."""

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
    """Return the function that returns the user's claim `name`."""
    if name not in CLAIMS:
        raise AttributeError(name)
    return lambda _user: CLAIMS[name]
