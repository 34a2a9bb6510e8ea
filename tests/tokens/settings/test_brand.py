"""The settings for the operator's name, colour and logo, and the values that they accept.

Further colours are derived from the operator's colour. Text in these colours, and text on them, has enough contrast.
"""

import re

import pytest

from tokens import conf
from tokens.settings.brand import (
    DARK_PAGES,
    LARGEST,
    LIGHT_PAGES,
    READABLE,
    MalformedBrand,
    brand,
    contrast,
    stylesheet,
)

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"/>'
WEBP = b"RIFF0000WEBPVP8 "


def made(name="Acme", colour="", logo=None):
    return brand(name, colour=colour, logo=logo)


@pytest.mark.parametrize("colour", ["#2448c8", "#ffff00", "#FFFFFF", "#000000", "#808080", "#e4002b", "#00ff7f"])
def test_text_in_the_derived_colours_and_on_them_can_be_read_in_light_and_dark(colour):
    (light, dark), (on_light, on_dark) = re.findall(r"light-dark\((#\w{6}), (#\w{6})\)", stylesheet(colour))
    assert min(contrast(light, page) for page in LIGHT_PAGES) >= READABLE
    assert min(contrast(dark, page) for page in DARK_PAGES) >= READABLE
    assert contrast(on_light, light) >= READABLE
    assert contrast(on_dark, dark) >= READABLE


def test_a_colour_that_can_be_read_stays_as_it_is():
    assert "light-dark(#2448c8," in stylesheet("#2448c8")


def test_the_contrast_is_that_of_the_wcag():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.01)


@pytest.mark.parametrize("colour", ["red", "#fff", "#12345g", "#2448c8;}", "2448c8", "#2448c8\n", "var(--x)"])
def test_another_notation_of_a_colour_is_refused(colour):
    with pytest.raises(MalformedBrand, match="BRAND_COLOR must be like"):
        made(colour=colour)


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "\u202eevil"])
def test_a_name_without_printable_text_is_refused(name):
    with pytest.raises(MalformedBrand, match="BRAND_NAME"):
        made(name)


@pytest.mark.parametrize(
    ("body", "media_type"),
    [
        (PNG, "image/png"),
        (SVG, "image/svg+xml"),
        (b'<?xml version="1.0"?>' + SVG, "image/svg+xml"),
        (WEBP, "image/webp"),
    ],
)
def test_a_logo_is_recognized_by_its_first_bytes(body, media_type):
    assert made(logo=body).logo.media_type == media_type


@pytest.mark.parametrize(
    "body", [b"<html><svg></svg></html>", b"GIF89a", b"<?xml version='1.0'?><x/>", PNG + b"0" * LARGEST]
)
def test_another_file_is_no_logo(body):
    with pytest.raises(MalformedBrand, match="BRAND_LOGO"):
        made(logo=body)


def test_a_logo_that_cannot_be_read_stops_the_start_with_one_line(settings, tmp_path):
    settings.ISSUER = settings.ISSUER | {"BRAND_LOGO": str(tmp_path / "missing.png")}
    with pytest.raises(conf.MalformedSetting, match=r"BRAND_LOGO cannot be read: No such file"):
        conf.issuer()
