"""Parses modules (specification, 6.6.13).

Identifiers may be used before they are bound. A module is therefore read twice: first the beginnings of its fields, to
bind identifiers, then everything, the types before the rest.
"""

from __future__ import annotations

from collections.abc import Mapping

from zenowasm.interp.binary import Names, decode, encode_names
from zenowasm.interp.binary.custom import NAME_SECTION
from zenowasm.interp.binary.hints import HINT_SECTION, encode_hints
from zenowasm.interp.binary.sections import SECTIONS
from zenowasm.interp.errors import ParseError
from zenowasm.interp.limits import ModuleLimits
from zenowasm.interp.syntax.module import CustomSection, Module
from zenowasm.interp.text.cursor import Cursor
from zenowasm.interp.text.keywords import SECTION_WORDS
from zenowasm.interp.text.lexer import Annotation, Source, describe_illegal, is_legal, tokenize
from zenowasm.interp.text.parser_fields import KINDS, FieldParser

_BEFORE_CODE = "data_count"
_FROM_CODE_ON = ("codes", "data")
"""The sections from code on: a custom section after one of them also comes after the code section."""


def parse_module(source: str | bytes, limits: ModuleLimits | None = None) -> Module:
    """Parse a module in the text format: ``(module ...)``, or its fields alone.

    Parameters: the text, as a string or UTF-8 bytes; limits on the module. ``(module binary ...)`` is decoded, and
    ``(module quote ...)`` is parsed again. Identifiers become the name section. Raises ``ParseError`` if the text is
    malformed, ``DecodeError`` if a binary module in it is, ``LimitError`` if it exceeds the limits (specification,
    6.6.13).
    """
    limits = limits or ModuleLimits()
    while True:
        parser = ModuleParser(tokenize(source, limits), 0, limits)
        found = parser.text()
        if isinstance(found, Module):
            return found
        source = found


