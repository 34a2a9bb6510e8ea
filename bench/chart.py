"""Draw the results of `make bench` as an SVG: the CPU time of a request, by system."""

from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

GROUPS = {
    "An access token (client_credentials)": {
        "token RS256": "Keyturn, RS256",
        "token ES256": "Keyturn, ES256",
        "before: token RS256": "Keyturn, the build before, RS256",
        "oidc-provider token": "node oidc-provider, RS256, in memory",
        "toolkit token": "django-oauth-toolkit, opaque token",
    },
    "Another request to the issuer": {
        "introspection": "introspection",
        "code exchange": "code exchange",
        "refresh": "refresh, with rotation",
        "JWKS 200": "JWKS",
        "empty view": "an empty Django view, same server",
    },
    "A request to an API": {
        "verify": "Keyturn",
        "PyJWKClient": "PyJWKClient",
        "simplejwt": "simplejwt",
        "express-oauth2-jwt-bearer": "express-oauth2-jwt-bearer, on node",
        "DRF floor": "Django REST framework, nothing checked",
    },
}
WIDTH, LEFT, RIGHT, BAR, STEP = 800, 290, 130, 16, 24
KEYTURN, OTHER = "#3257c9", "#9aa3b2"
PEERS = {"before: token RS256", "oidc-provider token", "toolkit token", "empty view", "PyJWKClient", "simplejwt"}
PEERS |= {"express-oauth2-jwt-bearer", "DRF floor"}


def drawn(document: Mapping[str, Any]) -> str:
    """Return the chart of the results as SVG. `document` is the content of `bench.json`."""
    parts, top = [], 44
    for title, rows in GROUPS.items():
        parts += _group(title, rows, document["medians"], top)
        top += STEP * (len(rows) + 2)
    return "\n".join([*_frame(document, top + 14), *parts, "</svg>", ""])


def _frame(document: Mapping[str, Any], height: int) -> Iterator[str]:
    """Yield the start of the SVG of `height` pixels: the opening tag, the background, the title and the footnote."""
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        'font-family="system-ui, sans-serif" font-size="13">'
    )
    yield f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>'
    yield f'<text x="16" y="24" fill="#1d2330">CPU milliseconds of one request, {escape(document["date"])}</text>'
    yield (
        f'<text x="16" y="{height - 12}" fill="#5b6475" font-size="11">All processes of the server, its PostgreSQL '
        "backends and Redis. Medians of interleaved rounds; shorter is better.</text>"
    )


def _group(title: str, rows: Mapping[str, str], medians: Mapping[str, float], top: int) -> Iterator[str]:
    """Yield the SVG elements of one group of bars. Its top is at the vertical coordinate `top`.

    `rows` maps the name of each row to its label. `medians` maps the name to the row's CPU milliseconds. A bar that is
    more than eight times as long as the first bar of the group is cut off.
    """
    limit = 8 * medians[next(iter(rows))]
    longest = max(min(medians[name], limit) for name in rows)
    yield f'<text x="16" y="{top + 12}" fill="#1d2330" font-weight="600">{escape(title)}</text>'
    for number, (name, label) in enumerate(rows.items(), 1):
        y, value = top + STEP * number, medians[name]
        length = max(1.0, (WIDTH - LEFT - RIGHT) * min(value, limit) / longest)
        color = OTHER if name in PEERS else KEYTURN
        yield f'<text x="{LEFT - 8}" y="{y + 12}" text-anchor="end" fill="#1d2330">{escape(label)}</text>'
        yield f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR}" fill="{color}"/>'
        cut = " (bar cut)" if value > limit else ""
        yield f'<text x="{LEFT + length + 6:.1f}" y="{y + 12}" fill="#1d2330">{value:.2f}{cut}</text>'
