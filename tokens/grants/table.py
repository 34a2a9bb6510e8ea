"""The grant types of the token endpoint. A grant type that is not in this table cannot be used."""

from collections.abc import Mapping
from typing import Any

from tokens.grants import (
    authorization_code,
    base,
    client_credentials,
    device_code,
    jwt_bearer,
    refresh_token,
    token_exchange,
)
from tokens.grants.base import Flow
from tokens.models import GrantType

# In the order in which the metadata lists them.
GRANT_TYPES: Mapping[str, Flow[Any]] = {
    GrantType.AUTHORIZATION_CODE.value: Flow(base.identify, authorization_code.issue),
    GrantType.REFRESH_TOKEN.value: Flow(base.identify, refresh_token.issue),
    GrantType.CLIENT_CREDENTIALS.value: Flow(base.identify, client_credentials.issue),
    GrantType.DEVICE_CODE.value: Flow(base.identify, device_code.issue),
    GrantType.TOKEN_EXCHANGE.value: Flow(token_exchange.identify, token_exchange.issue),
    GrantType.JWT_BEARER.value: Flow(jwt_bearer.identify, jwt_bearer.issue),
}