class ModuleParser(FieldParser):
    """A parser of one module in a text."""

    def text(self) -> Module | bytes:
        """Read a text that is one module; return the module, or the text that it quotes."""
        found: Module | bytes
        if not self.open("module"):
            found = self.fields()
        else:
            name = self.module_name()
            if self.take("binary"):
                found = decode(self.strings(), limits=self.limits)
            elif self.take("quote"):
                found = self.quoted()
            else:
                found = self.fields(name)
            self.close()
        if self.tokens[self.pos]:
            self.fail("the end of the text" if self.pos else "'(module'")
        self.source.check_annotations()
        return found

    def module_name(self) -> str | None:
        """Read the identifier of a module; return its name."""
        return self.spelled_name()[1]

    def fields(self, name: str | None = None) -> Module:
        """Read the fields of a module, up to a closing parenthesis or the end of the text."""
        starts = self._declare()
        end = self.pos
        for start in starts:
            if self.tokens[start + 1] in ("type", "rec"):
                self.pos = start
                self.rectype()
        for start in starts:
            if self.tokens[start + 1] not in ("type", "rec"):
                self.pos = start
                self.field()
        self.pos = end
        return self._module(name)

    # -- identifiers --

    def _declare(self) -> list[int]:
        """Bind the identifiers of all fields; return the fields' first tokens."""
        spaces = {keyword: self.spaces[kind] for keyword, kind in KINDS.items()}
        spaces |= {"elem": self.elements, "data": self.data, "type": self.types}
        starts: list[int] = []
        customs: list[tuple[int, CustomSection]] = []
        defined: str | None = None
        while True:
            customs += [self._custom(it) for it in self.annotations("custom")]
            if self.tokens[self.pos] != "(":
                break
            start = self.pos
            starts.append(start)
            self.pos += 2
            keyword = self.tokens[start + 1]
            if keyword in spaces:
                self.bind(spaces[keyword])
            elif keyword == "rec":
                self._declare_types()
            elif keyword == "import":
                self._declare_import()
            within = self._skip(start)
            if keyword == "import" or (keyword in KINDS and "import" in within):
                # Imports come first in their index spaces, so they must come first in the text.
                if defined is not None:
                    raise self.error(f"import after {'function' if defined == 'func' else defined}", start)
            elif keyword in KINDS:
                defined = defined or keyword
            # Segments that are written inside their table or memory have no identifiers.
            if keyword == "table" and "elem" in within:
                self.elements.count += 1
            if keyword == "memory" and "data" in within:
                self.data.count += 1
        self.parts.customs = [section for _, section in sorted(customs, key=lambda it: it[0])]
        return starts

    def _declare_types(self) -> None:
        while self.at("type"):
            start = self.pos
            self.pos += 2
            self.bind(self.types)
            self._skip(start)

    def _declare_import(self) -> None:
        self.name()
        self.name()
        self.expect("(")
        self.bind(self.spaces[self._kind()])

    def _skip(self, start: int) -> set[str]:
        """Skip the parenthesis at a token; return the word after each parenthesis directly inside it."""
        words: set[str] = set()
        depth = 0
        tokens = self.tokens
        pos = start
        while True:
            token = tokens[pos]
            pos += 1
            if token == "(":
                depth += 1
                if depth == 2:
                    words.add(tokens[pos])
            elif token == ")":
                depth -= 1
                if not depth:
                    self.pos = pos
                    return words
            elif not token:
                raise self._unclosed(start, pos - 1)

    def _unclosed(self, start: int, end: int) -> ParseError:
        """Return the error for an unclosed field; its cause may be an unterminated string that contains parentheses."""
        for pos in range(start, end):
            token = self.tokens[pos]
            if token not in ("(", ")") and not is_legal(token):
                return self.error(describe_illegal(token), pos)
        return self.error(f"unexpected end of text: {self.tokens[start + 1] or '('!r} is not closed", start)

    # -- custom sections (specification, custom annotations) --

    def _custom(self, annotation: Annotation) -> tuple[int, CustomSection]:
        """Read the annotation of a custom section; return the section's sort key and the section."""
        cursor = Cursor(Source(self.source.text, [*annotation.tokens, ""], {}, list(annotation.places[1:])))
        name = cursor.name()
        names = list(SECTIONS.values())
        rank = 2 * len(names) + 1
        if cursor.take("("):
            word = cursor.tokens[cursor.pos]
            anchor = cursor.tokens[cursor.pos + 1] if word else ""
            if (word, anchor) == ("before", "first"):
                rank = 0
            elif word in ("before", "after") and anchor in SECTION_WORDS:
                rank = 2 * names.index(SECTION_WORDS[anchor]) + (2 if word == "after" else 1)
            elif (word, anchor) != ("after", "last"):
                raise cursor.unexpected("the place of a custom section")
            cursor.pos += 2
            cursor.close()
        data = cursor.strings()
        if cursor.tokens[cursor.pos]:
            cursor.fail("')'")
        return rank, CustomSection(name, data, after=names[rank // 2 - 1] if rank > 1 else None)

    # -- the module --

    def _module(self, name: str | None) -> Module:
        parts = self.parts
        names = Names(
            name,
            self.functions.names,
            _nonempty(self.local_names),
            _nonempty(self.labels_by_function),
            self.types.names,
            self.tables.names,
            self.memories.names,
            self.globals.names,
            self.elements.names,
            self.data.names,
            _nonempty({index: space.names for index, space in self.fields_by_type.items()}),
            self.tags.names,
            _nonempty({index: space.names for index, space in self.parameters_by_type.items()}),
        )
        section = encode_names(names)
        # There should be one name section (specification, name section): an explicit one overrides identifiers.
        if section and all(custom.name != NAME_SECTION for custom in parts.customs):
            parts.customs.append(CustomSection(NAME_SECTION, section, after=list(SECTIONS.values())[-1]))
        if self.hints_by_function:
            place = next((at for at, it in enumerate(parts.customs) if it.after in _FROM_CODE_ON), len(parts.customs))
            hints = CustomSection(HINT_SECTION, encode_hints(self.hints_by_function), after=_BEFORE_CODE)
            parts.customs.insert(place, hints)
        return Module(
            types=tuple(self.rectypes),
            imports=tuple(parts.imports),
            functions=tuple(parts.functions),
            tables=tuple(parts.tables),
            memories=tuple(parts.memories),
            tags=tuple(parts.tags),
            globals=tuple(parts.globals),
            exports=tuple(parts.exports),
            start=parts.start,
            elements=tuple(parts.elements),
            data=tuple(parts.data),
            codes=tuple(parts.codes),
            customs=tuple(parts.customs),
        )


def _nonempty(names: Mapping[int, Mapping[int, str]]) -> dict[int, Mapping[int, str]]:
    return {index: entries for index, entries in names.items() if entries}
