"""Every sample of the X12 and EDIFACT corpus, whole and in pieces, and what holds for any bytes at all."""

from __future__ import annotations

import dataclasses
import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edi import edifact, x12
from edi.findings import CODES, Finding, Severity
from edi.model import Document, Envelope

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

CORPUS = Path(__file__).parents[3] / "corpus"
SAMPLES = sorted([*CORPUS.glob("x12/*.edi"), *CORPUS.glob("edifact/*.edi")])
READERS: dict[str, Callable[[Iterable[bytes], Mapping[str, str]], Iterator[Document | Finding]]] = {
    "x12": x12.read,
    "edifact": edifact.read,
}
LEGAL = {
    "byte-order-mark",
    "byte-order-mark-utf-8",
    "control-characters",
    "crlf-terminates",
    "ebcdic",
    "groups",
    "latin-1",
    "level-b-control-characters",
    "newline-terminates",
    "no-guide",
    "orders",
    "several-interchanges",
    "syntax-4-repeats",
    "una-repeated-odd-characters",
    "version-6010",
    "version-d00a",
    "without-una",
    "wrapped-at-80",
}

each_sample = pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: f"{path.parent.name}/{path.stem}")


def read(standard: str, chunks: Iterable[bytes], **options: str) -> list[Document | Finding]:
    return list(READERS[standard](chunks, options))


def findings(items: Iterable[Document | Finding]) -> list[Finding]:
    found: list[Finding] = []
    for item in items:
        found.extend(item.findings if isinstance(item, Document) else [item])
    return found


def documents(items: Iterable[Document | Finding]) -> list[Document]:
    return [item for item in items if isinstance(item, Document)]


def codes(items: Iterable[Document | Finding]) -> list[str]:
    return [finding.code for finding in findings(items)]


def plain(value: Any) -> Any:
    """The value as JSON says it; a repeated element, which is a tuple, becomes an object."""
    if isinstance(value, Document):
        parts = dict(zip(value._fields, value, strict=True)) | {
            "findings": [dataclasses.asdict(f) for f in value.findings]
        }
        return {"document": {name: plain(part) for name, part in parts.items()}}
    if isinstance(value, Finding):
        return {"finding": plain(dataclasses.asdict(value))}
    if isinstance(value, Envelope):
        return plain({name: part for name, part in value._asdict().items() if name not in ("spans", "namespaces")})
    if isinstance(value, dict):
        return {name: plain(part) for name, part in value.items() if part is not None}
    if isinstance(value, list):
        return [plain(part) for part in value]
    if isinstance(value, tuple):
        return {"repeated": [plain(part) for part in value]} if value else []
    return value


@each_sample
def test_a_sample_becomes_what_stands_beside_it(sample: Path) -> None:
    told = json.loads(json.dumps(plain(read(sample.parent.name, [sample.read_bytes()]))))
    expected = sample.with_suffix(".json")
    if os.environ.get("UPDATE_CORPUS"):
        expected.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", "utf-8")
    assert told == json.loads(expected.read_text("utf-8"))


@each_sample
def test_a_sample_cut_anywhere_gives_the_same_answer(sample: Path) -> None:
    raw = sample.read_bytes()
    whole = read(sample.parent.name, [raw])
    assert read(sample.parent.name, [raw[n : n + 1] for n in range(len(raw))]) == whole
    for place in range(len(raw)):
        assert read(sample.parent.name, [raw[:place], b"", raw[place:]]) == whole


@each_sample
def test_a_sample_loses_no_byte(sample: Path) -> None:
    assert_nothing_is_lost(sample.parent.name, sample.read_bytes())


@each_sample
def test_awkward_but_legal_samples_have_no_finding_that_weighs(sample: Path) -> None:
    weighty = [f for f in findings(read(sample.parent.name, [sample.read_bytes()])) if f.severity != Severity.NOTE]
    assert (not weighty) == (sample.stem in LEGAL), weighty


@pytest.mark.parametrize(
    "sample", [s for s in SAMPLES if s.stem in LEGAL], ids=lambda path: f"{path.parent.name}/{path.stem}"
)
def test_a_sample_cut_off_anywhere_is_noticed(sample: Path) -> None:
    raw = sample.read_bytes()
    whole = documents(read(sample.parent.name, [raw]))
    for place in range(len(raw)):
        part = read(sample.parent.name, [raw[:place]])
        # Between whole interchanges, and where only a line end is lacking, nothing is missing.
        rest = raw[place:].lstrip(b"\r\n\x1a\x15")
        is_complete = place and (not rest or rest.startswith((b"ISA", b"UNA", b"UNB")))
        assert is_complete or any(f.severity != Severity.NOTE for f in findings(part)), place
        for document in whole:
            # A document that is whole is handed over whole, whatever happens behind it.
            assert document.end > place or document in part


