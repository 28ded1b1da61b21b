"""A partner by one command, or from one file; nothing is overwritten, and nothing is written that does not load."""

from __future__ import annotations

import re
import subprocess
from typing import TYPE_CHECKING

import pytest
from argon2 import PasswordHasher
from click.testing import CliRunner

from edi.model import Envelope
from gateway.errors import GatewayError
from gateway.operate.cli import gateway as command_line
from gateway.routing import Flow, Routes, Unfit
from gateway.workspace import starter
from gateway.workspace.loader import ConfigurationProblems, load
from tests.gateway.workspace.test_amending import NEW, ONE, TWO

if TYPE_CHECKING:
    from pathlib import Path

    from gateway.configuration import Configuration

ORDER = (
    b"ISA*00*          *00*          *ZZ*GLOBEX         *ZZ*US             *261121*0900*U*00401*000000001*0*P*>~\n"
    b"GS*PO*GLOBEX*US*20261121*0900*1*X*004010~\nST*850*0001~\nBEG*00*SA*1001**20261121~\n"
    b"N1*BY*Globex*UL*4012345000009~\nPO1*1*12*EA*2.95**VP*SCR-M8~\nCTT*1~\nSE*6*0001~\nGE*1*1~\nIEA*1*000000001~\n"
)


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    starter.write(tmp_path / "shop")
    return tmp_path / "shop"


def partner(shop: Path, *arguments: object, answer: str = "") -> str:
    """What the command says; what it raises is raised."""
    done = CliRunner().invoke(command_line, ["partner", *map(str, arguments), "-w", str(shop)], input=answer)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.output


def texts(shop: Path) -> dict[str, str]:
    return {str(path.relative_to(shop)): path.read_text("utf-8") for path in shop.rglob("*.yaml")}


def refused(shop: Path, *arguments: object) -> str:
    """What is said of a command that is refused, and that changed no file."""
    before = texts(shop)
    with pytest.raises(GatewayError) as error:
        partner(shop, *arguments)
    assert texts(shop) == before
    return str(error.value)


def lines(configuration: Configuration, name: str) -> list[tuple[str, str, str | None]]:
    return sorted(
        (each.name, f"{each.format.name} {each.format.message} to {each.contract}", each.answer)
        for each in configuration.integrations.values()
        if each.partner == name
    )


def test_a_partner_is_one_command(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "globex.pub").write_text(ONE + "\n", encoding="utf-8")
    said = partner(
        shop, "add", "globex", "--about", "Globex: Leeds", "--isa", "ZZ:GLOBEX", "--key", tmp_path / "globex.pub",
        "--password", "--format", "x12 850", "--format", "edifact D96A ORDERS",
    )  # fmt: skip
    made = load(shop)
    found = made.partners["globex"]
    assert (found.about, dict(found.identifiers)) == ("Globex: Leeds", {"isa": ("ZZ:GLOBEX",)})
    assert found.account is not None
    assert found.account.keys == (ONE,)
    assert lines(made, "globex") == [
        ("globex-orders", "x12 850 to order", "997"),
        ("globex-orders-edifact", "edifact ORDERS to order", "CONTRL"),
    ]
    assert f"Next: gateway apply -w {shop}, then: gateway partner card globex -w {shop}" in said
    password = re.search(r"shown this once: (\S+)", said)
    assert password is not None
    assert PasswordHasher().verify(str(found.account.password_hash), password[1])
    assert password[1] not in "".join(texts(shop).values())


def test_a_password_is_asked_for(shop: Path) -> None:
    said = partner(shop, "add", "globex", "--password", "ask", answer="correct horse\ncorrect horse\n")
    assert "shown this once" not in said
    assert "correct horse" not in said
    account = load(shop).partners["globex"].account
    assert account is not None
    assert account.keys == ()
    assert "the password has 5 characters; 12 are the least" in partner(
        shop, "add", "initech", "--password", "ask", answer="short\nshort\n"
    )
    assert "initech" not in load(shop).partners


def test_a_file_says_the_rest(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "po.edi").write_bytes(ORDER)
    said = partner(shop, "add", "globex", "--from", tmp_path / "po.edi")
    assert "po.edi: x12 004010 850 from ZZ:GLOBEX to ZZ:US" in said
    assert "It has no account yet: gateway partner key add gives it one." in said
    made = load(shop)
    assert dict(made.partners["globex"].identifiers) == {"isa": ("ZZ:GLOBEX",)}
    assert lines(made, "globex") == [("globex-orders", "x12 850 to order", "997")]
    assert made.integrations["globex-orders"].format.version == "004010"
    assert "x12 004010 850 is taken by globex-orders already" in refused(
        shop, "add", "globex", "--from", tmp_path / "po.edi"
    )
    assert "that is globex. To add flows to it: gateway partner add globex --from" in refused(
        shop, "add", "initech", "--from", tmp_path / "po.edi"
    )


