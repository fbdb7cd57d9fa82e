"""Every claim carries its standing and its owner; and a map of all of them, from the references between them.

A theorem says both in its `:class:`, a figure its standing in the last words of its caption. See "How to read".
"""

import html
from typing import NamedTuple

from docutils import nodes
from sphinx import addnodes
from sphinx.errors import ExtensionError
from sphinx.util.docutils import SphinxDirective
from sphinx_proof.nodes import proof_node

STANDINGS = {
    "exact": "exact",
    "leading-order": "leading order",
    "frozen": "frozen picture",
    "finite-steps": "finite steps",
    "measured": "measured",
}
OWNERS = {"known": "textbook", "tian": "Tian et al.", "bao": "Bao", "ours": "ours"}
LEGEND = "how-to-read", "standing-of-a-claim"


class results_map(nodes.General, nodes.Element):
    """Where the map of results goes."""


class ResultsMap(SphinxDirective):
    """All theorems in the order of the chapters, with standing, owner, and what rests on what."""

    def run(self):
        self.env.note_reread()  # other pages may have changed
        return [results_map()]


class Claim(NamedTuple):
    """A theorem, and what it and its proof refer to; labels of equations are as good as those of theorems."""

    label: str
    kind: str
    title: nodes.title
    standing: str
    owner: str
    equations: list
    uses: list

    @classmethod
    def of(cls, node):
        """Read one off a page; one without standing or owner stops the build."""
        marks = [next((x for x in node["classes"] if x in known), None) for known in (STANDINGS, OWNERS)]
        if None in marks:
            raise ExtensionError(f"{node['label']}: its :class: must name a standing and an owner")
        equations = [found["label"] for found in node.findall(nodes.math_block) if found.get("label")]
        texts = [node, *proofs_of(node)]
        refs = [ref for text in texts for ref in text.findall(addnodes.pending_xref)]
        uses = sorted({ref["reftarget"] for ref in refs if ref["refdomain"] in ("prf", "math")})
        return cls(node["label"], node["realtype"], node.next_node(nodes.title).deepcopy(), *marks, equations, uses)

    @property
    def said(self):
        """Standing and owner in words."""
        return f"{STANDINGS[self.standing]} · {OWNERS[self.owner]}"


def proofs_of(node):
    """Proofs between a claim and the next claim or section."""
    for sibling in node.parent.children[node.parent.index(node) + 1 :]:
        if isinstance(sibling, nodes.section) or (isinstance(sibling, nodes.Element) and sibling.get("countertype")):
            return
        if isinstance(sibling, proof_node):
            yield sibling


def collect(app, doctree):
    """Label the claims of a page, and note them."""
    docname, found = app.env.docname, []
    legend = app.builder.get_relative_uri(docname, LEGEND[0]) + "#" + LEGEND[1]
    for node in list(doctree.findall(lambda n: isinstance(n, nodes.Element) and n.get("countertype"))):
        claim = Claim.of(node)
        found.append(claim)
        title = node.next_node(nodes.title)
        title += nodes.Text(" ")
        title += nodes.reference("", claim.said, refuri=legend, internal=True, classes=["standing"])
    for caption in doctree.findall(nodes.caption):
        last = caption.children[-1] if caption.children else None
        if isinstance(last, nodes.emphasis) and last.astext() in STANDINGS.values():
            last["classes"].append("standing")
    if not hasattr(app.env, "book_claims"):
        app.env.book_claims = {}
    app.env.book_claims[docname] = found


def fill(app, doctree, docname):
    """Put the map where it was asked for."""
    for place in list(doctree.findall(results_map)):
        places = Places(app, docname)
        place.replace_self([nodes.raw("", places.picture(), format="html"), *places.lists()])


