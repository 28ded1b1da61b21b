"""The page that needs only a link: a file goes in, what would become of it comes back, and nothing real is touched."""

from __future__ import annotations

import hashlib
import logging
from datetime import timedelta
from io import BytesIO
from typing import TYPE_CHECKING, Any

import pytest
from lxml import html

from gateway.operate.credentials import make_link
from gateway.serve.limits import Policy
from gateway.serve.resources import selftest
from gateway.store import deliveries, links, trials
from tests.acceptance.workspaces import reopened
from tests.gateway.operate.cli.test_partner import ORDER as X12
from tests.gateway.serve.worlds import FILES, HEADER, ORDERS, World, order

if TYPE_CHECKING:
    from pathlib import Path

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

TOKEN = "a-link-that-acme-was-sent"
PAGE = f"/try/{TOKEN}"


def link(here: World, token: str = TOKEN, partner: str = "acme", days: float = 7) -> str:
    """A link that counts for so many days; its id."""
    made = here.ids.new("link")
    with here.database.write() as transaction:
        links.add(
            transaction,
            id=made,
            partner=partner,
            sha256_hex=hashlib.sha256(token.encode()).hexdigest(),
            expires_at=here.now() + timedelta(days=days),
        )
    return made


@pytest.fixture
def browser(here: World) -> FlaskClient:
    link(here)
    return here.app().test_client()


def send(browser: FlaskClient, content: bytes, name: str = "orders.csv", **form: str) -> TestResponse:
    return browser.post(PAGE, data={"file": (BytesIO(content), name), **form})


def tried(here: World, browser: FlaskClient, content: bytes, name: str = "orders.csv") -> TestResponse:
    """The page with what came of a file."""
    sent = send(browser, content, name)
    assert sent.status_code == 303, said(sent)
    here.work()
    return browser.get(sent.headers["Location"])


def parsed(answer: TestResponse) -> Any:
    """The page as a tree."""
    return html.fromstring(answer.get_data(as_text=True))


def said(answer: TestResponse) -> str:
    """What a person reads on the page."""
    body = parsed(answer).find("body")
    return " ".join(str(body.text_content()).split())


def file(*lines: str) -> bytes:
    return (HEADER + "".join(lines)).encode()


def test_the_form_works_without_any_script(browser: FlaskClient) -> None:
    answer = browser.get(PAGE)
    assert answer.status_code == 200
    page = parsed(answer)
    (form,) = page.forms
    assert (form.method, form.action, form.get("enctype")) == ("POST", PAGE, "multipart/form-data")
    assert [each.get("name") for each in form.iter("input")] == ["file"]
    assert "For Acme, who orders." in said(answer)
    assert "CSV, cells separated by commas, with a header line, characters utf-8: Orders from Acme" in said(answer)


def test_nothing_comes_from_elsewhere_and_nothing_goes_there(here: World, browser: FlaskClient) -> None:
    for answer in (
        browser.get(PAGE),
        tried(here, browser, file(order("1"), order("2", "lost"))),
        browser.get("/try/x"),
    ):
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "form-action 'self'" in policy
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
        page = parsed(answer)
        places = [each for _, name, each, _ in page.iterlinks() if name != "action"]
        assert all(each == "" or each.startswith("/") for each in places)
        assert all(browser.get(each).status_code == 200 for each in places if each.startswith("/docs/"))
        assert page.xpath("//style | //script[not(@src)] | //*[@style] | //@*[starts-with(name(), 'on')]") == []


def test_a_good_file_is_shown_as_records(here: World, browser: FlaskClient) -> None:
    answer = tried(here, browser, file(order("4711", total="10.50", city="Köln"), order("4712")))
    assert "orders.csv: all 2 rows would be accepted" in said(answer)
    assert "order 4711 number 4711 status open" in said(answer)
    assert "ship to city Köln" in said(answer)
    assert "What is wrong" not in said(answer)


def test_a_bad_file_is_quoted_with_a_mark_and_what_to_do(here: World, browser: FlaskClient) -> None:
    answer = tried(here, browser, file(order("1"), order("2", "lost")))
    assert "orders.csv: 1 of 2 rows would be accepted" in said(answer)
    page = parsed(answer)
    (found,) = page.find_class("finding")
    (quote,) = found.find_class("quote")
    assert quote.text_content() == "2,lost,2026-11-01,10.00,,,,,Hamburg"
    assert [mark.text for mark in quote.iter("mark")] == ["lost"]
    assert found.find("h3").text_content().startswith("row 2, line 3, column status")
    assert found.find_class("remedy")[0].text_content()


