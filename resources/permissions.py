"""Step 7. The API decides from the verified scopes whether this request is allowed.

Permissions say False and never raise, so that DRF's `&`, `|` and `~` compose them. What was missing is asked for
afterwards, with `demand_of`, by whoever writes the answer.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import AND, OR, SingleOperandHolder
from rest_framework.request import Request

from resources.errors import Unavailable
from resources.introspection import introspector
from resources.principal import AccessToken


@dataclass(frozen=True, slots=True)
class Demand:
    """What a refused request would have needed."""

    scopes: tuple[str, ...] = ()
    acr: tuple[str, ...] = ()
    max_age: int | None = None
    inactive: bool = False
    retry_after: int = 0


class TokenPermission(SingleOperandHolder):
    """A permission that is an object: `permission_classes = [HasScopes("notes:read") | IsAdminUser]`."""

    def __init__(self) -> None:
        """Nothing: DRF's holders hold others, this one is its own permission."""

    def __call__(self) -> "TokenPermission":
        """Itself: DRF calls what permission_classes holds."""
        return self

    def has_permission(self, request: Request, view: Any) -> bool:
        """Whether nothing is missing; False without a verified token."""
        return self.demand(request, view) is None

    def demand(self, request: Request, view: Any) -> Demand | None:
        """What the request lacks; asked once per request and kept with it, so that nobody hears two answers."""
        asked: dict[TokenPermission, Demand | None] = request.__dict__.setdefault("_demands", {})
        if self not in asked:
            token = request.auth
            asked[self] = self.missing(token, view) if isinstance(token, AccessToken) else Demand()
        return asked[self]

    def has_object_permission(self, request: Request, view: Any, _instance: Any) -> bool:
        """The same again: scopes know no objects, and DRF's `~` negates this answer too."""
        return self.has_permission(request, view)

    def missing(self, token: AccessToken, view: Any) -> Demand | None:
        """What `token` lacks, or None when it has everything."""
        raise NotImplementedError

    def scopes(self, view: Any, method: str) -> Sequence[Sequence[str]]:
        """Return the alternatives for the OpenAPI document, each a list of scopes. Empty if no token is accepted."""
        del view, method
        return ((),)  # scopes do not matter here


class HasScopes(TokenPermission):
    """All of these scopes."""

    def __init__(self, *scopes: str) -> None:
        self.alternatives: tuple[tuple[str, ...], ...] = (_named(scopes),)

    def missing(self, token: AccessToken, view: Any) -> Demand | None:
        """The scopes, unless the token has them."""
        del view
        return lacking(token, self.alternatives)

    def scopes(self, view: Any, method: str) -> Sequence[Sequence[str]]:
        """The one alternative, or the several of a subclass."""
        del view, method
        return self.alternatives


class HasAnyScope(HasScopes):
    """One of these scopes, whichever."""

    def __init__(self, *scopes: str) -> None:
        self.alternatives = tuple((scope,) for scope in _named(scopes))


class HasRequiredScopes(TokenPermission):
    """What the view's `required_scopes` says for the action or, failing that, the method; unmapped is refused.

    A list of scopes asks for all of them; a list of lists for all of one list:
    `{"GET": ["a"], "POST": [["a", "b"], ["c"]]}`.
    """

    def missing(self, token: AccessToken, view: Any) -> Demand | None:
        """The nearest alternative, unless the token has one."""
        return lacking(token, self.scopes(view, view.request.method))

    def scopes(self, view: Any, method: str) -> Sequence[Sequence[str]]:
        """The alternatives of the view's map; empty when nothing is mapped."""
        mapped = getattr(view, "required_scopes", {})
        keys = (getattr(view, "action", None), method, "GET" if method == "HEAD" else None)
        listed = next((mapped[key] for key in keys if key in mapped), ())
        alternatives = [[scope] if isinstance(listed, str) else scope for scope in listed]
        if alternatives and all(isinstance(one, str) for one in alternatives):
            return (tuple(listed),)
        return tuple(tuple(alternative) for alternative in alternatives)


class RequireAcr(TokenPermission):
    """A login of one of these authentication context classes (RFC 9470 section 4)."""

    def __init__(self, *values: str) -> None:
        self.values = _named(values)

    def missing(self, token: AccessToken, view: Any) -> Demand | None:
        """The classes, unless the token's `acr` is one of them."""
        del view
        return None if token.claims.get("acr") in self.values else Demand(acr=self.values)


class MaxAuthAge(TokenPermission):
    """A login that is at most `seconds` old (RFC 9470 section 4)."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds

    def missing(self, token: AccessToken, view: Any) -> Demand | None:
        """The age, unless the token's `auth_time` is recent; a token that tells none has never been recent."""
        del view
        auth_time = token.claims.get("auth_time", 0)
        return None if timezone.now().timestamp() - auth_time <= self.seconds else Demand(max_age=self.seconds)


class RequireActive(TokenPermission):
    """A token that its issuer, asked now or seconds ago, calls active. For the few endpoints where minutes matter."""

    def missing(self, token: AccessToken, view: Any) -> Demand | None:
        """That the token is active, or that the issuer can be asked."""
        del view
        try:
            return None if introspector(token.claims["iss"]).active(token) else Demand(inactive=True)
        except Unavailable as error:
            return Demand(retry_after=error.retry_after)


def lacking(token: AccessToken, alternatives: Sequence[Sequence[str]]) -> Demand | None:
    """None if the token has all scopes of one alternative, else the alternative that is nearest to what it has."""
    if any(token.scopes.issuperset(alternative) for alternative in alternatives):
        return None
    nearest = min(alternatives, key=lambda scopes: len(set(scopes) - token.scopes), default=())
    return Demand(scopes=tuple(nearest))


def demand_of(error: Exception, context: Mapping[str, Any]) -> Demand | None:
    """What was missing when `error` refused a request, if it was a permission of this module that refused it.

    DRF does not say which permission said no, so the first one that says it again is looked into.
    """
    view, request = context.get("view"), context.get("request")
    if (
        not isinstance(error, PermissionDenied)
        or view is None
        or not isinstance(getattr(request, "auth", None), AccessToken)
    ):
        return None
    refusing = (one for one in view.get_permissions() if not one.has_permission(request, view))
    return next(_demands(next(refusing, None), request, view), None)


def _demands(permission: Any, request: Any, view: Any) -> Iterator[Demand]:
    """The demands of a refusing permission. Under `~` there are none: more scope would not help."""
    for operand in operands(permission, AND) or operands(permission, OR):
        yield from _demands(operand, request, view)
    if isinstance(permission, TokenPermission):
        demand = permission.demand(request, view)
        if demand is not None and demand != Demand():
            yield demand


def operands(permission: Any, operator: type[Any]) -> tuple[Any, ...]:
    """The two sides of a permission that DRF composed with `operator` (AND or OR), or nothing."""
    return (permission.op1, permission.op2) if isinstance(permission, operator) else ()


def _named(values: tuple[str, ...]) -> tuple[str, ...]:
    if not values or not all(values):
        raise ValueError("name at least one")
    return values
