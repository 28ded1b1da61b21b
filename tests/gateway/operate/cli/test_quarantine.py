"""What is held, chosen by the short id of its delivery, as ``gateway tail`` prints it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

from gateway.errors import Reject
from gateway.operate.cli import gateway as command_line
from tests.acceptance.workspaces import opened
from tests.gateway.repair.test_replay import GLOBEX, file, row

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result

_SHORT = 12


def said(folder: Path, *words: str) -> Result:
    return CliRunner().invoke(command_line, ["quarantine", *words, "-w", str(folder)])


def test_the_beginning_of_a_deliverys_id_is_enough(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        bad = place.give(file(row(1), row(2, "zwölf"), row(3, group="77"), row(5), row(6)), "prices.csv", GLOBEX)
        place.clock.forward(3600)  # an id begins with its time
        good = place.give(file(row(4)), "more.csv", GLOBEX)
        short = bad["id"][:_SHORT]
        listed = said(tmp_path, "list", "--delivery", short)
        assert (listed.exit_code, listed.stdout.count("  prices.csv document ")) == (0, 2)
        assert listed.stdout == said(tmp_path, "list", "--delivery", bad["id"]).stdout
        retried = said(tmp_path, "retry", "--delivery", short)
        assert (retried.exit_code, retried.stdout) == (0, "2 documents will be judged again\n")
        nothing = said(tmp_path, "list", "--delivery", good["id"][:_SHORT])
        assert (nothing.exit_code, nothing.stdout, nothing.stderr) == (0, "", "Nothing of the kind is held.\n")


def test_the_list_says_why_a_document_is_held_and_not_what_else_was_noticed_first(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        place.give(b"hello world", "acme-orders.edi", "drop://acme")
        (held,) = place.held()
        assert [each["severity"] for each in held["findings"]] == ["error", "warning"]
        assert held["findings"][0]["code"] == "envelope.none"
        (line,) = said(tmp_path, "list").stdout.splitlines()
        assert "The file holds no ISA segment" in line
        assert "skipped" not in line


@pytest.mark.parametrize("verb", ["list", "retry"])
def test_a_delivery_that_there_is_not_or_that_is_not_certain_is_refused(tmp_path: Path, verb: str) -> None:
    with opened(tmp_path) as place:
        for number in (1, 2):
            place.give(file(row(number, "zwölf")), f"{number}.csv", GLOBEX)
        unknown = said(tmp_path, verb, "--delivery", "d_nonsense")
        assert unknown.exit_code == 1
        assert "there is no delivery 'd_nonsense'; gateway tail shows their ids" in unknown.stderr
        several = said(tmp_path, verb, "--delivery", "d_")
        assert several.exit_code == 1
        assert "several deliveries start with d_" in several.stderr
        assert len(place.held()) == 2


@pytest.mark.parametrize("verb", ["list", "retry"])
def test_an_integration_that_never_was_is_refused_and_one_that_was_is_known(tmp_path: Path, verb: str) -> None:
    with opened(tmp_path) as place:
        unknown = said(tmp_path, verb, "--integration", "globex-price")
        assert unknown.exit_code == 1
        assert str(unknown.exception) == "there is no integration 'globex-price'. Did you mean 'globex-prices'?"
        place.change("integrations/globex-prices.yaml", "integration: globex-prices", "integration: globex-goods")
        for name in ("globex-prices", "globex-goods"):
            assert said(tmp_path, verb, "--integration", name).exit_code == 0, name


def test_what_is_settled_is_not_judged_again_and_that_is_an_error_which_says_why(tmp_path: Path) -> None:
    with opened(tmp_path) as place:
        place.give(file(row(1), row(2, "zwölf"), row(3, "drei"), row(5), row(6)), "prices.csv", GLOBEX)
        settled, open_ = (each["id"] for each in place.held())
        assert said(tmp_path, "discard", settled, "--who", "me", "-r", "a test of theirs").exit_code == 0
        for ids in ((settled,), (open_, settled)):
            refused = said(tmp_path, "retry", *ids)
            assert refused.exit_code == 1
            assert isinstance(refused.exception, Reject)
            assert refused.exception.message == (
                f"the document {settled} is discarded (me: a test of theirs), so there is nothing to decide about it"
            )
            assert "have it sent again" in refused.exception.remedy
        place.work()
        assert [each["id"] for each in place.held()] == [open_]
        assert place.events(place.held()[0]["delivery"])[-1] == "discarded"
        nothing = said(tmp_path, "retry", "--code", "mapping.code")
        assert (nothing.exit_code, nothing.stdout) == (0, "")
        assert nothing.stderr == "Nothing of the kind is held, so that nothing will be judged again.\n"
