"""Defines the template filter `words`, which translates English texts of packages such as `keys` for the page."""

from django import template

from tokens.page_text import translated

register = template.Library()
register.filter("words", translated)
