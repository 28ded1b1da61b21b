"""Is the envelope closed? Whole files, every cut of them, and what has no envelope."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sftp.complete import WINDOW_BYTES, whole, whole_file

ISA = b"ISA*00*          *00*          *ZZ*ACME           *ZZ*US             *260102*0304*U*00401*000000001*0*P*:~"
BODY = b"GS*PO*ACME*US*20260102*0304*1*X*004010~ST*850*0001~BEG*00*NE*4711**20260102~SE*3*0001~GE*1*1~"
X12 = ISA + BODY + b"IEA*1*000000001~"
EDIFACT = b"UNA:+.? 'UNB+UNOC:3+ACME:14+US:14+260102:0304+1'UNH+1+ORDERS:D:96A:UN'BGM+220+4?'711+9'UNT+3+1'UNZ+1+1'"
XML = b'<?xml version="1.0"?>\n<!-- <x> -->\n<o:Order xmlns:o="urn:o"><Order/><a b="c"/></o:Order>\n'
_ZIPPED = io.BytesIO()
with zipfile.ZipFile(_ZIPPED, "w", zipfile.ZIP_DEFLATED) as _archive:
    _archive.writestr("orders.csv", "number,total\n1,2\n")
    _archive.comment = b"packed"
ZIP = _ZIPPED.getvalue()
WHOLE = {
    "zip": ZIP,
    "zip without a member": b"PK\5\6" + bytes(18),
    "x12": X12,
    "x12 with line ends": X12.replace(b"~", b"~\r\n"),
    "x12 whose terminator is the line end": X12.replace(b"~", b"\n"),
    "two x12 interchanges": X12 + X12.replace(b"000000001", b"000000002"),
    "x12 after white space": b"\r\n " + X12,
    "edifact": EDIFACT,
    "edifact without UNA": EDIFACT[9:],
    "edifact with other service characters": EDIFACT.translate(bytes.maketrans(b"'+?", b"~*!")),
    "edifact with line ends": EDIFACT.replace(b"'UN", b"'\r\nUN") + b"\r\n",
    "edifact whose trailer's reference ends with a released character": EDIFACT.replace(b"UNZ+1+1'", b"UNZ+1+a?'b'"),
    "xml": XML,
    "xml with a doctype": b'<!DOCTYPE a [<!ENTITY b "c">]><a>x</a>',
    "xml of one empty element": b"<?xml version='1.0'?><a b='c'/>",
    "xml followed by a comment": b"<a></a ><!-- end --><?x y?>\n",
    "xml with a byte order mark": b"\xef\xbb\xbf<a>x</a>",
    "xml in utf-16": "<?xml version='1.0' encoding='utf-16'?><a>x</a>".encode("utf-16"),
}


CORPUS = Path(__file__).parents[1] / "corpus"
REALLY_CUT = {"truncated.edi", "truncated-in-a-set.edi", "items_truncated.xml", "two_roots.xml"}
"""Files of the corpus that are no whole ones: the last because a document has one root element."""


def corpus() -> list[Path]:
    """The corpus' files that have an envelope."""
    found = [path for path in sorted(CORPUS.rglob("*")) if path.is_file() and path.suffix in (".edi", ".xml", ".txt")]
    return [path for path in found if judge(path.read_bytes()) is not None]


def judge(data: bytes) -> bool | None:
    return whole(data[:WINDOW_BYTES], data[-WINDOW_BYTES:])


@pytest.mark.parametrize("data", WHOLE.values(), ids=WHOLE.keys())
def test_a_whole_file_is_whole(data: bytes) -> None:
    assert judge(data) is True
    assert judge(data + b"\r\n\x1a") is True or data.startswith(b"\xff\xfe")


@pytest.mark.parametrize("data", WHOLE.values(), ids=WHOLE.keys())
def test_no_cut_of_a_file_passes_for_whole(data: bytes) -> None:
    first = judge_cut_that_is_whole(data)
    rest = data[first:].strip()
    # Only what adds nothing may be missing: white space, the last terminator, a comment after the root, a second
    # interchange (which nobody could have expected).
    assert rest in {b"", b"~"} or rest.startswith((b"<!--", b"~ISA*00*", b"<?x"))


def judge_cut_that_is_whole(data: bytes) -> int:
    return next(size for size in range(1, len(data) + 1) if judge(data[:size]))