class Places:
    """All claims in the order of the book, with numbers and addresses as seen from one page."""

    def __init__(self, app, docname):
        self.app, self.here = app, docname
        order = app.env.toctree_includes.get(app.config.root_doc, [])
        self.claims = {page: app.env.book_claims[page] for page in order if app.env.book_claims.get(page)}
        self.page = {claim.label: page for page, found in self.claims.items() for claim in found}
        self.found = {claim.label: claim for found in self.claims.values() for claim in found}
        means = {label: label for label in self.found}
        means |= {equation: claim.label for claim in self.found.values() for equation in claim.equations}
        self.uses = {
            label: sorted({means[used] for used in claim.uses if used in means} - {label}, key=list(self.found).index)
            for label, claim in self.found.items()
        }

    def name(self, label):
        """What a claim is called, such as Theorem 3.1."""
        numbers = self.app.env.toc_fignumbers.get(self.page[label], {})
        number = next((n[label] for n in numbers.values() if label in n), ())
        return f"{self.found[label].kind.title()} {'.'.join(map(str, number))}"

    def address(self, label):
        """Where it stands."""
        return f"{self.app.builder.get_relative_uri(self.here, self.page[label])}#{label}"

    def link(self, label):
        """A link to a claim."""
        return nodes.reference("", self.name(label), refuri=self.address(label), internal=True)

    def lists(self):
        """For each chapter its claims, what they rest on, and what rests on them."""
        for page, found in self.claims.items():
            yield nodes.rubric("", self.app.env.titles[page].astext())
            yield nodes.bullet_list("", *(self.item(claim) for claim in found))

    def item(self, claim):
        """One claim."""
        words = nodes.paragraph("", "", self.link(claim.label), nodes.Text(" "))
        words += [child.deepcopy() for child in claim.title.children]
        words += [nodes.Text(" "), nodes.inline("", claim.said, classes=["standing"])]
        users = [other for other, used in self.uses.items() if claim.label in used]
        for prompt, labels in ((" Rests on ", self.uses[claim.label]), (" Used by ", users)):
            for k, label in enumerate(labels):
                words += [nodes.Text(prompt if k == 0 else ", "), self.link(label)]
            if labels:
                words += nodes.Text(".")
        return nodes.list_item("", words)

    def picture(self):
        """The same as a picture: a row a chapter, a mark a claim, a curve from each to what it rests on."""
        height, left, step = 26, 250, 34
        spots = {
            claim.label: (left + step * k, 20 + height * row)
            for row, found in enumerate(self.claims.values())
            for k, claim in enumerate(found)
        }
        parts = [curve(*spots[label], *spots[used]) for label, uses in self.uses.items() for used in uses]
        for row, page in enumerate(self.claims):
            name = self.app.env.titles[page].astext()
            name = html.escape(name if len(name) < 36 else name[:34] + "…")
            parts.append(f'<text x="{left - 16}" y="{24 + height * row}" text-anchor="end">{name}</text>')
        for label, (x, y) in spots.items():
            mark = MARKS[self.found[label].standing].format(x=x, y=y, a=x - 6, b=y - 6, c=x + 6, d=y + 6)
            words = html.escape(f"{self.name(label)} {self.found[label].title.astext()}")
            link = f'<a href="{self.address(label)}" aria-label="{words}"><title>{words}</title>{mark}</a>'
            parts.append(link)
        width = max(x for x, _ in spots.values()) + 150
        words = "Map of results: a row a chapter, a mark a claim, a curve to each that it rests on"
        box = f"0 0 {width} {height * len(self.claims) + 20}"
        svg = f'<svg viewBox="{box}" role="group" aria-label="{words}">{"".join(parts)}</svg>'
        return f'<figure class="results-map">{svg}</figure>'


def curve(x1, y1, x2, y2):
    """A curve that leaves to the right, the further the rows are apart."""
    out = max(x1, x2) + 14 + abs(y1 - y2) / 6
    return f'<path d="M{x1} {y1}C{out:.0f} {y1} {out:.0f} {y2} {x2} {y2}"/>'


#: A shape a standing, so that colour is not needed.
MARKS = {
    "exact": '<circle class="full" cx="{x}" cy="{y}" r="6"/>',
    "leading-order": '<circle cx="{x}" cy="{y}" r="6"/>',
    "frozen": '<rect x="{a}" y="{b}" width="12" height="12"/>',
    "finite-steps": '<path class="full" d="M{x} {b}L{c} {d}L{a} {d}Z"/>',
    "measured": '<path d="M{a} {b}L{c} {d}M{a} {d}L{c} {b}"/>',
}


def merge(app, env, docnames, other):
    """Bring together what processes have collected."""
    env.book_claims = {**getattr(env, "book_claims", {}), **getattr(other, "book_claims", {})}


def setup(app):
    """Register with Sphinx."""
    app.add_node(results_map)
    app.add_directive("results-map", ResultsMap)
    app.connect("doctree-read", collect)
    app.connect("env-merge-info", merge)
    app.connect("doctree-resolved", fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
