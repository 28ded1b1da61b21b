"""The sentences of a letter that are about the whole file: what became of it, and what to send again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gateway.model import DeliveryState

if TYPE_CHECKING:
    from gateway.publish.letters.facts import Letter, Problem

MOMENT = "%Y-%m-%d %H:%M UTC"
_UNKNOWN_MAX = 120


def headline(letter: Letter) -> str:
    """The first line, and the subject of a mail."""
    return f"{_name(letter)}{', only tested' if letter.tested else ''}: {_outcome(letter)}"


def _name(letter: Letter) -> str:
    name = "".join(each if each.isprintable() else "·" for each in letter.name)
    return name if len(name) <= _UNKNOWN_MAX else name[:_UNKNOWN_MAX] + "…"


def _outcome(letter: Letter) -> str:
    if letter.ended is DeliveryState.ACCEPTED and letter.older:
        newer = "a newer record is" if letter.older == 1 else "newer records are"
        return f"{letter.older:,} of {letter.unit.of(letter.total)} not used: {newer} there"
    if letter.ended is DeliveryState.ACCEPTED:
        return "all of it is taken now"
    if letter.ended is DeliveryState.DUPLICATE:
        return "the same file came before"
    if letter.ended is DeliveryState.FAILED:
        return "not processed yet"
    if letter.ended is DeliveryState.PARTLY_ACCEPTED:
        return f"{letter.refused:,} of {letter.unit.of(letter.total)} {'would be ' if letter.tested else ''}refused"
    return "it would be refused" if letter.tested else "refused"


def done(letter: Letter) -> list[str]:
    """What we did with the file, a sentence each."""
    unit = letter.unit
    if letter.ended is DeliveryState.DUPLICATE and letter.twin is not None:
        twin = letter.twin
        came = f"on {twin.received_at.strftime(MOMENT)} as {twin.reference}"
        return [f"The same content, byte for byte, came {came} ({twin.name}).", "Nothing was done with this file."]
    if letter.ended is DeliveryState.ACCEPTED and not letter.older:
        return ["What we had refused of this file before is taken now.", "You need not send anything again for it."]
    if letter.ended is DeliveryState.FAILED:
        return ["The file arrived whole and is kept, but we could not process it. It may not be your fault."]
    said = ["This was a test: nothing of the file was taken."] if letter.tested else []
    said += [letter.whole] if letter.whole else []
    was = "would be" if letter.tested else "was"
    if not letter.total:
        return [*said, f"Nothing of the file {was} taken."]
    if letter.taken:
        were = "would be" if letter.tested else _were(letter.taken)
        said.append(f"{letter.taken:,} of {unit.of(letter.total)} {were} taken.")
    elif not letter.whole and letter.refused:
        not_taken = "would not be" if letter.tested else "was not"
        all_of_it = f"None of the {unit.of(letter.total)} {was} taken."
        said.append(all_of_it if letter.total > 1 else f"The {unit.one} {not_taken} taken.")
    if letter.taken and letter.refused and letter.tested:
        said.append(f"{unit.of(letter.refused)} would be refused.")
    elif letter.taken and letter.refused:
        said.append(
            f"{unit.of(letter.refused)} {_were(letter.refused)} refused: nothing of {_them(letter.refused)} is used."
        )
    if letter.withheld:
        said.append(f"{unit.of(letter.withheld)} {_are(letter.withheld)} right, and held back with the whole file.")
    if letter.known:
        said.append(f"{unit.of(letter.known)} {_were(letter.known)} there already, the same.")
    if letter.older:
        newer = "a newer record is there, which stays" if letter.older == 1 else "newer records are there, which stay"
        said.append(f"{unit.of(letter.older)} {_were(letter.older)} not used: {newer}.")
    if letter.acknowledgments:
        names = " or ".join(letter.acknowledgments)
        said.append(
            f"A {names} that accepts the file says that its syntax is right; this letter says what of it we can use."
        )
    return said


def again(letter: Letter) -> list[str]:
    """What to send again, a sentence each."""
    unit = letter.unit
    if letter.ended is DeliveryState.DUPLICATE:
        return ["Nothing. If the repetition is meant, change something in the file, such as its number."]
    if letter.ended is DeliveryState.ACCEPTED and letter.tested:
        return ["The whole file: of a test nothing is taken."]
    if letter.ended is DeliveryState.ACCEPTED:
        return [f"Nothing. {_if_wanted(letter)}" if letter.older else "Nothing."]
    found = [each for item in letter.items for each in item.problems] + list(letter.problems)
    if letter.ended is DeliveryState.FAILED or (found and all(each.ours for each in found)):
        return ["Nothing for now: this is to be settled between us first."]
    if letter.tested:
        return [_all_of_it(letter, found)]
    if letter.ended is DeliveryState.PARTLY_ACCEPTED:
        only = (
            f"Only the refused {unit.one}"
            if letter.refused == 1
            else f"Only the {letter.refused:,} refused {unit.many}"
        )
        right = "under the header that is expected" if letter.under_header else "put right"
        own = "their" if letter.refused > 1 else "its"
        said = [f"{only}, {right}, in a file of {own} own."]
        said.append("What was taken need not be sent again.")
    else:
        said = [found[0].again if len(found) == 1 and found[0].again else "The whole file, put right."]
    said += [_if_wanted(letter)] if letter.older else []
    return said + _sheet(letter)


def _all_of_it(letter: Letter, found: list[Problem]) -> str:
    """What is to be sent after a test: a partner who sent what was wrong alone would never send what is right."""
    if letter.taken:
        rest = f"the {letter.unit.one} that is" if letter.taken == 1 else f"the {letter.unit.of(letter.taken)} that are"
        return f"The whole file, put right, with {rest} right already: of a test nothing is taken."
    if len(found) == 1 and found[0].again:
        return found[0].again
    return "The whole file, put right: of a test nothing is taken."


def _if_wanted(letter: Letter) -> str:
    """What is to be done where the older values are wanted all the same."""
    unit = letter.unit
    which = f"the {unit.one} that was" if letter.older == 1 else f"any of the {unit.many} that were"
    wanted = f"If {which} not used is wanted nevertheless, please send it again, in a file of its own"
    if letter.newest_by:
        return f"{wanted}, with a higher value of {letter.newest_by}: the highest counts as the newest."
    return f"{wanted}: what comes last counts."


def _sheet(letter: Letter) -> list[str]:
    sheet = letter.sheet
    if sheet is None:
        return []
    added = ", ".join(sheet.columns)
    refused = f"{sheet.rows:,} refused {letter.unit.many}" if sheet.rows > 1 else f"refused {letter.unit.one}"
    rows = f"The {refused} {_are(sheet.rows)} in {sheet.name}, with the columns {added}."
    sendable = sheet.ready and letter.ended is DeliveryState.PARTLY_ACCEPTED
    if sendable:
        read = f"of the added columns only {sheet.columns[-1]} is read, which says what is put right"
        said = [f"{rows} You can put {_them(sheet.rows)} right in that file and send it: {read}."]
    else:
        right = (
            f"the {letter.unit.many} right where they come"
            if sheet.rows > 1
            else f"the {letter.unit.one} right where it comes"
        )
        said = [f"{rows} The file is there to be read: put {right} from."]
    if sheet.odd:
        cells = "its cells do" if sheet.odd == 1 else "their cells do"
        said.append(
            f"{letter.unit.more(sheet.odd)} {_are(sheet.odd)} not in it, because {cells} not match the columns."
        )
    if sheet.left_out:
        said.append(
            f"{letter.unit.more(sheet.left_out)} {_are(sheet.left_out)} not in it, because it would be too long."
        )
    if sheet.unread:
        whose = "its bytes stand" if sheet.unread == 1 else "their bytes stand"
        more = letter.unit.more(sheet.unread)
        said.append(f"{more} {_are(sheet.unread)} not in it, because we cannot tell which letters {whose} for.")
    if sheet.guessed:
        said.append(_guesses(sheet.guessed, sendable=sendable))
    if sheet.escaped:
        said.append(_apostrophes(sheet.escaped, sendable=sendable))
    return said


def _guesses(count: int, *, sendable: bool) -> str:
    """What is to be done about cells whose bytes were read in another encoding than the agreed one."""
    cells = "1 of its cells" if count == 1 else f"{count:,} of its cells"
    said = (
        f"In {cells} bytes that are no characters of UTF-8 are replaced by the letters that they are in windows-1252."
    )
    return f"{said} Please check {_them(count)} before you send the file." if sendable else said


def _apostrophes(count: int, *, sendable: bool) -> str:
    """What is to be done about cells that were made harmless: what is sent with an apostrophe is taken with it."""
    them, formulas = _them(count), "a formula" if count == 1 else "formulas"
    cells = "1 of its cells" if count == 1 else f"{count:,} of its cells"
    said = f"In {cells} an apostrophe (') stands in front, because a spreadsheet would take {them} for {formulas}."
    return (
        f"{said} Take it away before you send the file: we would read it as a part of the value." if sendable else said
    )


def _were(count: int) -> str:
    return "was" if count == 1 else "were"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def _them(count: int) -> str:
    return "it" if count == 1 else "them"


def questions(letter: Letter) -> list[str]:
    """Whom to ask, and what to quote."""
    whom = list(letter.contact) or ["Ask whom you deal with here."]
    return [*whom, f"Please quote {letter.reference}."]


def more_problems(letter: Letter, count: int) -> str:
    """Of how many problems of one document nothing more is said."""
    return f"and {count:,} more problem{'s' if count > 1 else ''} in this {letter.unit.one}"


def more_overtaken(letter: Letter) -> str:
    """How many documents that are not used are not told one by one; empty where none is."""
    more = letter.older - len(letter.overtaken)
    return f"{letter.unit.of(more)} more {_were(more)} not used, and {_are(more)} not listed here." if more > 0 else ""


def more_refused(letter: Letter) -> str:
    """How many refused documents are not spelled out."""
    return f"{letter.unit.of(letter.more)} more {_are(letter.more)} refused, and not listed here."
