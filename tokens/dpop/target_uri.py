"""The normal form of a target URI: syntax-based and scheme-based (RFC 3986 sections 6.2.2 and 6.2.3). Pure.

Query and fragment are left out (RFC 9449 section 4.3, check 9). Python's URL parser is not used: it drops tabs and line
breaks, so texts that are not URIs would match.
"""

import re

LONGEST = 2048  # characters
DEFAULT_PORTS = {"http": 80, "https": 443}
PERCENT = r"%[0-9A-Fa-f]{2}"
NAME = rf"(?:[A-Za-z0-9._~!$&'()*+,;=-]|{PERCENT})+"
SEGMENTS = rf"(?:/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|{PERCENT})*)*"
# Without user information: no endpoint has any.
URI = re.compile(rf"(https?)://(\[[0-9A-Fa-f:.]+\]|{NAME})(?::([0-9]{{0,5}}))?({SEGMENTS})(?:\?[!-~]*)?", re.IGNORECASE)
ESCAPED = re.compile(PERCENT)
UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")


def normal(text: str) -> str | None:
    """Return the normal form of an http or https URI, without query and fragment, or None if `text` is no such URI.

    For example, `HTTPS://Issuer.example:443/a/../%74oken?x=1` becomes `https://issuer.example/token`.
    """
    if len(text) > LONGEST:
        return None
    match = URI.fullmatch(text.partition("#")[0])
    if match is None or re.search(r"[^!-~]", text):
        return None
    scheme, host, port, path = match[1].lower(), _decoded(match[2]).lower(), match[3], match[4]
    has_port = bool(port) and int(port) != DEFAULT_PORTS[scheme]
    authority = f"{host}:{int(port)}" if has_port else host
    return f"{scheme}://{authority}{_without_dots(_decoded(path))}"


def _decoded(text: str) -> str:
    """Return the text with percent-encoded unreserved characters decoded, and other percent-encodings in upper case."""
    return ESCAPED.sub(_character, text)


def _character(escape: re.Match[str]) -> str:
    character = chr(int(escape[0][1:], 16))
    return character if UNRESERVED.fullmatch(character) else escape[0].upper()


def _without_dots(path: str) -> str:
    """Return the path without dot segments (RFC 3986 section 5.2.4). An empty path becomes a slash."""
    segments: list[str] = []
    *folders, last = path.split("/")[1:] or [""]
    for segment in folders:
        if segment == "..":
            del segments[-1:]
        elif segment != ".":
            segments.append(segment)
    if last == "..":
        del segments[-1:]
    return "".join(f"/{segment}" for segment in [*segments, "" if last in {".", ".."} else last])