@pytest.mark.parametrize("written", [True, False], ids=["with a letter", "without one"])
def test_the_page_calls_documents_as_the_letter_does(tmp_path: Path, written: bool) -> None:
    letters = "" if written else "letters: none\n"
    files = {
        "gateway.yaml": "",
        "partners/globex.yaml": f"partner: globex\n{letters}identifiers:\n  isa: ZZ:GLOBEX\n",
        "integrations/globex-orders.yaml": "integration: globex-orders\nabout: orders\nowner: orders-team\n"
        "source: drop://globex/*\nformat: x12 850\ncontract: order v1\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
    begin, end = X12.index(b"ST*"), X12.index(b"GE*1*1")
    one = X12[begin:end]
    other = one.replace(b"0001~", b"0002~").replace(b"1001", b"1002")
    right, wrong = (
        X12[:begin] + one + each + b"GE*2*1" + X12[end + 6 :] for each in (other, other.replace(b"2.95", b"2,95"))
    )
    with reopened(tmp_path) as place:
        page = f"/try/{make_link(place.gateway, 'globex', 1, 'tests')}"

        def of(content: bytes) -> TestResponse:
            sent = place.client.post(page, data={"file": (BytesIO(content), "po.edi")})
            place.work()
            return place.client.get(sent.headers["Location"])

        assert "po.edi: all 2 orders would be accepted" in said(of(right))
        answer = of(wrong)
        assert "po.edi: 1 of 2 orders would be accepted" in said(answer)
        (found,) = parsed(answer).find_class("finding")
        assert str(found.find("h3").text_content()).startswith("order 2, line 12, segment 4, PO104")
        assert ("Order 2, number 1002, control number 0002" in said(answer)) is written
        assert "document" not in said(answer)


def test_a_file_of_nonsense_is_answered_too(here: World, browser: FlaskClient) -> None:
    answer = tried(here, browser, b"\0\1\2\xff" * 100, "noise.bin")
    assert answer.status_code == 200
    assert "nothing of it would be accepted" in said(answer)


def test_what_a_file_holds_is_text_on_the_page(here: World, browser: FlaskClient) -> None:
    evil = "<script>alert(1)</script>"
    answer = tried(here, browser, file(order(evil), order("2", evil)), f"{evil}.csv")
    assert "<script>alert" not in answer.get_data(as_text=True)
    assert "script>alert(1)" in said(answer)


def test_nothing_real_is_touched(here: World, browser: FlaskClient) -> None:
    tried(here, browser, file(order("4711")))
    with here.database.read() as connection:
        assert deliveries.page(connection) == []
    assert here.client().get("/api/v1/orders").get_json()["items"] == []


def test_while_it_is_judged_the_page_asks_again_by_itself(here: World, browser: FlaskClient) -> None:
    place = send(browser, file(order("1"))).headers["Location"]
    page = parsed(browser.get(place))
    assert page.xpath("//noscript/meta[@http-equiv='refresh']/@content") == ["2"]
    assert page.find("body").get("data-waits") is not None
    here.work()
    page = parsed(browser.get(place))
    assert page.xpath("//meta[@http-equiv='refresh']") == []
    assert page.find("body").get("data-waits") is None


def test_an_acknowledgment_is_shown_and_can_be_taken(here: World, browser: FlaskClient) -> None:
    flow = "integration: acme-edi\nabout: Orders\nowner: orders-team\nsource: drop://acme/*\nformat: x12 860\n"
    here.apply({**FILES, "integrations/acme-edi.yaml": f"{flow}answer: 997\ncontract: order-change v1\n"})
    edi = (
        b"ISA*00*          *00*          *ZZ*ACME           *ZZ*US             *261121*0900*U*00401*000000001*0*P*>~"
        b"GS*PC*ACME*US*20261121*0900*1*X*004010~ST*860*0001~SE*2*0001~GE*1*1~IEA*1*000000001~"
    )
    sent = browser.post(PAGE, data={"file": (BytesIO(edi), "po.edi"), "integration": "acme-edi"})
    here.work()
    answer = browser.get(sent.headers["Location"])
    assert "What you would be answered 997" in said(answer)
    got = browser.get(f"{sent.headers['Location']}/1")
    assert got.headers["Content-Disposition"].startswith("attachment; filename=")
    assert got.get_data().startswith(b"ISA*")
    assert browser.get(f"{sent.headers['Location']}/2").status_code == 404


def test_what_is_wrong_is_said_to_who_sent_it(here: World, browser: FlaskClient) -> None:
    flow = "integration: acme-edi\nabout: Orders\nowner: orders-team\nsource: drop://acme/*\nformat: x12 850\n"
    owner = "partner: acme\nidentifiers:\n  isa: ZZ:ACME\n"
    files = {
        **FILES,
        "partners/acme.yaml": owner,
        "integrations/acme-edi.yaml": f"{flow}contract: order v1\nanswer: 997\n",
    }
    del files["contracts/order.v1.yaml"], files["integrations/acme-orders.yaml"]
    here.apply(files)
    sent = send(browser, X12, "po.edi")
    here.work()
    answer = browser.get(sent.headers["Location"])
    assert "line 1, ISA06" in said(answer)
    assert "An acknowledgment that accepts the file says that its syntax is right" in said(answer)
    assert "is not a known identifier of yours; the document is x12 004010 850 from ZZ:GLOBEX to ZZ:US" in said(answer)
    assert "gateway" not in answer.get_data(as_text=True)
    assert "integration" not in said(answer)


def test_the_letter_is_shown_and_can_be_taken(here: World, browser: FlaskClient) -> None:
    place = send(browser, file(order("1", "lost"))).headers["Location"]
    with here.database.write() as transaction:
        held = trials.take(transaction, owner="test", seconds=60)
        assert held is not None
        letter = {"text": "Dear Acme", "csv": "row;what\n", "html": "<h1>Dear Acme</h1>"}
        empty = {"findings": [], "records": [], "answers": [], "documents": {"quarantined": 1}, "letter": letter}
        more = {"records": False, "findings": False}
        trials.finish(transaction, held, {**empty, "state": "quarantined", "more": more})
    answer = browser.get(place)
    assert "The same as a letter In plain words Dear Acme as a page as text" in said(answer)
    assert "Nothing of it was taken: correct the file, and try it again; then send the whole of it." in said(answer)
    links_ = [each for each in parsed(answer).xpath("//a/@href") if "letter" in each]
    got = {each.rpartition(".")[2]: browser.get(each) for each in links_}
    assert {kind: each.get_data(as_text=True) for kind, each in got.items()} == {
        "html": "<h1>Dear Acme</h1>", "txt": "Dear Acme",
    }  # fmt: skip
    assert browser.get(f"{place}/letter.csv").status_code == 404, "its rows alone are not what is to be sent"
    assert all(each.headers["Content-Disposition"].startswith("attachment") for each in got.values())


@pytest.mark.parametrize("why", ["never made", "over", "revoked", "of a partner who is gone"])
def test_a_link_that_does_not_count_is_like_one_that_was_never_made(here: World, why: str) -> None:
    token = "another-link"
    if why != "never made":
        made = link(here, token, "gone" if "gone" in why else "acme", days=-1 if why == "over" else 1)
        if why == "revoked":
            with here.database.write() as transaction:
                assert links.revoke(transaction, "acme", made) == [made]
    browser = here.app().test_client()
    pages = {
        browser.get(f"/try/{token}").get_data(),
        browser.post(f"/try/{token}", data={"file": (BytesIO(b"x"), "x")}).get_data(),
        browser.get(f"/try/{token}/t_1").get_data(),
        browser.get("/try/never").get_data(),
    }
    assert len(pages) == 1
    assert browser.get(f"/try/{token}").status_code == 404


def test_what_is_the_same_of_several_documents_stands_there_once(here: World, browser: FlaskClient) -> None:
    lines = [order(str(each), total="1O") for each in range(3)]
    content = HEADER.replace("total", "totals") + "".join(order(str(each)) for each in range(8))
    words = said(tried(here, browser, content.encode()))
    assert words.count("The header lacks 'total'.") == 1
    assert "rows 1, 2, 3, 4, 5 and 3 more, line 1" in words
    assert "Expected: the header number," in words
    assert "acme-orders" not in words
    assert "3 things are to be put right" in said(tried(here, browser, file(*lines)))


def test_one_partner_does_not_see_what_another_tried(here: World, browser: FlaskClient) -> None:
    here.apply({**FILES, "partners/globex.yaml": "partner: globex\n"})
    place = send(browser, file(order("1"))).headers["Location"]
    link(here, "globex-link", "globex")
    other = browser.get(place.replace(TOKEN, "globex-link"))
    assert other.status_code == 404
    assert "what was tried here is not kept any more" in said(other)
    answer = browser.post("/try/globex-link", data={"file": (BytesIO(b"x"), "x")})
    assert answer.status_code == 422
    assert "no integration takes files of globex" in said(answer)


def test_what_the_api_had_tried_is_not_shown_here(here: World, browser: FlaskClient) -> None:
    asked = here.client().post("/api/v1/partners/acme/trials?filename=x.csv", data=file(order("1")))
    assert asked.status_code == 202, asked.get_data(as_text=True)
    assert browser.get(f"{PAGE}/{asked.get_json()['id']}").status_code == 404


@pytest.mark.parametrize(
    ("request_", "status", "words"),
    [
        ({"data": {"other": "x"}}, 415, "a form with a file is read here"),
        ({"data": {"file": (BytesIO(b""), "")}}, 400, "no file was chosen"),
        ({"data": {"file": (BytesIO(b""), "empty.csv")}}, 400, "the file is empty"),
        ({"data": b"x", "content_type": "multipart/form-data; boundary=x"}, 400, "the form cannot be read"),
        ({"data": b"x", "content_type": "multipart/form-data"}, 415, "a form with a file is read here"),
        ({"data": {"file": (BytesIO(b"x"), "x"), "more": "x" * 100_000}}, 400, "the form cannot be read"),
        ({"data": {"file": (BytesIO(b"x"), "x"), "integration": "none"}}, 422, "no integration takes files of acme"),
    ],
)
def test_what_is_wrong_with_a_form_is_said_on_the_page(
    browser: FlaskClient, request_: dict[str, Any], status: int, words: str
) -> None:
    answer = browser.post(PAGE, **request_)
    assert (answer.status_code, answer.mimetype) == (status, "text/html")
    assert words in said(answer)
    assert parsed(answer).forms


def test_a_file_that_is_too_large_is_refused_before_it_is_read(browser: FlaskClient) -> None:
    body = BytesIO(b"never read")
    answer = browser.post(
        PAGE,
        input_stream=body,
        content_type="multipart/form-data; boundary=x",
        environ_overrides={"CONTENT_LENGTH": str(selftest.PAGE_BYTES_MAX * 2)},
    )
    assert (answer.status_code, body.tell()) == (413, 0)
    assert "a file on this page has at most 10 MiB. Try a part of it." in said(answer)


def test_half_a_form_is_no_file(browser: FlaskClient) -> None:
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\nnumber\r\n'
    answer = browser.post(
        PAGE,
        input_stream=BytesIO(head),
        content_type="multipart/form-data; boundary=x",
        environ_overrides={"CONTENT_LENGTH": str(len(head) + 40)},
    )
    assert (answer.status_code, f"{len(head)} of {len(head) + 40} bytes came" in said(answer)) == (400, True)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("..\\..\\po.edi", "po.edi"),
        ("/etc/passwd", "passwd"),
        ("..", "file"),
        ("a\tb.edi", "a_b.edi"),
        ("ü" * 300 + ".edi", "ü" * 98 + ".edi"),
        ("</title>.csv", "title>.csv"),
    ],
)
def test_a_name_is_kept_as_far_as_it_can_be(here: World, browser: FlaskClient, given: str, kept: str) -> None:
    assert f"{kept}: " in said(tried(here, browser, file(order("1")), given))


