"""Pages for people: the API's documentation, and one for each kind of problem; and the OpenAPI document itself."""

from __future__ import annotations

from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from flask import Response, render_template, request

from gateway.serve.answers import answered, not_modified, tagged
from gateway.serve.operations import Operation
from gateway.serve.problems import PROBLEMS, Problem, nearest
from gateway.serve.shapes import ANY_OBJECT, Shape
from gateway.serve.tableshapes import shown

if TYPE_CHECKING:
    from collections.abc import Callable

    from gateway.serve.openapi import Documents
    from gateway.serve.operations import Call

_FOLDER = Path(__file__).parent.parent / "static"

ASSETS: dict[str, tuple[str, str]] = {
    "swagger-ui-bundle.js": ("swagger-ui/swagger-ui-bundle.js", "text/javascript"),
    "swagger-ui.css": ("swagger-ui/swagger-ui.css", "text/css"),
    "LICENSE.txt": ("swagger-ui/LICENSE.txt", "text/plain"),
    "NOTICE.txt": ("swagger-ui/NOTICE.txt", "text/plain"),
    "swagger-ui-bundle.js.LICENSE.txt": ("swagger-ui/swagger-ui-bundle.js.LICENSE.txt", "text/plain"),
    "docs.js": ("docs.js", "text/javascript"),
    "pages.css": ("pages.css", "text/css"),
    "selftest.css": ("selftest.css", "text/css"),
    "selftest.js": ("selftest.js", "text/javascript"),
}
"""What the pages load, and nothing else: name → file, media type."""

SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

SHAPES: dict[str, Shape] = {"OpenApi": ANY_OBJECT | {"description": "This document."}}


def operations(documents: Documents) -> tuple[Operation, ...]:
    """The operations; only the OpenAPI document is part of itself."""
    html = ("text/html",)
    return (
        Operation(
            "get_openapi",
            "GET",
            "/api/v1/openapi.json",
            "documentation",
            "This document, with the collections that the key may read",
            lambda call: openapi(call, documents),
            access="optional",
            answers={200: "OpenApi"},
        ),
        _page("get_start", "/", lambda _: Response(status=302, headers={"Location": "/docs"}), ()),
        _page("get_docs", "/docs", lambda _: _html("docs.html"), html),
        _page("get_asset", "/docs/{asset}", asset, ()),
        _page("list_problems", "/problems", lambda _: _html("problems.html", problems=PROBLEMS), html),
        _page("get_problem", "/problems/{code}", one_problem, html),
    )


def _page(name: str, path: str, answer: Callable[..., Response], media: tuple[str, ...]) -> Operation:
    return Operation(name, "GET", path, "pages", "", answer, access="open", media=media, documented=False)


def openapi(call: Call, documents: Documents) -> Response:
    """``GET /api/v1/openapi.json``."""
    tag, document = documents.of(call.services.configuration(), call.caller, shown(call))
    return not_modified(tag) or tagged(answered(document), tag)


def asset(_: Call, asset: str) -> Response:
    """``GET /docs/swagger-ui.css``."""
    if asset not in ASSETS:
        raise Problem("not_found", f"the documentation has no file {asset[:100]!r}")
    file, media = ASSETS[asset]
    answer = Response((_FOLDER / file).read_bytes(), mimetype=media)
    answer.add_etag()
    answer.headers["Cache-Control"] = "no-cache"
    answer.make_conditional(request.environ)
    if answer.status_code == HTTPStatus.PRECONDITION_FAILED:
        raise Problem("precondition_failed")
    return answer


def one_problem(_: Call, code: str) -> Response:
    """``GET /problems/unknown_field``: where the `type` of a problem leads."""
    if code not in PROBLEMS:
        raise Problem("unknown_problem", f"there is no problem {code[:100]!r}", nearest(code, PROBLEMS))
    return _html("problems.html", problems={code: PROBLEMS[code]})


def _html(template: str, **values: object) -> Response:
    answer = Response(render_template(template, **values), mimetype="text/html")
    answer.headers["Content-Security-Policy"] = SECURITY_POLICY
    return answer
