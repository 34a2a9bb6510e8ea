"""The session of the example application in a browser: a signed cookie, which a test can change."""

from typing import Any

from django.contrib.sessions.serializers import JSONSerializer
from django.core import signing
from playwright.sync_api import BrowserContext

from project.launch.environment import Environments
from tests.flow.test_logout import COOKIE, SALT


def change(context: BrowserContext, variables: Environments, **values: Any) -> None:
    """Set `values` in the session cookie of a browser in which a user is logged in to the example application.

    `variables` has the key that signs the cookie.
    """
    [cookie] = [stored for stored in context.cookies() if stored["name"] == COOKIE]
    key = variables.webapp["SECRET_KEY"]
    session = signing.loads(cookie["value"], key=key, salt=SALT, serializer=JSONSerializer)
    text = signing.dumps(session | values, key=key, salt=SALT, serializer=JSONSerializer, compress=True)
    context.add_cookies([{**cookie, "value": text}])  # type: ignore[typeddict-item]  # a cookie as it was read
