"""Formulas become MathML while pages are written, so that they need no script and stand there at once.

A formula that cannot be converted stops the build. `finished_pages` cuts the font to what they show.
"""

import re
from functools import cache
from unicodedata import normalize
from xml.etree import ElementTree

from docutils import nodes
from math_core import LatexError, LatexToMathML
from sphinx.errors import ExtensionError
from sphinx.locale import _
from sphinx.util.logging import get_node_location
from sphinx.util.math import get_node_equation_number

FONT = "book-math.woff2"
CONVERTER = LatexToMathML(fancy_error=False)
# What must not be parted from a formula by the end of a line.
OPENING, CLOSING = re.compile(r"[(\[“‘]+$"), re.compile(r"[^\w\s]+(?:\w{1,2}(?!\w)[^\w\s]*)?")
LONG = 20  # plain characters that may be more than a telephone is wide
ENVIRONMENT = re.compile(r"\\begin\{(\w+\*?)\}.*?\\end\{\1\}", re.S)


@cache
def mathml(tex, display=False):
    """The formula as MathML; raises LatexError."""
    made = CONVERTER.convert_with_local_state(tex, displaystyle=display)
    tree = ElementTree.fromstring(made.replace("&ApplyFunction;", "\u2061"))
    for element in list(tree.iter()):
        if element.tag == "mover" and element[1].text == "\u0332":
            # A line that combines with a letter goes astray where it is drawn out.
            element.attrib.pop("accent")
            element[1].text = "‾"
        group(element)
    return ElementTree.tostring(tree, encoding="unicode")


def group(row):
    """Let an exponent belong to all between large brackets: browsers draw a bracket small that has one of its own."""
    opened, place = [], 0
    while place < len(row):
        child = row[place]
        scripted = child.tag in {"msup", "msub", "msubsup"}
        bracket = child[0] if scripted else child
        if "minsize" in bracket.attrib:
            closes = bracket.get("form") == "postfix" or bracket.text in set(")]}⟩")
            if not closes:
                opened.append(place)
            elif opened:
                start = opened.pop()
                if scripted:
                    inside = ElementTree.Element("mrow")
                    inside.extend([*row[start:place], bracket])
                    child[0] = inside
                    del row[start:place]
                    place = start
        place += 1


def lines(tex):
    """A display with several lines stands on one relation below another, as Sphinx has it."""
    parts = [part.strip() for part in re.split(r"\n\s*\n", tex) if part.strip()]
    parts = [aligned(part) if r"\\" in ENVIRONMENT.sub("", part) else part for part in parts]
    return aligned(r"\\".join(parts)) if len(parts) > 1 else "".join(parts)


def aligned(tex):
    """The lines of a formula in one table."""
    return rf"\begin{{aligned}}{tex}\end{{aligned}}"


def converted(node):
    """MathML of a node; stops the build where there is none."""
    tex, display = node.get("tex", node.astext()), isinstance(node, nodes.math_block)
    try:
        if display and node.get("nowrap"):
            raise LatexError("an environment that numbers itself: put `aligned` into a display")
        return mathml(lines(tex), display=True) if display else mathml(tex)
    except LatexError as error:
        raise ExtensionError(f"{get_node_location(node)}: no MathML for the formula {tex!r}: {error}") from error


# ---- Pages ---------------------------------------------------------------------------------------------------------


def visit_math(self, node):
    """A formula in a line, with the punctuation that sticks to it."""
    before, after = node.get("before", ""), node.get("after", "")
    kind = "math long" if len(before + node.astext() + after) > LONG else "math"
    self.body.append(f'<span class="{kind}">{self.encode(before)}{converted(node)}{self.encode(after)}</span>')
    raise nodes.SkipNode


