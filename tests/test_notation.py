"""One letter, one meaning: the page on notation against the formulas of every chapter."""

import re
from pathlib import Path

import pytest

BOOK = Path(__file__).parent.parent / "book"
LIBRARY = "\n".join(path.read_text(encoding="utf-8") for path in (BOOK.parent / "ncl_lib").rglob("*.py"))
CHAPTERS = sorted(
    path for part in ("puzzle", "l2", "cosine", "past", "steps", "open") for path in (BOOK / part).glob("*.md")
)
GREEK = re.findall(
    r"\w+",
    "alpha beta gamma delta epsilon varepsilon zeta eta theta kappa lambda mu nu xi pi rho sigma tau varphi phi chi psi"
    " omega Gamma Delta Theta Lambda Xi Pi Sigma Phi Psi Omega ell",
)
INDICES = {"i", "j", "k", "O", "\\pi"}


def formulas(text):
    """All formulas of a page; code is not prose."""
    text = re.sub(r"^```\{code-cell\}.*?^```", "", text, flags=re.S | re.M)
    found = re.findall(r"```\{math\}.*?\n(.*?)```", text, flags=re.S)
    text = re.sub(r"```\{math\}.*?```", "", text, flags=re.S)
    found += re.findall(r"\$\$(.*?)\$\$", text, flags=re.S)
    text = re.sub(r"\$\$.*?\$\$|`[^`\n]*`", "", text, flags=re.S)
    return found + re.findall(r"\$([^$]+)\$", text)


def letters(formula):
    """Letters of a formula, with what stands above or below them taken off; calligraphic ones with a mark."""
    formula = re.sub(r":label:.*", "", formula)
    formula = re.sub(r"\\(text|operatorname|mathrm|mathit|begin|end)\*?\{[^{}]*\}", " ", formula)
    formula = re.sub(r"\\mathbb\{.\}", " ", formula)
    formula = re.sub(r"\\mathcal\{(.)\}", r" @\1 ", formula)
    for script in (r"[_^]\{[^{}]*\}", r"[_^]\{[^{}]*\{[^{}]*\}[^{}]*\}", r"[_^](\\[a-zA-Z]+|.)"):
        formula = re.sub(script, " ", formula)
    found = {f"\\{name}" for name in re.findall(r"\\([a-zA-Z]+)", formula) if name in GREEK}
    found |= set(re.findall(r"@.", formula))
    return found | set(re.findall(r"[A-Za-z]", re.sub(r"@.|\\[a-zA-Z]+", " ", formula)))


def rows():
    """Rows of the tables of the notation page that begin with a symbol."""
    page = (BOOK / "notation.md").read_text(encoding="utf-8").split("## Local letters")[0]
    for line in page.splitlines():
        if line.startswith("| $"):
            yield [cell.strip() for cell in line.strip()[1:-1].split("|")]


def local():
    """Letters that belong to single chapters, by chapter."""
    page = (BOOK / "notation.md").read_text(encoding="utf-8").split("## Local letters")[1].split("## Words")[0]
    found = {}
    for line in page.splitlines():
        if line.startswith("| $"):
            names, places = line.strip("| ").split(" | ")
            for place in re.findall(r"\{doc\}`(.*?)`", places):
                found.setdefault(place, set()).update(*map(letters, re.findall(r"\$(.*?)\$", names)))
    return found


SYMBOLS = [symbol.split("=")[0].strip() for cells in rows() for symbol in re.findall(r"\$([^$]+)\$", cells[0])]
KNOWN = set().union(*map(letters, SYMBOLS)) | INDICES


def test_the_search_finds_letters_and_leaves_words_and_indices():
    assert letters(r"\tilde w_{\max} = N_\Psi^2 / \operatorname{tr} F \text{ or } \mathcal{A}") == {"w", "N", "F", "@A"}
    assert formulas("a $x$ and `$y$`\n\n$$z$$") == ["z", "x"]
    assert len(KNOWN) > 50


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_letter_of_a_chapter_is_on_the_page_of_notation(chapter):
    name = f"{chapter.parent.name}/{chapter.stem}"
    used = set().union(*map(letters, formulas(chapter.read_text(encoding="utf-8"))))
    strange = used - KNOWN - local().get(name, set())
    assert not strange, f"{name}: {sorted(strange)} are not on the page of notation"


def test_a_symbol_has_one_row():
    twice = {symbol for symbol in SYMBOLS if SYMBOLS.count(symbol) > 1}
    assert not twice


def test_a_local_letter_has_no_meaning_elsewhere():
    for place, found in local().items():
        text = (BOOK / f"{place}.md").read_text(encoding="utf-8")
        assert found <= set().union(*map(letters, formulas(text))), f"{place} does not use {found}"
        assert not found & (KNOWN - INDICES), f"{found & KNOWN} has a meaning of its own"


def test_symbols_are_used_where_they_are_said_to_be_defined():
    for cells in rows():
        for place in re.findall(r"\{doc\}`(.*?)`", cells[-1]):
            used = set().union(*map(letters, formulas((BOOK / f"{place}.md").read_text(encoding="utf-8"))))
            first = letters(re.findall(r"\$([^$]+)\$", cells[0])[0].split("=")[0])
            assert first <= used, f"{cells[0]} is not in {place}"


def test_names_in_code_exist():
    for cells in rows():
        for name in re.findall(r"`([^`]+)`", cells[1]):
            word = re.findall(r"[A-Za-z_]\w*", name)
            assert any(re.search(rf"\b{part}\b", LIBRARY) for part in word) or name == "Phi", f"{name}: no such name"