def assert_nothing_is_lost(standard: str, raw: bytes) -> None:
    """Every byte belongs to a document, to the envelope, to a gap between segments, or to a finding."""
    items = read(standard, [raw])
    covered = bytearray(len(raw))
    last = 0
    for document in documents(items):
        assert last <= document.start < document.end <= len(raw)
        last = document.end
        covered[document.start : document.end] = b"\1" * (document.end - document.start)
    encoding = {(d.start, d.end): d.envelope.encoding for d in documents(items)}
    for finding in findings(items):
        place = finding.position
        assert 0 <= place.start <= place.end <= len(raw)
        assert finding.code in CODES
        assert finding.message
        assert finding.remedy
        covered[place.start : place.end] = b"\1" * (place.end - place.start)
        assert (finding.value is None) == (place.start == place.end), finding
        quoted = raw[place.start : place.end]
        if finding.value is not None:
            names = [name for (start, end), name in encoding.items() if start <= place.start < end] or ["latin-1"]
            spoken = {
                quoted.decode(name, "replace")[:200].replace("\x85", "\n") for name in [*names, "latin-1", "cp037"]
            }
            assert finding.value.replace("\x85", "\n") in spoken
    rest = bytes(byte for byte, is_covered in zip(raw, covered, strict=True) if not is_covered).decode("latin-1")
    if raw.lstrip(b"\x40").startswith("ISA".encode("cp037")):
        rest = rest.encode("latin-1").decode("cp037").replace("\x85", "\n")
    tags = r"ISA|GS|GE|IEA|TA1" if standard == "x12" else r"UNA|UNB|UNG|UNE|UNZ"
    letters = re.sub(r"[\r\n]", "", rest)
    assert re.fullmatch(rf"(?s)(?:[^A-Za-z0-9]*(?:{tags})(?![A-Za-z0-9]).*)?[^A-Za-z0-9]*", letters), rest


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_whatever_the_bytes_nothing_is_lost_and_chunks_do_not_matter(data: st.DataObject) -> None:
    sample = data.draw(st.sampled_from(SAMPLES))
    raw = bytearray(sample.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(raw)))
        end = min(len(raw), place + data.draw(st.integers(0, 40)))
        raw[place:end] = data.draw(
            st.one_of(
                st.binary(max_size=6),
                st.sampled_from(
                    [b"~", b"*", b"'", b"?", b"\n", b"UNT+1+1'", b"SE*1*1~", b"ISA", b"UNA", b"ST*", b"+", b":"]
                ),
            )
        )
    mutated = bytes(raw)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(mutated)), max_size=6)))
    chunks = [mutated[a:b] for a, b in zip([0, *cuts], [*cuts, len(mutated)], strict=True)]
    standard = sample.parent.name
    assert read(standard, chunks) == read(standard, [mutated])
    assert_nothing_is_lost(standard, mutated)


@settings(max_examples=100, deadline=None)
@given(raw=st.binary(max_size=300), standard=st.sampled_from(sorted(READERS)))
def test_any_bytes_at_all_are_answered(raw: bytes, standard: str) -> None:
    items = read(standard, [raw])
    assert not documents(items)
    assert "envelope.none" in codes(items) or findings(items)


@pytest.mark.parametrize("standard", sorted(READERS))
def test_a_file_without_bytes_is_told_as_that_and_one_of_blanks_holds_no_interchange(standard: str) -> None:
    assert [(each.code, each.message) for each in findings(read(standard, [b""]))] == [
        ("file.empty", "the file has no bytes")
    ]
    assert codes(read(standard, [b"\n"])) == ["envelope.none"]


def test_a_segment_of_separators_alone_is_told_and_breaks_nothing() -> None:
    raw = (CORPUS / "x12/orders-one-bad.edi").read_bytes()
    at = raw.index(b"BEG*")
    first, _ = documents(read("x12", [raw[:at] + b"*~" + raw[at:]]))
    assert "segment.unknown" in [each.code for each in first.findings]


