"""The operator's name, logo and colour on the issuer's pages. Pure.

- The operator sets one colour. Its shades for light and dark pages are derived: the colour is mixed with black or white
  until text in the shade has the contrast `READABLE` on every background of the pages (WCAG 2.2, success criterion
  1.4.3).
- Text on a button in such a shade is black or white. One of the two always has the contrast `READABLE`.
- The logo is a PNG, WebP or SVG file of at most `LARGEST` bytes, recognized by its first bytes.
"""

import hashlib
import re
from dataclasses import dataclass

READABLE = 4.5
LARGEST = 64 * 1024
COLOUR = re.compile(r"#[0-9a-fA-F]{6}")
BLACK, WHITE = "#000000", "#ffffff"
LIGHT_PAGES, DARK_PAGES = ("#ffffff", "#f4f5f8"), ("#1d2027", "#14161b")
"""The backgrounds that text can have in tokens/static/tokens/keyturn.css."""
STEPS = 100


class MalformedBrand(ValueError):
    """A setting of the brand is malformed. The message names the setting."""


@dataclass(frozen=True, slots=True)
class Logo:
    """The content of the logo's file, and its media type."""

    body: bytes
    media_type: str

    @property
    def tag(self) -> str:
        """Return the entity tag of the logo (RFC 9110 section 8.8.3)."""
        return entity_tag(self.body)


@dataclass(frozen=True, slots=True)
class Brand:
    """The operator's name, logo and stylesheet. If logo or stylesheet is missing, the pages have that of Keyturn."""

    name: str
    stylesheet: str
    """CSS with the derived colours, or the empty string."""
    logo: Logo | None


def brand(name: str, *, colour: str, logo: bytes | None) -> Brand:
    """Return the brand. `colour` is empty or like `#2448c8`. `logo` is the content of the logo's file, or None.

    Raises MalformedBrand if an argument is malformed.
    """
    if not name.strip() or not name.isprintable():
        raise MalformedBrand("BRAND_NAME must be printable text, and not empty.")
    if colour and not COLOUR.fullmatch(colour):
        raise MalformedBrand(f"BRAND_COLOR must be like #2448c8, not {colour!r}.")
    return Brand(name=name, stylesheet=stylesheet(colour) if colour else "", logo=_logo(logo) if logo else None)


def stylesheet(colour: str) -> str:
    """Return the CSS that sets shades of `colour` that are readable on light and on dark pages."""
    light, dark = readable(colour, LIGHT_PAGES, towards=BLACK), readable(colour, DARK_PAGES, towards=WHITE)
    return (
        f":root {{\n  --accent: light-dark({light}, {dark});\n"
        f"  --on-accent: light-dark({text_on(light)}, {text_on(dark)});\n}}\n"
    )


def readable(colour: str, backgrounds: tuple[str, ...], *, towards: str) -> str:
    """Return a shade of `colour` that has at least the contrast `READABLE` on each of `backgrounds`.

    The shade is `colour`, mixed with as little of the colour `towards` as possible.
    """
    for step in range(STEPS):
        mixed = _mix(colour, towards, step / STEPS)
        if all(contrast(mixed, background) >= READABLE for background in backgrounds):
            return mixed
    return towards


def text_on(colour: str) -> str:
    """Return black or white, whichever has more contrast on `colour`."""
    return max(BLACK, WHITE, key=lambda text: contrast(text, colour))


def contrast(colour: str, other: str) -> float:
    """Return the contrast ratio of two colours, from 1 to 21 (WCAG 2.2)."""
    darker, lighter = sorted((_luminance(colour), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def entity_tag(body: bytes) -> str:
    """Return a strong entity tag of the content."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def _logo(body: bytes) -> Logo:
    """Return the logo. Raises MalformedBrand if it is too large or of another format."""
    if len(body) > LARGEST:
        raise MalformedBrand(f"The file of BRAND_LOGO may have {LARGEST} bytes, not {len(body)}.")
    if body.startswith(b"\x89PNG\r\n\x1a\n"):
        return Logo(body, "image/png")
    if body[:4] == b"RIFF" and body[8:12] == b"WEBP":
        return Logo(body, "image/webp")
    if body.lstrip().startswith((b"<svg", b"<?xml")) and b"<svg" in body:
        return Logo(body, "image/svg+xml")
    raise MalformedBrand("The file of BRAND_LOGO must be PNG, WebP or SVG.")


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _mix(colour: str, other: str, part: float) -> str:
    """Return the mix of `colour` and `other` in which `part` (from 0 to 1) is `other`."""
    pairs = zip(_channels(colour), _channels(other), strict=True)
    return "#" + "".join(f"{round(start + (end - start) * part):02x}" for start, end in pairs)


def _luminance(colour: str) -> float:
    """Return the relative luminance of a colour (WCAG 2.2)."""
    shares = (channel / 255 for channel in _channels(colour))
    red, green, blue = (s / 12.92 if s <= 0.04045 else ((s + 0.055) / 1.055) ** 2.4 for s in shares)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
