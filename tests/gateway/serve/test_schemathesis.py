"""The document against the application: whatever it allows is taken, what it forbids is refused, as it says.

schemathesis makes requests from the application's own OpenAPI document: the bounds of every parameter and body, values
that break them, other methods, and random ones. The seed is fixed, so that a failure can be had again.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from schemathesis.core.failures import FailureGroup
from schemathesis.engine import from_schema
from schemathesis.engine.events import FatalError, NonFatalError, ScenarioFinished
from schemathesis.openapi.checks import JsonSchemaError, RejectedPositiveData
from schemathesis.specs.openapi.checks import response_schema_conformance

from gateway.serve.problems import PROBLEMS
from tests.gateway.serve.test_docs import LIBRARY, NAMED, legacy
from tests.gateway.serve.worlds import order, with_key, world

if TYPE_CHECKING:
    from collections.abc import Iterator

    from schemathesis import BaseSchema, Case, Response
    from schemathesis.engine.recorder import CheckNode

SEED = 20261121
EXAMPLES = 4

CONFIG: dict[str, Any] = {
    "seed": SEED,
    "generation": {
        "max-examples": EXAMPLES,
        "deterministic": True,
        "database": "none",
        "with-security-parameters": False,
    },
    "phases": {"stateful": {"enabled": False}},
    "checks": {"ignored_auth": {"enabled": False}},
}
"""That every route wants its key is asked in test_app; here each request has one that may do everything."""

CHECKS = {
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "positive_data_acceptance",
    "missing_required_header",
    "unsupported_method",
    "allow_header_conformance",
    "use_after_free",
    "ensure_resource_availability",
}
"""What must have been looked at."""

EXCUSED: dict[tuple[str, str | None], str] = {
    ("bad_cursor", "cursor"): "only the gateway makes cursors",
    ("bad_request", None): "no text holds a NUL character, and a pattern for each would say nothing else",
    ("changes_ahead", None): "how many changes there are is no matter of shapes",
    ("lines_ahead", "after"): "how many lines there are is none either",
    ("as_of_ahead", "as_of"): "which moments are past is no matter of shapes",
    ("key_reused", None): "that the key was used for something else is not seen in the request",
    ("bad_header", "Content-Digest"): "no pattern makes a digest that is the one of the file",
    ("bad_parameter", "filename"): "what is printable is more than a pattern can say",
    ("bad_parameter", "sort"): "a field and its reverse: clients of generators read lists of words best",
    ("bad_parameter", "as_of"): "a 30th of February has the shape of a day",
    ("bad_parameter", "integration"): "which names there are, or were, is no matter of shapes",
    ("bad_parameter", "partner"): "nor of partners",
    ("bad_parameter", "delivery"): "nor of deliveries",
    ("invalid_body", "/integration"): "nor in a body",
    ("invalid_body", "/delivery"): "nor there",
    ("bad_value", None): "so it has in a list of days; and digits may be too many to be kept exactly",
    ("range_not_satisfiable", None): "how long the file is, is no matter of shapes",
    ("invalid_body", "/reason"): "whether it is needed is a matter of another member, of which the same is true",
    ("invalid_body", "/base64"): "which last characters base64 may have is no matter of shapes",
    ("invalid_body", ""): "one of several members: generators of clients misread such rules, the description says it",
}
"""(code, where) → why a refusal is right although the document allows what was sent."""

LEFT_OUT = re.compile(r"""["']\w+["'] is a required property""").match
"""What is excused of an answer to ``fields=``, which leaves out what a record has otherwise."""


@pytest.fixture(scope="module")
def documented(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BaseSchema]:
    """The document of a gateway with records, held documents, deliveries and a live table, to whoever may do all."""
    folder = tmp_path_factory.mktemp("documented")
    here = world(folder)
    here.deliver(order("1"), order("2", status="closed", changed="2026-11-20T10:00:00+01:00"), order("3", note="Grüße"))
    here.deliver(order("1", total="19.50"), order("4", status="lost"), order("5", status="lost"), name="again.csv")
    if NAMED or LIBRARY.exists():
        here.sources["erp"] = legacy(folder)
    headers = {"Authorization": f"Bearer {here.key('admin')}"}
    client = with_key(here.app().test_client(), here.key("admin"))
    client.get("/api/v1/tables/erp/customers")  # only tables that were read are known, and so have paths of their own
    config = schemathesis.Config.from_dict(CONFIG | {"headers": headers})
    yield schemathesis.openapi.from_wsgi("/api/v1/openapi.json", here.app(), headers=headers, config=config)
    for source in here.sources.values():
        source.close()
    here.close()


def test_the_document_is_kept(documented: BaseSchema) -> None:
    """No Accept is sent, so that logs are answered as lists: a stream of events has no end that could be checked.

    The world's clock goes on by itself, so that nobody waits for ``wait=30``.
    """
    print(f"seed {SEED}")  # noqa: T201 - shown when it fails
    asked: Counter[str] = Counter()
    found = []
    for event in from_schema(documented).execute():
        assert not isinstance(event, NonFatalError | FatalError), repr(event)
        if isinstance(event, ScenarioFinished):
            for case, checks in event.recorder.checks.items():
                response = event.recorder.interactions[case].response
                asked.update(check.name for check in checks)
                found += [said(event.label, check, response) for check in checks if wrong(check, response)]
    assert not found, "\n\n".join([f"{len(found)} found with seed {SEED}", *found[:20]])
    assert asked.keys() >= CHECKS
    assert asked["not_a_server_error"] > 700


def wrong(check: CheckNode, response: Response | None) -> bool:
    """Whether a check failed and no excuse holds: a refusal may be right although the document allows what was sent."""
    if check.failure_info is None or response is None:
        return check.failure_info is not None
    if asked_for_less(check.failure_info.failure, response):
        return False
    if not isinstance(check.failure_info.failure, RejectedPositiveData):
        return True
    problem = response.json()
    names = ("parameter", "pointer", "header")
    places = [next((flaw[name] for name in names if name in flaw), None) for flaw in problem["errors"]] or [None]
    return not all(EXCUSED.keys() & {(problem["code"], place), (problem["code"], None)} for place in places)


def asked_for_less(failure: Exception, response: Response) -> bool:
    """Whether an answer lacks nothing but what its own request wanted left out."""
    url = response.request.url or ""
    return isinstance(failure, JsonSchemaError) and "fields=" in url and bool(LEFT_OUT(failure.validation_message))


def test_a_record_may_lack_only_what_its_own_request_left_out(documented: BaseSchema) -> None:
    """Else the excuse would hide records that lack what their contract demands."""

    def ask(**query: Any) -> tuple[Case[Any], Response]:
        case = documented["/api/v1/orders"]["GET"].Case(query=query)
        return case, case.call(headers=documented.config.headers)

    whole, less = ask(limit=1), ask(limit=1, fields="number")
    whole[0].validate_response(whole[1], checks=[response_schema_conformance])
    with pytest.raises(FailureGroup) as found:
        less[0].validate_response(less[1], checks=[response_schema_conformance])
    assert all(asked_for_less(each, less[1]) for each in found.value.exceptions)
    assert not any(asked_for_less(each, whole[1]) for each in found.value.exceptions)


def said(operation: str | None, check: CheckNode, response: Response | None) -> str:
    """A failure, with the request that shows it."""
    assert check.failure_info is not None
    failure = check.failure_info.failure
    answer = response.text[:400] if response is not None else "no answer"
    return f"{operation}: {check.name}: {failure.title}\n{failure.message}\n{check.failure_info.code_sample}\n{answer}"


@pytest.mark.parametrize("code", sorted({code for code, _ in EXCUSED}))
def test_excuses_are_for_codes_that_there_are(code: str) -> None:
    assert code in PROBLEMS