def test_one_bad_set_does_not_touch_its_neighbours() -> None:
    raw = (CORPUS / "x12/orders-one-bad.edi").read_bytes()
    good, bad = documents(read("x12", [raw]))
    assert good.findings == ()
    (finding,) = bad.findings
    assert finding.code == "element.number"
    assert finding.severity == Severity.ERROR
    assert (finding.position.tag, finding.position.element, finding.position.segment) == ("PO1", 4, 13)
    assert raw[finding.position.start : finding.position.end] == b"12,5O"
    assert raw.count(b"\n", 0, finding.position.start) + 1 == finding.position.line
    assert finding.message == (
        "PO104 (unit price) is '12,5O', which is not a number: "
        "the last character is the letter O, not the digit 0, and it has a comma where a point is written."
    )
    assert "12.50" in finding.remedy


def test_a_document_past_the_limit_is_skipped_with_bounded_memory() -> None:
    head, tail = (CORPUS / "x12/orders-one-bad.edi").read_bytes().split(b"ST*850*0002")
    largest = 0

    def chunks() -> Iterator[bytes]:
        nonlocal largest
        yield head + b"ST*850*0003~MSG*"
        for _ in range(200):
            yield b"x" * 10_000
        yield b"~SE*3*0003~ST*850*0002" + tail

    items = list(x12.read(chunks(), {"document_bytes_max": "20000"}))
    good, large, bad = documents(items)
    assert [f.code for f in large.findings] == ["envelope.too_large"]
    assert large.content == {}
    assert large.end - large.start == len("ST*850*0003~MSG*~SE*3*0003~") + 2_000_000
    assert large.findings[0].position.end == large.end
    assert good.findings == ()
    assert bad.number == 3
    assert codes(items)[-1] == "envelope.count"


def test_a_set_without_its_trailer_is_held_alone() -> None:
    items = read("x12", [(CORPUS / "x12/trailers-missing.edi").read_bytes()])
    first, second = documents(items)
    assert [f.code for f in first.findings] == ["envelope.set_not_closed"]
    assert second.findings == ()
    assert [f.code for f in items if isinstance(f, Finding)] == ["envelope.not_closed"]


@pytest.mark.parametrize(
    ("end", "severity", "words"),
    [
        (
            b"IEA*1*{}",
            Severity.WARNING,
            "The terminator of IEA is missing at the end of the file; everything before it",
        ),
        (b"IEA*1*00", Severity.ERROR, "The file ends inside its IEA, which has no terminator and does not fit its ISA"),
        (b"IEA*2*{}", Severity.ERROR, "The file ends inside its IEA, which has no terminator and does not fit its ISA"),
        (b"IE", Severity.ERROR, "The file ends inside an interchange: IEA is missing."),
        (b"", Severity.ERROR, "The file ends inside an interchange: IEA is missing."),
    ],
)
def test_a_file_that_ends_in_the_trailer_of_its_interchange_says_so(end: bytes, severity: Severity, words: str) -> None:
    raw = (CORPUS / "x12/version-6010.edi").read_bytes()
    reference = raw.split(b"*")[13]
    raw = raw[: raw.index(b"IEA*")] + end.replace(b"{}", reference)
    told = [f for f in read("x12", [raw]) if isinstance(f, Finding) and f.code == "envelope.truncated"]
    assert [(f.severity, f.message.startswith(words)) for f in told] == [(severity, True)]


def test_bytes_without_a_tag_outside_of_every_document_are_told_as_such() -> None:
    raw = (CORPUS / "x12/version-6010.edi").read_bytes().replace(b"ST*", b"T*", 1)
    (told,) = [f for f in read("x12", [raw]) if isinstance(f, Finding) and f.code == "envelope.stray"]
    assert told.message == "These bytes stand outside every transaction set; nobody can tell where they belong."


def test_a_set_outside_of_every_group_is_an_error_of_the_file() -> None:
    raw = (CORPUS / "x12/version-6010.edi").read_bytes()
    raw = re.sub(rb"GS\*[^~]*~", b"", raw)
    items = read("x12", [raw])
    assert [f.code for f in items if isinstance(f, Finding)][:2] == ["envelope.not_opened", "structure.guide_borrowed"]


def test_a_borrowed_guide_is_told_once_and_only_warns() -> None:
    raw = (CORPUS / "x12/version-6010.edi").read_bytes().replace(b"*3*EA*", b"*3*EACH*")
    one = raw[raw.index(b"ST*") : raw.index(b"GE*")]
    raw = raw.replace(one, one + one.replace(b"0001", b"0002")).replace(b"GE*1", b"GE*2")
    items = read("x12", [raw])
    assert codes(items) == ["structure.guide_borrowed", "element.too_long", "element.too_long"]
    assert {f.severity for f in findings(items)} == {Severity.NOTE, Severity.WARNING}


