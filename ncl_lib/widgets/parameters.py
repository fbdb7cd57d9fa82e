"""Parameters of the explorables as traits; what they are is declared in ``front/parameters.js``, for sliders too."""

from __future__ import annotations

import json
import re

import traitlets

from .scripts import source

# The declaration is JSON, so that both languages read it.
PARAMETERS = json.loads(re.search(r"PARAMETERS = (\{.*?^\});$", source("parameters"), re.M | re.S)[1])


class Number(traitlets.Float):
    """A float that is a number; the bounds of traitlets let nan pass."""

    def validate(self, obj, value):
        """Refuse what the bounds let pass."""
        value = super().validate(obj, value)
        if value != value:
            self.error(obj, value)
        return value


def page_name(figure):
    """How pages and their addresses call a figure."""
    return figure.replace("_", "-")


def declared(figure):
    """The parameters of a figure, by name."""
    return PARAMETERS[page_name(figure)]


def traits(figure):
    """Traits of a figure's parameters, in the order of the declaration."""
    return [_trait(**parameter).tag(sync=True) for parameter in declared(figure).values()]


def _trait(*, label, default, options=None, of=None, min=None, max=None, step=None, digits=None):
    words = label.strip()
    if options:
        return traitlets.Enum(options, default, help=words)
    if of:
        count = len(default)
        return traitlets.List(Number(min=min, max=max), default, minlen=count, maxlen=count, help=words)
    # A slider that shows no digits counts.
    kind = traitlets.Int if digits == 0 else Number
    return kind(default, min=min, max=max, help=words)


def described(words, figure):
    """A docstring in which ``{name}`` becomes what values the parameter of this name may have."""
    return words.format_map({name: _range(**parameter) for name, parameter in declared(figure).items()})


def _range(*, options=None, min=None, max=None, **_):
    return ", ".join(map(repr, options)) if options else f"{min:g} to {max:g}"