def visit_displaymath(self, node):
    """A display in a box that scrolls if it must, with its number beside it."""
    self.body.append(self.starttag(node, "div", "", CLASS="math"))
    self.body.append(f'<div class="formula">{converted(node)}</div>')
    if node["number"]:
        self.body.append(f'<span class="eqno">({get_node_equation_number(self, node)})')
        self.add_permalink_ref(node, _("Link to this equation"))
        self.body.append("</span>")
    self.body.append("</div>\n")
    raise nodes.SkipNode


# ---- Before that: words that read a tree, and punctuation ----------------------------------------------------------

ACCENTS = {"˙": "\u0307", "˜": "\u0303", "ˆ": "\u0302", "¯": "\u0304", "‾": "\u0305"}
# Between a function and what it is taken of there is a space to read; nothing else of these is seen.
UNSEEN = {0x2061: " ", 0x2063: "", 0xFE00: ""}


def words(markup):
    """The formula on one line of plain characters, for the index of the search and for descriptions of pages."""
    return normalize("NFC", " ".join(flat(ElementTree.fromstring(markup)).split()))


def flat(element):
    """An element on one line."""
    parts = [flat(child) for child in element]
    short = [part if len(part) == 1 else f"({part})" for part in parts]
    match element.tag:
        case "mfrac":
            return "/".join(short)
        case "msqrt":
            return f"√({''.join(parts)})"
        case "msup":
            return parts[0] + raised(short[1])
        case "msub" | "munder":
            return f"{parts[0]}_{short[1]}"
        case "msubsup" | "munderover":
            return f"{parts[0]}_{short[1]}{raised(short[2])}"
        case "mover":
            return parts[0] + ACCENTS.get(parts[1], parts[1])
        case "mspace":
            return " " if element.get("width") else ""
        case "mtr":
            return "".join(parts) + " "
        case "mo" if (element.text or "") in "=<>≤≥≈≠∼→∝⟹↦∈+−±":
            return f" {element.text or ''} "
        case _:
            joined = (element.text or "").translate(UNSEEN)
            for part in parts:
                joined += " " * (joined[-1:].isalnum() and part[:1].isalpha()) + part
            return joined


def raised(power):
    """What stands above, with a sign for it unless it is a prime."""
    return power if power == "′" else f"^{power}"


def prepare(app, doctree, docname):
    """Give formulas the punctuation beside them, and leave plain characters to all that reads the text of a page."""
    if app.builder.format != "html":
        return
    for node in list(doctree.findall(lambda node: isinstance(node, nodes.math | nodes.math_block))):
        if isinstance(node, nodes.math):
            bind(node)
        node["tex"] = node.astext()
        plain = words(converted(node))
        node.children = []
        node += nodes.Text(plain if isinstance(node, nodes.math) else f" {plain} ")


def bind(node):
    """Move punctuation from the text before and after a formula into its node."""
    parent, place = node.parent, node.parent.index(node)
    before, after = (parent[k] if 0 <= k < len(parent) else None for k in (place - 1, place + 1))
    if isinstance(before, nodes.Text) and (found := OPENING.search(before)):
        node["before"] = found[0]
        parent[place - 1] = nodes.Text(before[: found.start()])
    if isinstance(after, nodes.Text) and (found := CLOSING.match(after)):
        node["after"] = found[0]
        parent[place + 1] = nodes.Text(after[found.end() :])


# From disk a browser may not preload a font, and need not.
PRELOAD = """<script>
if (location.protocol !== "file:") document.head.append(Object.assign(document.createElement("link"),
  { rel: "preload", as: "font", type: "font/woff2", crossOrigin: "", href: "%s" }));
</script>
"""


def load_font(app, pagename, templatename, context, doctree):
    """Ask for the font before any style sheet does, if there is maths on the page."""
    if "<math" in context.get("body", ""):
        context["metatags"] += PRELOAD % context["pathto"](f"_static/{FONT}", resource=True)


def setup(app):
    """Register with Sphinx."""
    app.add_html_math_renderer("mathml", (visit_math, None), (visit_displaymath, None))
    app.connect("doctree-resolved", prepare, priority=900)  # after the index of figures is filled
    app.connect("html-page-context", load_font)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