def test_a_file_for_somebody_else_is_told_with_what_becomes_of_such_files(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "po.edi").write_bytes(ORDER)
    with (shop / "gateway.yaml").open("a", encoding="utf-8") as settings:
        settings.write("\nidentifiers: {isa: ZZ:COMPANY}\n")
    said = partner(shop, "add", "globex", "--from", tmp_path / "po.edi")
    assert "po.edi is for ZZ:US, and we are ZZ:COMPANY: such files are held." in said
    assert "add it to identifiers, isa:, in gateway.yaml" in said
    (tmp_path / "ours.edi").write_bytes(ORDER.replace(b"ZZ*US     ", b"ZZ*COMPANY").replace(b"GLOBEX ", b"HOOLI  "))
    assert "such files are held" not in partner(shop, "add", "hooli", "--from", tmp_path / "ours.edi")


def test_a_table_becomes_a_first_contract_and_mapping(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "prices_20261121.csv").write_text("sku;price\nA-1;1,50\nA-2;2,00\n", encoding="utf-8")
    said = partner(shop, "add", "globex", "--from", tmp_path / "prices_20261121.csv")
    assert "The contract and the mapping are guessed from the file: look them over." in said
    made = load(shop)
    assert made.integrations["globex-prices"].format.options == (("delimiter", ";"), ("header", "true"))
    assert made.contracts["prices.v1"].key == ("sku",)


@pytest.mark.parametrize("name", ["orders", "order", "invoice", "events", "deliveries"])
def test_a_table_may_be_called_as_a_standard_contract_or_a_collection_of_the_api_is(
    shop: Path, tmp_path: Path, name: str
) -> None:
    (tmp_path / f"{name}_2026.csv").write_text("sku;price\nA-1;1,50\nA-2;2,00\n", encoding="utf-8")
    said = partner(shop, "add", "globex", "--from", tmp_path / f"{name}_2026.csv")
    assert f"Its contract is called globex-{name}, since {name} is something else already" in said
    made = load(shop)
    assert made.integrations[f"globex-{name}"].contract == f"globex-{name}"
    assert made.contracts[f"globex-{name}.v1"].collection == f"globex-{name}"


def test_a_file_may_be_called_as_another_partner_s_is(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "prices.csv").write_text("sku;price\nA-1;1,50\nA-2;2,00\n", encoding="utf-8")
    partner(shop, "add", "globex", "--from", tmp_path / "prices.csv")
    assert "give the new one another name: --contract NAME" in refused(
        shop, "add", "initech", "--from", tmp_path / "prices.csv"
    )
    assert "'Price List' is no name of a contract" in refused(
        shop, "add", "initech", "--from", tmp_path / "prices.csv", "--contract", "Price List"
    )
    partner(shop, "add", "initech", "--from", tmp_path / "prices.csv", "--contract", "price-list")
    assert load(shop).integrations["initech-price-list"].contract == "price-list"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "sent.csv is empty. Name a file"),
        (b"\n\n", "sent.csv is empty"),
        (b"PK\x03\x04\x14\x00\x06\x00\x08\x00" + b"\x00" * 16 + b"\x13\x00\x00\x00[Content_Types].xml",
         "sent.csv is an Office file such as an Excel workbook (.xlsx). Save it as CSV, and name that file"),
        (b"7z\xbc\xaf\x27\x1c" + b"\x00" * 40, "sent.csv is a 7z archive. Unpack it"),
        ("sku;price\nA-1;1,50\n".encode("utf-16"), "sent.csv is written in UTF-16. Save it as UTF-8"),
        (b"1;2,50\n2;3,50\n", "the first line of sent.csv does not look like the names of columns. Put such a line"),
    ],
)  # fmt: skip
def test_a_file_from_which_no_flow_can_be_made_is_told_with_what_to_do(
    shop: Path, tmp_path: Path, content: bytes, said: str
) -> None:
    (tmp_path / "sent.csv").write_bytes(content)
    assert said in refused(shop, "add", "globex", "--from", tmp_path / "sent.csv")