def test_every_cut_inside_the_interchange_is_seen() -> None:
    verdicts = [judge(X12[:size]) for size in range(1, len(X12) - 1)]
    assert verdicts == [False] * len(verdicts)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"number,total\n1,2\n",
        b'{"a": 1}\n',
        b"%PDF-1.7",
        b"ISO-8859",
        b"Unbelievable",
        "number;größe".encode("cp1252"),
    ],
)
def test_a_format_without_an_envelope_is_none_of_our_business(data: bytes) -> None:
    assert judge(data) is None


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(X12 + ISA, id="a second interchange has only begun"),
        pytest.param(X12 + b"garbage", id="something follows the trailer"),
        pytest.param(EDIFACT[:-1] + b"?'", id="the last terminator is released"),
        pytest.param(b"<a><b/></a", id="the last tag is cut"),
        pytest.param(b"<a><b/>", id="an inner empty element ends the file"),
        pytest.param(b"<a></b>", id="another element is closed"),
    ],
)
def test_a_file_that_only_looks_whole_is_not(data: bytes) -> None:
    assert judge(data) is False


def test_a_large_file_is_judged_by_its_ends(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(ISA + BODY * 1000 + b"IEA*1*000000001~")
    with path.open("rb") as file:
        assert whole_file(file.fileno()) is True
    path.write_bytes(ISA + BODY * 1000)
    with path.open("rb") as file:
        assert whole_file(file.fileno()) is False


def test_a_large_zip_is_judged_by_its_end_behind_the_longest_comment(tmp_path: Path) -> None:
    path = tmp_path / "large.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("orders.csv", "1,2\n" * 50_000)
        archive.comment = b"x" * 0xFFFF
    with path.open("rb+") as file:
        assert whole_file(file.fileno()) is True
        file.truncate(path.stat().st_size - 1)
        assert whole_file(file.fileno()) is False
        file.truncate(150_000)
        assert whole_file(file.fileno()) is False


def test_the_whole_files_of_the_corpus_are_whole_and_the_cut_ones_are_not() -> None:
    verdicts = {path.name: judge(path.read_bytes()) for path in corpus()}
    assert len(verdicts) > 80
    assert {name for name, whole_one in verdicts.items() if not whole_one} == REALLY_CUT


_HARMLESS = re.compile(rb"[\s\x00\x1a]*|.?[\s\x00\x1a]*(ISA.*|UN[AB].*)?|(\s|<!--.*?-->|<\?.*?\?>)*", re.DOTALL)
"""What a cut may have taken that nobody could miss: the last terminator, a comment, a whole interchange more."""


@pytest.mark.parametrize(
    "path", [path for path in corpus() if path.name not in {*REALLY_CUT, "deep.xml"}], ids=lambda path: path.name
)
def test_every_cut_of_a_file_of_the_corpus_is_found_or_harmless(path: Path) -> None:
    """But of deep.xml, in which every element is called as the root is."""
    data = path.read_bytes()
    step = max(1, len(data) // 200)
    sizes = {*range(1, len(data), step), *range(max(1, len(data) - 150), len(data))}
    for size in sorted(sizes):
        if judge(data[:size]) is True:
            assert _HARMLESS.fullmatch(data[size:]), (size, data[size - 40 : size], data[size : size + 40])


@given(
    st.lists(st.sampled_from([X12, X12.translate(bytes.maketrans(b"~*", b"!+")), X12.replace(b"~", b"\x1c\r\n"),
                              X12.replace(b"~", b"\n")]), min_size=1, max_size=4),
    st.data(),
)  # fmt: skip
def test_interchanges_with_separators_of_their_own_are_whole_and_their_cuts_found(
    interchanges: list[bytes], data: st.DataObject
) -> None:
    together = b"".join(interchanges)
    assert judge(together) is True
    cut = data.draw(st.integers(1, len(interchanges[-1]) - 2), label="bytes cut off")
    rest = together[len(together) - cut :]
    assert judge(together[:-cut]) is False or not rest.strip(b"~!\x1c\r\n")


@given(
    st.lists(st.sampled_from([EDIFACT, EDIFACT.translate(bytes.maketrans(b"'+?", b"~*!"))]), min_size=1, max_size=4),
    st.data(),
)
def test_edifact_interchanges_each_with_its_own_una_likewise(interchanges: list[bytes], data: st.DataObject) -> None:
    together = b"\r\n".join(interchanges)
    assert judge(together) is True
    cut = data.draw(st.integers(1, len(interchanges[-1]) - 1), label="bytes cut off")
    assert judge(together[:-cut]) is False


@given(st.binary(max_size=300), st.binary(max_size=300))
def test_any_bytes_get_a_verdict(first: bytes, last: bytes) -> None:
    assert whole(first, last) in {True, False, None}


@given(st.sampled_from([b"ISA", b"UNA", b"UNB", b"<", b"\xff\xfe<\x00"]), st.binary(max_size=300))
def test_a_known_beginning_is_never_without_a_verdict_of_its_own(head: bytes, rest: bytes) -> None:
    assert judge(head + rest) in {True, False} or head.startswith((b"<", b"\xff"))