def test_a_link_is_good_for_so_many_files(here: World, browser: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selftest, "FILES", Policy(2, 600))
    browser = here.app(ticks=lambda: 0.0).test_client()
    assert [send(browser, file(order("1"))).status_code for _ in range(3)] == [303, 303, 429]
    answer = send(browser, file(order("1")))
    assert "it can be used again in 300 seconds. Wait so long, then try again." in said(answer)
    assert answer.headers["Retry-After"] == "300"
    assert browser.get(PAGE).status_code == 200
    link(here, "another", "acme")
    assert browser.post("/try/another", data={"file": (BytesIO(b"x"), "x")}).status_code == 303


def test_the_token_is_not_in_the_log(browser: FlaskClient, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        send(browser, file(order("1")))
        browser.get(f"{PAGE}/nothing")
    assert "POST /try/… 303 key=link:acme" in caplog.text
    assert TOKEN not in caplog.text


def test_where_nothing_else_says_it_the_sender_says_what_a_file_is(here: World, browser: FlaskClient) -> None:
    other = ORDERS.replace("acme-orders", "acme-more").replace("Orders from Acme", "More of them")
    here.apply({**FILES, "integrations/acme-more.yaml": other.replace("map:", "precedence: 1\nmap:"),
                "integrations/acme-orders.yaml": ORDERS.replace("map:", "precedence: 2\nmap:")})  # fmt: skip
    page = parsed(browser.get(PAGE))
    assert [each.get("value") for each in page.iter("option")] == ["acme-more", "acme-orders"]
    assert send(browser, file(order("1"))).status_code == 422
    assert send(browser, file(order("1")), integration="acme-more").status_code == 303
