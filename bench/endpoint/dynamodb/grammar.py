"""The part of the grammar that both languages share: conditions, from tokens to closures."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass

from bench.endpoint.dynamodb.terms import (
    COMPARISONS,
    Term,
    Test,
    all_of,
    among,
    any_of,
    begins_with,
    between,
    comparison_of,
    has,
    negation_of,
)
from bench.endpoint.errors import invalid


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the text and what kind of piece it is."""

    kind: str
    text: str

    def says(self, word: str) -> bool:
        """Whether it is this sign, or this word in any case."""
        return self.text == word or (self.kind == "word" and self.text.upper() == word)


END = Token("end", "")


def tokens_of(text: str, pattern: re.Pattern[str], about: str) -> list[Token]:
    """The tokens of a text; refuses what the pattern does not know."""
    found, place = [], 0
    while place < len(text.rstrip()):
        match = pattern.match(text, place)
        if match is None or match.lastgroup is None:
            raise invalid(f"Invalid {about}: Syntax error; token: {text[place : place + 20]!r}")
        found.append(Token(match.lastgroup, match[match.lastgroup]))
        place = match.end()
    return found


class Grammar(ABC):
    """Reads conditions; what an operand and a name look like is each language's own."""

    def __init__(self, tokens: list[Token], about: str) -> None:
        self._tokens = tokens
        self._place = 0
        self._about = about
        self._depth = 0
        self._loosened = False

    @abstractmethod
    def operand(self) -> Term:
        """Something with a value."""

    @abstractmethod
    def name(self) -> str:
        """An attribute's name."""

    @property
    def next(self) -> Token:
        return self._tokens[self._place] if self._place < len(self._tokens) else END

    def take(self) -> Token:
        token = self.next
        self._place += 1
        return token

    def accepts(self, *words: str) -> bool:
        """Takes these words if they come next."""
        ahead = [*self._tokens[self._place : self._place + len(words)]]
        if len(ahead) < len(words) or not all(map(Token.says, ahead, words)):
            return False
        self._place += len(words)
        return True

    def expect(self, word: str) -> None:
        if not self.accepts(word):
            raise self.refusal()

    def end(self) -> None:
        if self.next is not END:
            raise self.refusal()

    def refusal(self) -> Exception:
        return invalid(f"Invalid {self._about}: Syntax error; token: {self.next.text or 'the end'!r}")

    def condition(self) -> Test:
        """A condition with OR, the loosest binding."""
        tests = [self._conjunction()]
        while self.accepts("OR"):
            self._loosened |= self._depth == 0
            tests.append(self._conjunction())
        return any_of(tests)

    def _conjunction(self) -> Test:
        tests = [self._negation()]
        while self.accepts("AND"):
            tests.append(self._negation())
        return all_of(tests)

    def _negation(self) -> Test:
        if not self.next.says("NOT") and not self.next.says("("):
            return self.test()
        self._depth += 1
        if self.accepts("NOT"):
            inner = negation_of(self._negation())
        else:
            self.expect("(")
            inner = self.condition()
            self.expect(")")
        self._depth -= 1
        return inner

    def test(self) -> Test:
        """One function or comparison."""
        for function, wanted in (("ATTRIBUTE_EXISTS", True), ("ATTRIBUTE_NOT_EXISTS", False)):
            if self.accepts(function, "("):
                name = self.name()
                self.expect(")")
                return has(name, wanted=wanted)
        if self.accepts("BEGINS_WITH", "("):
            term = self.operand()
            self.expect(",")
            start = self.operand()
            self.expect(")")
            return begins_with(term, start)
        return self.comparison(self.operand())

    def comparison(self, left: Term) -> Test:
        """What follows a left side."""
        for sign in COMPARISONS:
            if self.accepts(sign):
                return comparison_of(sign, left, self.operand())
        if self.accepts("BETWEEN"):
            low = self.operand()
            self.expect("AND")
            return between(left, low, self.operand())
        if self.accepts("IN"):
            return among(left, self.operand_list())
        raise self.refusal()

    def operand_list(self) -> list[Term]:
        """The terms of an IN."""
        closing = "]" if self.accepts("[") else ")"
        if closing == ")":
            self.expect("(")
        terms = [self.operand()]
        while self.accepts(","):
            terms.append(self.operand())
        self.expect(closing)
        return terms
