"""The runs of the chapters that the build has made: all there, whole, and of the code as it stands."""

from pathlib import Path

import nbformat
import pytest
from jupyter_cache import get_cache
from scripts import script

ROOT = Path(__file__).parent.parent
SOURCES = ROOT / "_build" / "html" / "_sources"


EXECUTE = script("book/execute.py")
CHAPTERS = EXECUTE.chapters()
READ = {name: EXECUTE.read(path) for name, path in CHAPTERS.items()}


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_cell_of_a_chapter_has_run_in_order_and_without_error(name):
    store = get_cache(ROOT / "_build" / ".jupyter_cache")
    _, run = store.merge_match_into_notebook(READ[name])  # a KeyError says that this code was never run
    counts = [cell.execution_count for cell in code(run)]
    assert counts == list(range(1, len(counts) + 1)) and counts
    kinds = [output.output_type for cell in code(run) for output in cell.outputs]
    assert "error" not in kinds and {"stream", "display_data", "execute_result"} & set(kinds)
    said = [output.text for cell in code(run) for output in cell.outputs if output.get("name") == "stderr"]
    assert not said, "a chapter warns its readers"


@pytest.mark.parametrize("name", CHAPTERS)
def test_the_notebook_for_download_holds_the_same_run(name):
    download = nbformat.read(SOURCES / f"{name}.ipynb", as_version=4)
    assert [cell.source for cell in code(download)] == [cell.source for cell in code(READ[name])]
    assert any(cell.outputs for cell in code(download))


def test_a_change_runs_the_chapters_again_that_use_it():
    uses = {name: EXECUTE.used(notebook) for name, notebook in READ.items()}
    assert all({"setting", "_checks"} <= modules and "" not in modules for modules in uses.values())
    assert {name for name, modules in uses.items() if "deep" in modules} == {"open/assumptions", "open/images"}
    figures = {name for name, path in CHAPTERS.items() if "ncl_lib.widgets" in path.read_text(encoding="utf-8")}
    assert {name for name, modules in uses.items() if "widgets" in modules} == figures
    assert "_solve" in EXECUTE.reached("survival") and "widgets" not in EXECUTE.reached("survival")
    assert EXECUTE.home("SixthOrderFlow") == "flows" and EXECUTE.home("no_such_name") is None
    assert any(path.suffix == ".js" for path in EXECUTE.files_of("widgets"))
    assert EXECUTE.imports("import numpy as np\nfrom scipy import stats\nfrom ncl_lib.losses import L2") == {"losses"}
