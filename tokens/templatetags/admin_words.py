"""The filter `words`: a text of a room below in the language of the page."""

from django import template

from tokens.page_text import translated

register = template.Library()
register.filter("words", translated)
