"""The messages that the issuer sends by mail. The links in a message begin with ISSUER_URL."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from django.core.mail import EmailMessage
from django.http import Http404, HttpRequest, HttpResponseBase
from django.template.loader import render_to_string
from django.urls import get_script_prefix, reverse

from tokens import conf
from tokens.account import mail_queue


def message(template: str, email: str, context: dict[str, Any]) -> EmailMessage:
    """Return a message, rendered from the templates `<template>_subject.txt` and `<template>_message.txt`."""
    content = {"email": email} | context | site()
    subject = " ".join(render_to_string(f"{template}_subject.txt", content).split())
    return EmailMessage(subject, render_to_string(f"{template}_message.txt", content).strip(), None, [email])


def if_sent(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """Return a view that calls `view`, or answers 404 if this issuer is not configured to send mail."""

    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not conf.issuer().sends_mail:
            raise Http404
        return view(request, *args, **kwargs)

    return answer


def send(message: EmailMessage) -> None:
    """Queue the message for the thread that sends mail."""
    mail_queue.later(message.send)


def address(name: str, *arguments: str) -> str:
    """Return the absolute URL of a page of the issuer.

    `name` is the name of the page's URL pattern, and `arguments` are the arguments of that pattern.
    """
    # Django keeps the script prefix for each thread, and the thread that sends mail has none.
    path = reverse(name, args=arguments).removeprefix(get_script_prefix())
    return f"{conf.issuer().url.rstrip('/')}/{path}"


def site() -> dict[str, Any]:
    """Return the template variables by which messages name the issuer. The name is the host of ISSUER_URL."""
    host = urlsplit(conf.issuer().url).netloc
    return {"current_site": SimpleNamespace(name=host, domain=host), "site": host}