def test_a_message_without_a_guide_is_one_flat_loop() -> None:
    (document,) = documents(read("x12", [(CORPUS / "x12/no-guide.edi").read_bytes()]))
    assert document.content == {
        "ST": [["ST", "998", "0001"]],
        "AK1": [["AK1", "PO", "1"]],
        "AK9": [["AK9", "A", "1", "1", "1"]],
        "SE": [["SE", "4", "0001"]],
    }


def test_the_option_encoding_wins_over_what_the_file_declares() -> None:
    raw = (CORPUS / "edifact/orders.edi").read_bytes()
    (document,) = documents(read("edifact", [raw], encoding="cp1252"))
    assert document.envelope.encoding == "cp1252"
    (document,) = documents(read("edifact", [raw], encoding="utf-8"))
    assert {f.code for f in document.findings} == {"element.encoding"}


def test_more_findings_than_a_person_reads_are_counted() -> None:
    raw = (CORPUS / "x12/version-6010.edi").read_bytes().replace(b"006010", b"004010")
    raw = raw.replace(b"CTT*1~", b"PO1*1*x*EA~" * 150 + b"CTT*1~")
    (document,) = documents(read("x12", [raw]))
    assert len(document.findings) == 102  # the count of SE is wrong, too
    assert document.findings[-1].code == "structure.more"
    assert "51 more" in document.findings[-1].message


def test_a_value_that_begins_like_an_envelope_is_a_value() -> None:
    raw = (CORPUS / "x12/version-6010.edi").read_bytes().replace(b"*77*", b"*ISA*").replace(b"006010", b"004010")
    (document,) = documents(read("x12", [raw]))
    assert document.findings == ()
    assert document.content["BEG"][0][3] == "ISA"


def test_a_text_that_ends_like_a_header_is_junk() -> None:
    raw = (CORPUS / "x12/version-6010.edi").read_bytes()
    items = read("x12", [b"my VISA*card ", raw])
    assert codes(items) == ["envelope.junk", "structure.guide_borrowed"]
    assert findings(items)[0].value == "my VISA*card"


@pytest.mark.parametrize("standard", sorted(READERS))
@pytest.mark.parametrize(
    "options", [{"document_bytes_max": "many"}, {"document_bytes_max": "0"}, {"encoding": "ebcdick"}]
)
def test_an_option_that_cannot_be_is_refused_at_once(standard: str, options: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=f"{next(iter(options))} is '"):
        READERS[standard]([], options)


def test_a_trailer_in_a_released_text_is_text() -> None:
    raw = (CORPUS / "edifact/without-una.edi").read_bytes()
    raw = raw.replace(b"LIN+1++A?:B:SA'", b"FTX+ZZZ+++IT?'UNT+DE'\nLIN+1++A?:B:SA'").replace(b"UNT+7", b"UNT+8")
    (document,) = documents(read("edifact", [raw]))
    assert document.findings == ()
    assert document.content["FTX"] == [["FTX", "ZZZ", "", "", "IT'UNT", "DE"]]


def test_an_empty_segment_is_told_and_left_out() -> None:
    raw = (CORPUS / "x12/no-guide.edi").read_bytes().replace(b"AK9*", b"~AK9*")
    (document,) = documents(read("x12", [raw]))
    assert [(f.code, f.severity) for f in document.findings] == [("segment.empty", Severity.WARNING)]
    assert list(document.content) == ["ST", "AK1", "AK9", "SE"]


def test_a_line_break_in_a_value_is_kept_and_told() -> None:
    raw = (CORPUS / "x12/orders-one-bad.edi").read_bytes().replace(b"Claw hammer, 16 oz", b"Claw hammer,\n16 oz")
    document = documents(read("x12", [raw]))[0]
    assert [(f.code, f.position.tag, f.severity) for f in document.findings] == [
        ("element.line_break", "PID", Severity.WARNING)
    ]
    assert document.content["PO1*"][0]["PID*"][0]["PID"][0][5] == "Claw hammer,\n16 oz"


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be", "utf-16-le", "utf-32"])
@pytest.mark.parametrize("name", ["x12/no-guide", "edifact/without-una"])
def test_a_file_of_wide_characters_is_refused_as_such(name: str, encoding: str) -> None:
    raw = (CORPUS / f"{name}.edi").read_text("ascii").encode(encoding)
    (told,) = read(name.partition("/")[0], [raw[:1], raw[1:]])
    assert isinstance(told, Finding)
    assert (told.code, told.position.start, told.position.end) == ("text.wide", 0, len(raw))
    assert told.remedy == (
        "Ask the sender for the file in plain ASCII, or in the character set that its envelope names, without a byte "
        "order mark."
    )
