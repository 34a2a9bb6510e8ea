"""Template filter `words`: translates an English text of a package such as `keys` into the language of the page."""

from django import template

from tokens.page_text import translated

register = template.Library()
register.filter("words", translated)
