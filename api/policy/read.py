"""A text once read: its words, its vocabularies, and every sequence that any rule asks for."""

from collections.abc import Iterator
from dataclasses import dataclass

from api.policy.names import note_names
from api.policy.patterns import Reading
from api.policy.rulebook import searcher
from api.policy.shapes import note_shapes
from api.policy.signs import Found
from api.policy.values import Context, Hit, Kind
from api.policy.vocabularies import read_into
from api.policy.words import split


@dataclass(frozen=True, slots=True)
class Read:
    """`text` alone is what somebody wrote; behind it, in `all_text`, stand the descriptions of its pictures."""

    text: str
    all_text: str
    reading: Reading
    found: Found

    @classmethod
    def of(cls, text: str, context: Context) -> "Read":
        all_text = "\n".join([text, *(each.alt for each in context.media if each.alt)])
        reading = Reading(split(all_text))
        note_shapes(reading, all_text)
        note_names(reading, all_text, context.kind is Kind.REPLY)
        read_into(reading)
        return cls(text, all_text, reading, searcher().find(reading))

    def has(self, name: str) -> bool:
        return any(name in here for here in self.reading.concepts.values())

    def places(self, name: str) -> Iterator[Hit]:
        """Where in the text or its pictures a vocabulary has an entry."""
        for start, here in sorted(self.reading.concepts.items()):
            if name in here:
                yield self.hit(start, here[name])

    def hit(self, start: int, end: int) -> Hit:
        """Words in a picture's description are told, not marked."""
        first, last = self.reading.words[start].start, self.reading.words[end - 1].end
        if last > len(self.text):
            return Hit(0, 0, what=self.all_text[first:last])
        return Hit(first, last)
