"""Defines the tag `brand`, which gives a template the name, the logo and the stylesheet of the operator."""

from dataclasses import dataclass

from django import template
from django.urls import reverse

from tokens import conf

register = template.Library()


@dataclass(frozen=True, slots=True)
class PageBrand:
    """The operator's name, and the addresses of the stylesheet and of the logo. An address is "" if not configured."""

    name: str
    stylesheet: str
    logo: str


@register.simple_tag
def brand() -> PageBrand:
    """Return the operator's brand for a page."""
    own = conf.issuer().brand
    stylesheet = reverse("brand_stylesheet") if own.stylesheet else ""
    return PageBrand(own.name, stylesheet, reverse("brand_logo") if own.logo else "")
