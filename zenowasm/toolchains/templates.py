"""Writes a new plugin from a language's template."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path
from typing import Final

from zenowasm.toolchains.errors import TemplateError
from zenowasm.toolchains.language import Language

_NAME = re.compile(r"[a-z][a-z0-9_]{0,63}")
_PLACEHOLDER: Final = "{{name}}"


def new_plugin(language: Language, name: str, parent: Path) -> Path:
    """Write a working plugin into a new folder ``name`` in ``parent``, and return the folder.

    Raises ``TemplateError`` if the name is invalid, or if the folder already exists or cannot be written.
    """
    if _NAME.fullmatch(name) is None:
        raise TemplateError(
            f"{name[:80]!r} is not a valid plugin name: expected a small letter, then small letters, digits and _, "
            "at most 64, since its slots begin with it"
        )
    folder = parent / name
    try:
        folder.mkdir(parents=True)
        for source in sorted(template(language).iterdir(), key=lambda entry: entry.name):
            text = source.read_text("utf-8").replace(_PLACEHOLDER, name)
            (folder / source.name).write_text(text, "utf-8", newline="\n")
    except FileExistsError as error:
        raise TemplateError(f"{folder} already exists and was not changed") from error
    except OSError as error:
        raise TemplateError(f"cannot write {folder}: {error.strerror}") from error
    return folder


def template(language: Language) -> Path:
    """Return the folder of a language's template, which the package contains."""
    return Path(str(files("zenowasm.toolchains"))) / "template_files" / language.key