def test_another_kind_of_table_gets_a_flow_of_its_own(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "prices.csv").write_text("sku;price\nA-1;1,50\nA-2;2,00\n", encoding="utf-8")
    (tmp_path / "stock_20261121.csv").write_text("sku;pieces\nA-1;7\nA-2;9\n", encoding="utf-8")
    partner(shop, "add", "globex", "--from", tmp_path / "prices.csv")
    said = partner(shop, "add", "globex", "--from", tmp_path / "stock_20261121.csv")
    assert "Files named like stock*.csv go to globex-prices where they have its columns." in said
    made = load(shop)
    assert str(made.integrations["globex-stock"].source) == "drop://globex/stock*.csv"
    both = [made.integrations["globex-prices"], made.integrations["globex-stock"]]
    for columns, name in (("price", "prices"), ("pieces", "stock"), ("neither", "stock")):
        found = Routes(made).route(both, Envelope("csv", columns=("sku", columns)), delivery_partner="globex")
        assert isinstance(found, Flow if columns != "neither" else Unfit)
        assert found.integration.name == f"globex-{name}"
    assert "is taken by globex-stock already" in refused(
        shop, "add", "globex", "--from", tmp_path / "stock_20261121.csv"
    )
    (tmp_path / "list.csv").write_text("sku,place\nA-1,7\nA-2,9\n", encoding="utf-8")
    said = refused(shop, "add", "globex", "--from", tmp_path / "list.csv")
    assert "globex-prices takes list.csv from drop://globex too, and reads it otherwise than csv , header" in said
    assert "--source 'drop://globex/list*.csv'" in said


def test_a_flow_beside_one_for_everybody_is_the_next_to_win(shop: Path) -> None:
    acme = shop / "integrations" / "acme-orders.yaml"
    acme.write_text(acme.read_text("utf-8").replace("answer:", "precedence: 4\nanswer:"), encoding="utf-8")
    (shop / "integrations" / "all-orders.yaml").write_text(
        "integration: all-orders\nabout: All\nowner: orders-team\nsource: folder:in/*.edi\n"
        "format: edifact ORDERS\ncontract: order v1\nprecedence: 7\n",
        encoding="utf-8",
    )
    partner(shop, "add", "globex", "--format", "x12 850")
    assert load(shop).integrations["globex-orders"].precedence == 8


OWN = (
    "contract: order v1\nabout: Orders as the ERP has them\nowner: orders-team\nkey: number per partner\n"
    "fields:\n  number: text\n  ordered_on: date, sort\n  lines[1..]:\n    sku: text\n"
)
OWN_FLOW = (
    "integration: acme-orders\nabout: Orders\nowner: orders-team\nsource: drop://acme/*.edi\n"
    "format: x12 004010 850\nversion: ordered_on  # the newer wins\ncontract: order v1\nmap:\n  number: BEG03\n"
    "# a remark\n  ordered_on: BEG05 | date\n\n  lines[PO1]:\n    sku: PO1 | pair('VP')\n\ncheck:\n"
    "- count(lines) == CTT01\n# of what is accepted\naccept: documents\n"
)


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_into_a_contract_of_the_workspace_the_mapping_of_a_flow_that_fills_it_is_taken_over(
    shop: Path, tmp_path: Path, end: str
) -> None:
    (shop / "contracts").mkdir(exist_ok=True)
    (shop / "contracts" / "order.v1.yaml").write_text(OWN, encoding="utf-8")
    (shop / "integrations" / "acme-orders.yaml").write_text(OWN_FLOW, encoding="utf-8", newline=end)
    (tmp_path / "po.edi").write_bytes(ORDER)
    said = partner(shop, "add", "globex", "--from", tmp_path / "po.edi")
    assert "what fills it from x12 004010 850 is copied from acme-orders. Look it over." in said
    made = load(shop)
    ours = made.integrations["globex-orders"]
    assert (
        (shop / "integrations" / "globex-orders.yaml")
        .read_text("utf-8")
        .endswith(
            "version: ordered_on  # the newer wins\n\nmap:\n  number: BEG03\n# a remark\n  ordered_on: BEG05 | date\n\n"
            "  lines[PO1]:\n    sku: PO1 | pair('VP')\n\ncheck:\n- count(lines) == CTT01\n"
        )
    )
    assert (ours.version, ours.precedence, ours.partner) == ("ordered_on", None, "globex")


@pytest.mark.parametrize("format_", ["edifact ORDERS", "x12 005010 850"])
def test_of_a_contract_of_the_workspace_that_nothing_fills_from_such_a_message_the_cause_is_told(
    shop: Path, format_: str
) -> None:
    (shop / "contracts").mkdir(exist_ok=True)
    (shop / "contracts" / "order.v1.yaml").write_text(OWN, encoding="utf-8")
    (shop / "integrations" / "acme-orders.yaml").write_text(OWN_FLOW, encoding="utf-8")
    said = refused(shop, "add", "globex", "--format", format_)
    assert said.startswith(
        "order v1 is a contract of this workspace, contracts/order.v1.yaml, and hides the standard one of that name "
        f"with its mapping; no integration shows what fills it from {format_}. Nothing was written."
    )


def test_a_user_belongs_to_one_partner(shop: Path) -> None:
    partner(shop, "add", "globex", "--key", ONE)
    said = refused(shop, "add", "aaa", "--key", TWO, "--user", "globex")
    assert said.startswith("globex is the user of globex already, in partners/globex.yaml; nothing was written.")


