"""Template filter `words`: translates a text of a lower package into the language of the page."""

from django import template

from tokens.page_text import translated

register = template.Library()
register.filter("words", translated)
