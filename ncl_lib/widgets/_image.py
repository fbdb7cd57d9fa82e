"""A drawn figure as HTML that holds its own picture."""

import base64
import html
import io

_KINDS = {"svg": ("image/svg+xml", {"metadata": {"Date": None}}), "png": ("image/png", {"dpi": 90})}


def image(figure, alt, kind):
    """An ``<img>`` of a matplotlib figure, ``"svg"`` (sharp) or ``"png"`` (small where there is much in it)."""
    mime, options = _KINDS[kind]
    data = io.BytesIO()
    figure.savefig(data, format=kind, **options)
    source = base64.b64encode(data.getvalue()).decode()
    return f'<img style="max-width:100%" src="data:{mime};base64,{source}" alt="{html.escape(alt)}">'
