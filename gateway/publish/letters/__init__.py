"""Letters: what of a file was refused, told to who sent it in plain words, so that the next file is right.

A letter says what was taken and what was not, quotes each place with the bytes marked, says what was expected there,
what to send again, and whom to ask. It knows no words of ours: no states, no mappings, no paths of this machine.

>>> from gateway.publish.letters import Letter, Problem, Quote, text
>>> wrong = Problem("line 4, column Preis", Quote("HAMMER;", "12,5O", ";EUR"), "it ends in a letter O", "a number", "")
>>> "HAMMER;12,5O;EUR" in text(Letter("d_1", "globex", "prices.csv", problems=(wrong,)))
True
"""

from gateway.publish.letters.facts import Item, Letter, Overtaken, Problem, Quote, Sheet, Twin, Unit
from gateway.publish.letters.page import page
from gateway.publish.letters.plain import text

__all__ = ["Item", "Letter", "Overtaken", "Problem", "Quote", "Sheet", "Twin", "Unit", "page", "text"]
