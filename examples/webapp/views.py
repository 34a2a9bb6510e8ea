"""The HTML pages: the user's notes, and the evidence of the flow that led to them.

The evidence is the decoded access token, the issuer's public key that verifies it, and the API's response.
"""

import json
from dataclasses import asdict

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from examples.webapp import login, notes, settings


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show the user's notes, with the decoded token, the public key that verifies it, and the API's response.

    If no user is logged in, show a button to log in.
    """
    token = login.access_token(request)
    if token is None:
        return render(request, "webapp/welcome.html")
    return show(request, token, notes.read(token))


@require_POST
def add_note(request: HttpRequest) -> HttpResponse:
    """Add a note, then show all notes. If the API refuses the note, also show the API's response."""
    token = login.access_token(request)
    if token is None:
        return redirect("home")
    added = notes.write(token, title=request.POST.get("title", ""), body=request.POST.get("body", ""))
    return redirect("home") if added.status == 201 else show(request, token, notes.read(token), refused=added)


@require_safe
def export(request: HttpRequest) -> HttpResponse:
    """Show the export of all notes. If the API demands a stronger login, redirect the user to the issuer first.

    The user is redirected only once for the same demand. After the login, the page shows the export, and also the API's
    first response with the challenge.
    """
    token = login.access_token(request)
    if token is None:
        return redirect("home")
    answer, first = notes.export(token), request.session.pop("first_answer", None)
    needed = notes.missing_classes(answer)
    if needed and (first is None or first["needed"] != needed):
        # Kept for the page, and because a second redirect for the same demand would be a loop.
        request.session["first_answer"] = {"status": answer.status, "challenge": answer.challenge, "needed": needed}
        return login.to_issuer(request, acr_values=needed, back="export")
    _, claims = notes.decode(token)
    context = {"first": first, "answer": answer, "claims": claims, "export_json": json.dumps(answer.body, indent=2)}
    response = render(request, "webapp/export.html", context, status=answer.status or 502)
    response.headers["Cache-Control"] = "no-store"
    return response


@require_safe
def evidence(request: HttpRequest) -> HttpResponse:
    """Return the decoded token, the public key that verifies it, and the API's response as JSON, for programs.

    Answers 401 if no user is logged in.
    """
    token = login.access_token(request)
    if token is None:
        return JsonResponse({"error": "no user is logged in"}, status=401)
    header, claims = notes.decode(token)
    evidence = {"header": header, "claims": claims, "jwk": notes.published_key(header["kid"])}
    return JsonResponse({**evidence, "api": asdict(notes.read(token))}, headers={"Cache-Control": "no-store"})


@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    """Answer 200, which shows that the process is alive."""
    return JsonResponse({"status": "ok"})


def show(
    request: HttpRequest, token: str, answer: notes.Answer, *, refused: notes.Answer | None = None
) -> HttpResponse:
    """Show the API's response, with the decoded token and the public key that verifies it.

    `refused` is the API's error response to a new note, or None.
    """
    header, claims = notes.decode(token)
    context = {
        "answer": answer,
        "refused": refused,
        "has_picture": settings.DEBUG,
        "notes": answer.body.get("results", []) if answer.status == 200 else None,
        "claims": claims,
        "header_json": json.dumps(header, indent=2),
        "claims_json": json.dumps(claims, indent=2),
        "jwk_json": json.dumps(notes.published_key(header["kid"]), indent=2),
        "answer_json": json.dumps(answer.body, indent=2),
    }
    response = render(request, "webapp/notes.html", context)
    response.headers["Cache-Control"] = "no-store"
    return response
