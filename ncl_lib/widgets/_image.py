"""A drawn figure as HTML that holds its own picture, and when one is drawn at all."""

import base64
import html
import io
import os

PICTURES = "NCL_LIB_PICTURES"  # the variable of the environment by which the build of the book asks for pictures

_KINDS = {"svg": ("image/svg+xml", {"metadata": {"Date": None}}), "png": ("image/png", {"dpi": 90})}


def image(figure, alt, kind):
    """An ``<img>`` of a matplotlib figure, ``"svg"`` (sharp) or ``"png"`` (small where there is much in it)."""
    mime, options = _KINDS[kind]
    data = io.BytesIO()
    figure.savefig(data, format=kind, **options)
    source = base64.b64encode(data.getvalue()).decode()
    return f'<img style="max-width:100%" src="data:{mime};base64,{source}" alt="{html.escape(alt)}">'


def pictures_wanted():
    """Whether outputs are to be read without a kernel; with one nobody sees a picture, and all wait for it."""
    return os.environ.get(PICTURES, "") not in {"", "0"}
