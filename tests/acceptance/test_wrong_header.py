"""A header that does not fit is no fault of any row: nobody is told to correct one, and what helps is said."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from gateway.errors import Reject
from gateway.operate.cli.quarantine import quarantine
from tests.acceptance.answered import send, taken
from tests.acceptance.workspaces import opened, sample

if TYPE_CHECKING:
    from pathlib import Path

PRICES = sample("globex-prices.csv")
WRONG = PRICES.replace(b"Preis", b"Price", 1)
GLOBEX = "drop://globex"
HELPS = "Ask the sender for the file with these columns, and discard this one; or correct the mapping at "


def test_a_row_under_a_wrong_header_cannot_be_corrected_and_what_helps_is_said(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        place.give(WRONG, "prices.csv", GLOBEX)
        document = place.held()[0]
        (finding,) = document["findings"]
        assert finding["remedy"].startswith(HELPS)
        assert finding["remedy"].endswith("No correction of single rows helps.")
        for body in (
            {"content": "SCR-1;x;1,00;01.12.2026;10"},
            {"patch": [{"start": finding["start"], "end": finding["end"], "text": "Preis"}]},
        ):
            answer = place.ask(
                f"/api/v1/quarantine/{document['id']}/correct", "POST", json={**body, "reason": "a test"}
            )
            assert answer.status_code == 409
            problem = answer.json or {}
            assert problem["code"] == "not_correctable"
            assert problem["detail"].startswith(
                "document 1 of prices.csv is held for the header of its file, which no "
            )
            assert problem["remedy"].startswith(HELPS)
        text = str(place.folder / "gateway.yaml")
        for way in (["--value", "1,00"], ["--finding", "1", "--value", "1,00"], ["--file", text]):
            given = ["correct", document["id"], *way, "-r", "x", "--who", "me", "-w", str(place.folder)]
            said = CliRunner().invoke(quarantine, given)
            assert isinstance(said.exception, Reject), said.output
            assert said.exception.code == "not_correctable"
        assert len(place.held()) == 10


def test_what_helps_does(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        shown = place.give(WRONG, "prices.csv", GLOBEX)
        place.change("integrations/globex-prices.yaml", "Preis | decimal", "Price | decimal")
        place.ask("/api/v1/quarantine/retry", "POST", json={"delivery": shown["id"]})
        place.work()
        assert place.delivery(shown["id"])["documents"] == {"accepted": 8, "quarantined": 2}


def test_rows_under_a_wrong_header_in_an_archive_are_asked_for_under_the_right_one(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        place.change("integrations/globex-prices.yaml", "above 50% bad", "above 90% bad")
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as archive:
            archive.writestr("good.csv", b"\n".join(PRICES.splitlines()[:3]))
            archive.writestr("wrong.csv", b"\n".join(WRONG.splitlines()[:4]))
        shown = place.give(made.getvalue(), "prices.zip", GLOBEX)
        assert shown["documents"] == {"accepted": 2, "quarantined": 3}
        send(place)
        found = taken(place, "globex")
        assert not [name for name in found if name.endswith(".csv")]
        text = " ".join(next(each for name, each in found.items() if name.endswith(".txt")).decode().split())
        assert "Only the 3 refused rows, under the header that is expected, in a file of their own." in text
        assert "In wrong.csv, line 1" in text


@pytest.mark.parametrize("written", ["utf-8", "windows-1252"])
def test_a_file_in_another_encoding_is_told_to_its_sender_and_to_us_in_the_same_words(
    tmp_path: Path, written: str
) -> None:
    with opened(tmp_path) as place:
        content = PRICES.decode("windows-1252").encode(written)
        saved, declared, changed, looks = {
            "utf-8": (
                "UTF-8",
                "windows-1252",
                "utf-8",
                "bytes C3 BC are 'ü' in UTF-8 and read as 'Ã¼' in windows-1252",
            ),
            "windows-1252": (
                "windows-1252",
                "UTF-8",
                "windows-1252",
                "byte FC is 'ü' in windows-1252 and no character",
            ),
        }[written]
        if written == "windows-1252":
            place.change("integrations/globex-prices.yaml", "csv ; windows-1252 header", "csv ; header")
        shown = place.give(content, "prices.csv", GLOBEX)
        finding = place.held()[0]["findings"][0]
        assert finding["message"].startswith(
            f"the file seems to be saved as {saved}, where globex-prices expects {declared}: {looks}"
        )
        assert "so that 'gültig ab' looks like 'g" in finding["message"]
        assert finding["remedy"].startswith(
            f"Declare {changed} in format: of globex-prices (integrations/globex-prices.yaml), apply, and retry"
        )
        send(place)
        found = taken(place, "globex")
        text = " ".join(next(each for name, each in found.items() if name.endswith(".txt")).decode().split())
        said = finding["message"].replace("globex-prices expects", "we expect")
        assert f"T{said[1:]}. Expected: the header " in text
        assert f"Please save the file as {declared}, and send it again." in text

        now = "csv ; header" if written == "utf-8" else "csv ; windows-1252 header"
        then = "csv ; windows-1252 header" if written == "utf-8" else "csv ; header"
        place.change("integrations/globex-prices.yaml", then, now)
        place.ask("/api/v1/quarantine/retry", "POST", json={"delivery": shown["id"]})
        place.work()
        assert place.delivery(shown["id"])["documents"] == {"accepted": 8, "quarantined": 2}