SERVER = (
    "acme-server:\n  kind: sftp\n  url: sftp://us@sftp.acme.example:22\n  key: secret:acme/key\n"
    "  fingerprints: SHA256:uNiVztksCsDhcc0u9e8BrQXVCWs6KTcjVqm8jCWHdjA\n"
)


def test_of_a_partner_whom_we_pull_from_the_file_shows_how_answers_go_there(shop: Path) -> None:
    with (shop / "connections.yaml").open("a", encoding="utf-8") as file:
        file.write(SERVER)
    place = "sftp://acme-server/out/*.edi"
    partner(shop, "add", "globex", "--isa", "ZZ:GLOBEX", "--format", "x12 850", "--source", place)
    path = shop / "partners" / "globex.yaml"
    shown = "\n# answers: sftp://acme-server/<folder>   # puts acknowledgments and letters there\n"
    assert path.read_text("utf-8").endswith(shown)
    assert load(shop).partners["globex"].answers is None
    path.write_text(path.read_text("utf-8").replace("# answers", "answers").replace("<folder>", "in"), encoding="utf-8")
    assert load(shop).partners["globex"].answers == ("acme-server", "in")
    partner(shop, "add", "initech", "--isa", "ZZ:INITECH", "--format", "x12 850", "--source", "folder:van/*.edi")
    assert "answers" not in (shop / "partners" / "initech.yaml").read_text("utf-8")


def test_a_partner_that_is_there_gets_more_flows_and_keeps_its_file(shop: Path) -> None:
    before = texts(shop)
    partner(shop, "add", "acme", "--format", "x12 856")
    assert texts(shop) | before == texts(shop)
    assert [name for name, _, _ in lines(load(shop), "acme")] == ["acme-orders", "acme-shipment-notices"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["Globex"], "'Globex' is no name of a partner"),
        (["globex", "--format", "x12"], "no standard contract is shipped for 'x12'"),
        (["globex", "--key", "nowhere.pub"], "'nowhere.pub' is neither a public key nor a file that can be read"),
        (["globex", "--key", "ssh-ed25519 AAAA"], "the key cannot be used: the key is damaged"),
        (["globex", "--from", "nowhere.edi"], "'nowhere.edi' cannot be read: No such file"),
        (["globex", "--from", "d_0123456"], "there is no delivery d_0123456"),
        (["acme", "--isa", "ZZ:NEW"], "there is a partner acme already, in partners/acme.yaml, and nothing in it"),
        (["acme"], "nothing is to be added to acme. Name a --format or --from"),
        (["globex", "--isa", "ACME"], "'ACME' is not an X12 identity"),
        (["aaa", "--isa", "ZZ:ACME"], "ZZ:ACME is acme already (isa: in partners/acme.yaml); nothing was written"),
        (["globex", "--owner", "nobody"], "there is no team 'nobody'"),
        (["globex", "--owner", "nobody"], "nothing was written, since the workspace would not load with partners/glo"),
    ],
)
def test_what_would_not_load_is_not_written(shop: Path, arguments: list[str], said: str) -> None:
    assert said in refused(shop, "add", *arguments)


def test_a_workspace_that_does_not_load_is_not_added_to(shop: Path) -> None:
    (shop / "partners" / "acme.yaml").write_text("partner: acme\nisa: ZZ:ACME\n", encoding="utf-8")
    with pytest.raises(ConfigurationProblems, match="unknown key 'isa'"):
        partner(shop, "add", "globex")


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa"])
def test_keys_are_taken_in_the_forms_that_tools_save(shop: Path, tmp_path: Path, kind: str) -> None:
    made = subprocess.run(
        ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "buyer@globex", "-f", tmp_path / "key"], check=False
    )
    if made.returncode:
        pytest.skip("there is no ssh-keygen to make keys with; install the Debian package openssh-client")
    ssh2 = subprocess.run(["ssh-keygen", "-e", "-f", tmp_path / "key.pub"], capture_output=True, check=True)
    (tmp_path / "key.ssh2").write_bytes(ssh2.stdout)
    partner(shop, "add", "globex", "--key", tmp_path / "key.ssh2")
    account = load(shop).partners["globex"].account
    assert account is not None
    assert account.keys[0].split() == (tmp_path / "key.pub").read_text("utf-8").split()[:2]
    assert "holds a private key, which only its owner may have" in refused(
        shop, "add", "initech", "--key", tmp_path / "key"
    )


def test_several_keys_in_one_file_are_not_guessed_about(shop: Path, tmp_path: Path) -> None:
    (tmp_path / "keys").write_text(f"# of the team\n{ONE}\n\n{TWO}\n{NEW}\n", encoding="utf-8")
    assert "holds 3 lines, and one key is wanted" in refused(shop, "add", "globex", "--key", tmp_path / "keys")
