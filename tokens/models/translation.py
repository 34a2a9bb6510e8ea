"""Translate the names, help texts and permissions of the tables into the language of the page.

Django translates a text of a model only if the text is marked. When Django has prepared a model class of this app, this
module marks all texts of the class, so that the texts of a new column are translated, too. `tests/catalogue.py` lists
the texts.
"""

from collections.abc import Iterator
from typing import Any

from django.db.models import Field, Model
from django.db.models.signals import class_prepared
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy

APP = "tokens"
TEXTS = ("verbose_name", "help_text")


def mark(sender: type[Model], **_options: object) -> None:
    """Mark the texts of `sender` for translation if it is a model of this app. Receives the signal `class_prepared`."""
    if sender._meta.app_label == APP:
        mark_texts(sender)


def mark_texts(model: type[Model]) -> None:
    """Mark the names of a model, and the names and help texts of its fields, for translation."""
    names: Any = model._meta
    for name in ("verbose_name_plural", "verbose_name"):
        if not isinstance(names.original_attrs.get(name), Promise):
            # str: Django makes the plural from the name as a lazy object, which would not be translated.
            setattr(names, name, gettext_lazy(str(getattr(names, name))))
    for field in fields(model):
        for name in TEXTS:
            setattr(field, name, _marked(getattr(field, name)))


def fields(model: type[Model]) -> "list[Field[Any, Any]]":
    """Return the columns and the many-to-many fields of a model."""
    return [*model._meta.local_fields, *model._meta.local_many_to_many]


def names(model: type[Model]) -> Iterator[str]:
    """Yield the singular and plural name of a model, and the names of its custom permissions."""
    yield from (str(model._meta.verbose_name), str(model._meta.verbose_name_plural))
    yield from (str(name) for _, name in model._meta.permissions)


def texts(model: type[Model]) -> Iterator[str]:
    """Yield the names, choices and help texts of the fields of a model."""
    for field in fields(model):
        labels = [label for _, label in field.flatchoices]
        yield from (text for text in map(str, [field.verbose_name, field.help_text, *labels]) if text)


def _marked(text: Any) -> Any:
    return gettext_lazy(text) if text and not isinstance(text, Promise) else text


class_prepared.connect(mark, dispatch_uid="tokens.models.translation")
