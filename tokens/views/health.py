"""/healthz says that this process is alive. /readyz says if this process can issue tokens.

- /readyz answers 503 only if no token can be issued. A load balancer then sends requests to another process.
- Problems that do not stop the issuer from issuing tokens are listed under `attention`, with 200.
- Only the operator can read the causes of a 503, and `attention` (`operator`). Other callers can read only the status.
- `tokens/checks/readiness.py` decides the answer of /readyz, and finds the problems under `attention`.
"""

from collections.abc import Mapping

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_safe

from tokens import errors
from tokens.checks import readiness
from tokens.limits import rate_limit
from tokens.views.operator import is_operator


@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    """Answer 200: this process is alive."""
    return errors.answer({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> HttpResponse:
    """Answer 200 if a key may sign and the database answers, else 503.

    The operator also gets the causes of a 503. With 200, the operator gets `attention`, if there is any problem.
    """
    state = readiness.judge(node_time=timezone.now())
    if causes := state.causes:
        body = {"status": "unavailable", "missing": list(causes), "causes": causes}
        reason = "; ".join(f"{name}: {cause}" for name, cause in causes.items())
        return errors.answer(_visible(request, body), 503, {"Retry-After": "5"}, reason=f"not ready: {reason}")
    attention = {"attention": list(state.attention)} if state.attention else {}
    return errors.answer(_visible(request, {"status": "ok", **attention}))


def _visible(request: HttpRequest, answer: Mapping[str, object]) -> Mapping[str, object]:
    """Return the members of `answer` that the caller may read.

    The operator may read all members. Other callers may read only the status. With `?seen`, the operator also gets the
    address, scheme and Host of the request as this process received it, for `manage.py check_proxy`.
    """
    if not is_operator(request):
        return {"status": answer["status"]}
    if "seen" not in request.GET:
        return answer
    host = request.META.get("HTTP_HOST", "")
    return {**answer, "seen": {"address": rate_limit.address(request), "scheme": request.scheme, "host": host}}
