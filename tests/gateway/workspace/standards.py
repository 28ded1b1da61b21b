"""The shipped contracts and mappings at work: an integration of eight lines, a sample file, the records of it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edi.findings import Finding
from edi.formats import FORMATS
from gateway.normalize.compiler import compile_mapping, compile_rules
from gateway.validate.judge import Judge
from gateway.workspace.loader import parse

if TYPE_CHECKING:
    from gateway.configuration import Configuration

SAMPLES = Path(__file__).parents[2] / "corpus" / "standard"
PARTNER = "partner: acme\nidentifiers:\n  isa: ZZ:ACME\n  unb: 14:4012345000009\n"
EIGHT_LINES = """\
integration: acme-flow
about:    What Acme sends
owner:    someone
source:   drop://acme/*
format:   {form}
contract: {contract}
"""


@dataclass(frozen=True, slots=True)
class Sample:
    """A file of invented data, and the contract that it fills."""

    path: Path

    @property
    def contract(self) -> str:
        """``order v1``."""
        return self.path.parent.name.replace(".v", " v")

    @property
    def form(self) -> str:
        """The format as an integration declares it: ``x12 004010 850``, ``xml ubl:Order-2.1``."""
        name = self.path.stem.partition("~")[0]
        if name.startswith("xml-"):
            return re.sub(r"^xml-ubl-(\w+)$", r"xml ubl:\1-2.1", name)
        return name.replace("-", " ")

    @property
    def expected(self) -> Any:
        """The records that it stands for."""
        return json.loads(self.path.with_suffix(".json").read_text(encoding="utf-8"))

    def in_release(self, release: str) -> tuple[str, bytes]:
        """The format and the bytes of the same file in another release."""
        raw = self.path.read_bytes()
        if self.form.startswith("x12"):
            raw = raw.replace(b"*00401*", b"*%s*" % release[:5].encode())
            raw = raw.replace(b"*004010~", b"*%s~" % release.encode())
            raw = raw.replace(b"\nMSG*", b"\nMTX**")  # the segment of free text has another name from 005010 on
        else:
            raw = raw.replace(b":D:96A:", b":D:%s:" % release[1:].encode())
        return re.sub(r" (004010|D96A) ", f" {release} ", self.form), raw


def samples() -> list[Sample]:
    """All of them, by path."""
    return [Sample(path) for path in sorted(SAMPLES.glob("*/*")) if path.suffix != ".json"]


def workspace(contract: str, form: str, more: str = "") -> Configuration:
    """A workspace of one integration that follows the standard; `more` are further lines of it."""
    return parse(
        {
            "gateway.yaml": "",
            "partners/acme.yaml": PARTNER,
            "integrations/acme-flow.yaml": EIGHT_LINES.format(form=form, contract=contract) + more,
        }
    )


def records(configuration: Configuration, raw: bytes) -> list[Any]:
    """The records of a file, in which nothing may be wrong."""
    flow = configuration.integrations["acme-flow"]
    contract = configuration.contract_of(flow)
    mapper = compile_mapping(flow, contract, codes=configuration.codes)
    judge = Judge(contract, configuration.codes, compile_rules(contract))
    options = {"message": flow.format.message or "", "version": flow.format.version or ""}
    found = []
    for item in FORMATS[flow.format.name].read(iter([raw]), {k: v for k, v in options.items() if v}):
        assert not isinstance(item, Finding), item
        assert item.findings == (), item.findings
        record, faults = mapper(item)
        assert faults == ()
        value, faults = judge.judge(record)
        assert faults == ()
        assert value is not None
        assert judge.key(value, "acme")
        found.append(json.loads(judge.dump_json(value)))
    return found
