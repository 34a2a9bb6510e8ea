"""Step 7. The API decides from the verified scopes whether this request is allowed.

- A permission that refuses returns False and does not raise, so that DRF's `&`, `|` and `~` can combine permissions.
- For a refused request, `demand_of` returns what the request lacks. The exception handler then makes the challenge.
- Each permission decides once per request, so that its decision and the challenge agree.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import AND, OR, SingleOperandHolder
from rest_framework.request import Request

from .errors import Unavailable
from .issuers.introspection import introspector
from .principal import AccessToken


@dataclass(frozen=True, slots=True)
class Demand:
    """The requirements that a refused request does not meet. `max_age` and `retry_after` are in seconds."""

    scopes: tuple[str, ...] = ()
    acr: tuple[str, ...] = ()
    max_age: int | None = None
    inactive: bool = False
    bound: bool = False
    retry_after: int = 0


class TokenPermission(SingleOperandHolder):
    """The base class of DRF permissions that take arguments. `permission_classes` then has instances, not classes.

    For example, `permission_classes = [HasScopes("notes:read") | IsAdminUser]`.
    """

    def __init__(self) -> None:
        """Replace the constructor of DRF's SingleOperandHolder, which requires an operand. This object has none."""

    def __call__(self) -> "TokenPermission":
        """Return the permission itself. DRF calls each entry of permission_classes to make an instance."""
        return self

    def has_permission(self, request: Request, view: Any) -> bool:
        """Return True if the request has a verified token that meets this permission."""
        return self.demand(request, view) is None

    def demand(self, request: Request, view: Any) -> Demand | None:
        """Return the requirements of this permission that the request does not meet, or None if it meets all.

        If the request has no verified token, return `Demand()`, which names no requirement. The result is stored with
        the request.
        """
        demands: dict[TokenPermission, Demand | None] = request.__dict__.setdefault("_demands", {})
        if self not in demands:
            token = request.auth
            demands[self] = self.missing(token, view) if isinstance(token, AccessToken) else Demand()
        return demands[self]

    def has_object_permission(self, request: Request, view: Any, _instance: Any) -> bool:
        """Return the result of `has_permission`."""
        # Scopes do not depend on objects.
        # DRF's default is True, which `~` would turn into a refusal of every object.
        return self.has_permission(request, view)

    def missing(self, token: AccessToken, view: Any) -> Demand | None:
        """Return what `token` lacks, or None if it lacks nothing."""
        raise NotImplementedError

    def scopes(self, view: Any, method: str) -> Sequence[Sequence[str]]:
        """Return the alternative lists of scopes that meet this permission, for challenges and the OpenAPI document.

        The token must have all scopes of one list. The result is empty if no token is accepted.
        """
        del view, method
        return ((),)  # one alternative without scopes


class HasScopes(TokenPermission):
    """A permission that requires all scopes that the constructor gets."""

    def __init__(self, *scopes: str) -> None:
        self.alternatives: tuple[tuple[str, ...], ...] = (_not_empty(scopes),)

    def missing(self, token: AccessToken, view: Any) -> Demand | None:
        """Return a demand for the scopes, or None if the token has all of them."""
        del view
        return lacking(token, self.alternatives)

    def scopes(self, view: Any, method: str) -> Sequence[Sequence[str]]:
        """Return the alternative lists of scopes. The token must have all scopes of one list."""
        del view, method
        return self.alternatives


class HasAnyScope(HasScopes):
    """A permission that requires at least one of the scopes that the constructor gets."""

    def __init__(self, *scopes: str) -> None:
        self.alternatives = tuple((scope,) for scope in _not_empty(scopes))


class HasRequiredScopes(TokenPermission):
    """A permission that requires the scopes that the view's dictionary `required_scopes` has for the request.

    The key is the action of the view or, if there is no entry for the action, the HTTP method. If there is no entry for
    HEAD, the entry for GET is used. A request without an entry is refused.

    A list of scopes requires all of them. A list of lists requires all scopes of at least one list:
    `{"GET": ["a"], "POST": [["a", "b"], ["c"]]}`.
    """

    def missing(self, token: AccessToken, view: Any) -> Demand | None:
        """Return None if the token has all scopes of one of the alternative lists.

        Otherwise, return a demand for the list of which the token lacks the fewest scopes.
        """
        return lacking(token, self.scopes(view, view.request.method))

    def scopes(self, view: Any, method: str) -> Sequence[Sequence[str]]:
        """Return the alternative lists of scopes in `required_scopes` for the action or method.

        The result is empty if `required_scopes` has an entry for neither.
        """
        mapped = getattr(view, "required_scopes", {})
        keys = (getattr(view, "action", None), method, "GET" if method == "HEAD" else None)
        listed = next((mapped[key] for key in keys if key in mapped), ())
        alternatives = [[scope] if isinstance(listed, str) else scope for scope in listed]
        if alternatives and all(isinstance(scope, str) for scope in alternatives):
            return (tuple(listed),)
        return tuple(tuple(alternative) for alternative in alternatives)


