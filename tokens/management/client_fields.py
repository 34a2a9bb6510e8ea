"""The fields of a client that the options of `create_client` set."""

from typing import Any

from tokens.management import login_options
from tokens.registration import kinds, option_columns


def with_kind(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options, completed by the values that --kind implies. Without --kind, returns them unchanged.

    A kind of client, such as `spa`, implies grant types, `public`, redirect URIs and origins. The result has a further
    entry, "kind_policy", with the other columns of the client that the kind implies.
    """
    kind = kinds.BY_NAME.get(options["kind"])
    if kind is None:
        return options
    redirect_uris = options["redirect_uris"] or kind.redirect_uris.split()
    origins = kinds.origins(redirect_uris) if kind.calls_from_browser else ()
    return options | {
        "grants": list(dict.fromkeys([*kind.grants, *options["grants"]])),
        "public": options["public"] or kind.is_public,
        "redirect_uris": redirect_uris,
        "origins": options["origins"] or list(origins),
        "kind_policy": kind.policy,
    }


def policy(options: dict[str, Any]) -> dict[str, Any]:
    """Return the value of `Registration.policy`: values of the client's columns, from the options of the command.

    A column that no option sets gets the value that --kind implies. Columns with a field of their own in Registration,
    such as the name, are left out.
    """
    fields = _policy(options)
    return fields | {name: value for name, value in options.get("kind_policy", {}).items() if not fields.get(name)}


def _policy(options: dict[str, Any]) -> dict[str, Any]:
    """Return the columns that the options set, without the columns that --kind implies."""
    others = {
        "is_active": not options["inactive"],
        "requires_assertion_type": options["strict_assertion_type"],
        "userinfo_by_api_tokens": not options["no_userinfo_by_api_tokens"],
        "remembers_consent": not options["forget_consent"],
        "backchannel_logout_uri": options["backchannel_logout_uri"] or None,
        "backchannel_logout_session_required": options["backchannel_logout_session_required"] or None,
        "dpop_bound_access_tokens": options["dpop"] or None,
        "id_token_signed_response_alg": options["id_token_signed_response_alg"],
        "access_token_lifetime": options["access_token_lifetime"],
        "refresh_token_lifetime": options["refresh_token_lifetime"],
        "refresh_token_idle_lifetime": options["refresh_token_idle_lifetime"],
    }
    return option_columns.policy(options) | login_options.fields(options) | others
