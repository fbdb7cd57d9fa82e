"""An index of all figures, in the order of the chapters."""

from docutils import nodes
from sphinx import addnodes
from sphinx.util.docutils import SphinxDirective


class figure_index(nodes.General, nodes.Element):
    """Where the index of figures goes."""


class FigureIndex(SphinxDirective):
    """Every captioned figure of the book, in the order of its chapters."""

    def run(self):
        self.env.note_reread()  # other pages may have changed
        return [figure_index()]


def opening(caption):
    """The first sentence of a caption, with its formulas."""
    kept = []
    for child in caption.children:
        if isinstance(child, nodes.Text):
            sentence, end, _ = child.astext().replace("\n", " ").partition(". ")
            kept.append(nodes.Text(sentence + "." if end else sentence))
            if end:
                break
        elif isinstance(child, addnodes.pending_xref):  # resolved on its own page only
            kept.append(nodes.Text("…"))
        else:
            kept.append(child.deepcopy())
    return kept


def small(image):
    """The picture, to be loaded when it comes into sight; None for a figure that is drawn by a script."""
    if image is None:
        return None
    copy = image.deepcopy()
    copy.attributes = {key: copy[key] for key in ("uri", "candidates", "alt") if key in copy} | {"loading": "lazy"}
    copy["classes"] = ["small"]
    return copy


def collect(app, doctree):
    """Note the figures of a page, each with the first sentence of its caption."""
    found = []
    for figure in doctree.findall(nodes.figure):
        caption = next(iter(figure.findall(nodes.caption)), None)
        if caption is not None and figure["ids"]:
            image = next(iter(figure.findall(nodes.image)), None)
            found.append((figure["ids"][0], opening(caption), small(image)))
    if not hasattr(app.env, "book_figures"):
        app.env.book_figures = {}
    app.env.book_figures[app.env.docname] = found


def fill(app, doctree, docname):
    """Put the index where it was asked for."""
    for place in list(doctree.findall(figure_index)):
        listing = nodes.bullet_list(classes=["figure-index"])
        pages = app.env.toctree_includes.get(app.config.root_doc, [])
        for page in [*pages, *sorted(set(app.env.book_figures) - set(pages))]:
            numbers = app.env.toc_fignumbers.get(page, {}).get("figure", {})
            for anchor, words, image in app.env.book_figures.get(page, []):
                number = ".".join(map(str, numbers.get(anchor, ())))
                address = f"{app.builder.get_relative_uri(docname, page)}#{anchor}"
                name = nodes.Text(f"Figure {number}" if number else "Figure")
                picture = [image.deepcopy()] if image is not None else []
                link = nodes.reference("", "", *picture, name, refuri=address, internal=True)
                listing += nodes.list_item(
                    "", nodes.paragraph("", "", link, nodes.Text(": "), *(word.deepcopy() for word in words))
                )
        place.replace_self(listing)


def merge(app, env, docnames, other):
    """Bring together what processes have collected."""
    env.book_figures = {**getattr(env, "book_figures", {}), **getattr(other, "book_figures", {})}


def setup(app):
    """Register with Sphinx."""
    app.add_node(figure_index)
    app.add_directive("figure-index", FigureIndex)
    app.connect("doctree-read", collect)
    app.connect("env-merge-info", merge)
    app.connect("doctree-resolved", fill)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