class RequireAcr(TokenPermission):
    """A permission that requires that the token's `acr` is one of the given values (RFC 9470 section 4)."""

    def __init__(self, *values: str) -> None:
        self.values = _not_empty(values)

    def missing(self, token: AccessToken, view: Any) -> Demand | None:
        """Return None if the token's `acr` is one of `self.values`, else a demand that names these values."""
        del view
        return None if token.claims.get("acr") in self.values else Demand(acr=self.values)


class MaxAuthAge(TokenPermission):
    """A permission that requires a login that is at most `seconds` old (RFC 9470 section 4)."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds

    def missing(self, token: AccessToken, view: Any) -> Demand | None:
        """Return a demand for the maximum age, or None if the token's `auth_time` is recent enough."""
        del view
        # A token without auth_time is refused, because the default 0 is never recent.
        auth_time = token.claims.get("auth_time", 0)
        return None if timezone.now().timestamp() - auth_time <= self.seconds else Demand(max_age=self.seconds)


class RequireActive(TokenPermission):
    """A permission that requires that the issuer's introspection endpoint reports the token as active (RFC 7662).

    The endpoint's answer can be cached for INTROSPECTION_FOR seconds.
    """

    def missing(self, token: AccessToken, view: Any) -> Demand | None:
        """Return None if the token is active. Return a demand if it is not, or if its state cannot be found out now."""
        del view
        try:
            return None if introspector(token.claims["iss"]).active(token) else Demand(inactive=True)
        except Unavailable as error:
            return Demand(retry_after=error.retry_after)


class RequireDPoP(TokenPermission):
    """A permission that requires a token that is bound to a key (RFC 9449).

    JWTAuthentication has already checked the DPoP proof of the request.
    """

    def missing(self, token: AccessToken, view: Any) -> Demand | None:
        """Return a demand for a bound token, or None if the token is bound."""
        del view
        return None if token.is_bound else Demand(bound=True)


def lacking(token: AccessToken, alternatives: Sequence[Sequence[str]]) -> Demand | None:
    """Return None if the token has all scopes of one of the lists in `alternatives`.

    Otherwise, return a demand for the list of which the token lacks the fewest scopes.
    """
    if any(token.scopes.issuperset(alternative) for alternative in alternatives):
        return None
    nearest = min(alternatives, key=lambda scopes: len(set(scopes) - token.scopes), default=())
    return Demand(scopes=tuple(nearest))


def demand_of(error: Exception, context: Mapping[str, Any]) -> Demand | None:
    """Return what a refused request lacks. `error` is the exception of the refusal.

    Returns None if the request has no verified token, or if no permission of this module refused it.
    """
    view, request = context.get("view"), context.get("request")
    if (
        not isinstance(error, PermissionDenied)
        or view is None
        or not isinstance(getattr(request, "auth", None), AccessToken)
    ):
        return None
    # DRF does not say which permission refused the request. It is the first that refuses the request when asked again.
    refusing = (permission for permission in view.get_permissions() if not permission.has_permission(request, view))
    return next(_demands(next(refusing, None), request, view), None)


def _demands(permission: Any, request: Any, view: Any) -> Iterator[Demand]:
    """Yield the demands of a permission that refused the request.

    For a permission that combines others by AND or OR, yield the demands of its operands. A permission that is negated
    (`~`) or of another package yields nothing.
    """
    # Operands of `~` are left out: more scopes would not help.
    for operand in operands(permission, AND) or operands(permission, OR):
        yield from _demands(operand, request, view)
    if isinstance(permission, TokenPermission):
        demand = permission.demand(request, view)
        if demand is not None and demand != Demand():
            yield demand


def operands(permission: Any, operator: type[Any]) -> tuple[Any, ...]:
    """Return both operands of a permission that is combined by `operator` (AND or OR).

    Returns () for any other permission.
    """
    return (permission.op1, permission.op2) if isinstance(permission, operator) else ()


def _not_empty(values: tuple[str, ...]) -> tuple[str, ...]:
    if not values or not all(values):
        raise ValueError("at least one value is required, and none may be empty")
    return values
