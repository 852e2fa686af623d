"""What griffe does not know of the sources: docstrings are Markdown with doctests, and classes are made by attrs."""

from __future__ import annotations

import re
from typing import Any

from griffe import (
    Attribute,
    Class,
    Expr,
    ExprCall,
    ExprKeyword,
    Extension,
    Function,
    Object,
    Parameter,
    ParameterKind,
    Parameters,
)

_DOCTEST = re.compile(r"^>>> .*?(?=\n\n|\Z)", re.MULTILINE | re.DOTALL)
_ATTRS = {"attrs.define", "attrs.frozen"}
_LIMIT_DEFAULT = 2
"""The position of the default among the arguments of ``_limit``, which makes the fields of ``PluginLimits``."""


class Docstrings(Extension):
    """Fences doctests, and gives the classes of attrs the ``__init__`` that they get at run time."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Change the docstring of one object."""
        if obj.docstring is not None:
            obj.docstring.value = _DOCTEST.sub(r"```pycon\n\g<0>\n```", obj.docstring.value)

    def on_class_members(self, *, cls: Class, **_: Any) -> None:
        """Add ``__init__`` to a class of attrs."""
        if _ATTRS & {it.callable_path for it in cls.decorators} and "__init__" not in cls.members:
            parameters = [_parameter(it) for it in cls.attributes.values() if _is_field(it)]
            this = Parameter("self", kind=ParameterKind.positional_or_keyword)
            cls.set_member("__init__", Function("__init__", parameters=Parameters(this, *parameters)))


def _is_field(attribute: Attribute) -> bool:
    initialised = "init=False" not in str(attribute.value)
    return attribute.annotation is not None and "property" not in attribute.labels and initialised


def _parameter(attribute: Attribute) -> Parameter:
    return Parameter(
        attribute.name.lstrip("_"),
        annotation=attribute.annotation,
        kind=ParameterKind.positional_or_keyword,
        default=_default(attribute.value),
    )


def _default(value: str | Expr | None) -> str | Expr | None:
    """Return the default that a call of ``field`` or ``_limit`` names, else the value itself."""
    match value:
        case ExprCall(function=function) if str(function) == "_limit":
            return value.arguments[_LIMIT_DEFAULT]
        case ExprCall(function=function) if str(function) == "field":
            named = {it.name: it.value for it in value.arguments if isinstance(it, ExprKeyword)}
            return named.get("default", f"{named['factory']}()" if "factory" in named else None)
    return value
