"""Run the chapters that have changed, in parallel, into the cache that the build of the site reads.

``python book/execute.py _build``. A chapter has changed if its code has, or a module of the library that it uses,
directly or through others, or the pinned packages. Those that ran longest last time start first.
"""

import argparse
import ast
import hashlib
import json
import os
import re
import sys
import traceback
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import cache
from pathlib import Path

from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.executors.utils import single_nb_execution
from jupyter_cache.readers import get_reader

ROOT = Path(__file__).parent.parent
BOOK, LIBRARY = ROOT / "book", ROOT / "ncl_lib"
TIMEOUT = 180  # seconds a cell


def chapters():
    """Pages with code, by name."""
    pages = {path.relative_to(BOOK).with_suffix("").as_posix(): path for path in sorted(BOOK.rglob("*.md"))}
    return {name: path for name, path in pages.items() if path.read_text("utf-8").startswith("---\njupytext:")}


def read(path):
    """The notebook that MyST-NB makes of a page."""
    return get_reader({"name": "myst_nb_md", "type": "plugin"})(str(path))


def cached(store, notebook):
    """Its record in the cache, or None."""
    try:
        return store.match_cache_notebook(notebook)
    except KeyError:
        return None


@cache
def files_of(module):
    """Files that make up a module of the library, or a package of modules."""
    if (LIBRARY / f"{module}.py").exists():
        return (LIBRARY / f"{module}.py",)
    return tuple(sorted(path for path in (LIBRARY / module).rglob("*") if path.suffix in {".py", ".js", ".json"}))


def imports(code):
    """Modules of the library that a piece of code imports."""
    found = set()
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom):
            outside = node.level == 0 and (node.module or "").split(".")[0] != "ncl_lib"
            parts = [part for part in (node.module or "").split(".") if part not in {"", "ncl_lib"}]
            if not outside:
                names = parts[:1] or [alias.name for alias in node.names]
                found |= {home(name) for name in names}
        elif isinstance(node, ast.Import):
            found |= {alias.name.split(".")[1] for alias in node.names if alias.name.startswith("ncl_lib.")}
    return found - {None}


@cache
def home(name):
    """Module in which the library defines a public name; a module is its own home."""
    if files_of(name):
        return name
    for node in ast.walk(ast.parse((LIBRARY / "__init__.py").read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and name in {alias.asname or alias.name for alias in node.names}:
            return node.module
    return None


@cache
def reached(module):
    """The module and all that it imports, directly or not."""
    found, left = set(), [module]
    while left:
        here = left.pop()
        if here not in found:
            found.add(here)
            for path in files_of(here):
                if path.suffix == ".py":
                    left += imports(path.read_text("utf-8"))
    return frozenset(found)


def used(notebook):
    """Modules of the library that a chapter uses, directly or through others."""
    code = "\n".join(
        re.sub(r"^[%!].*$", "", cell.source, flags=re.M) for cell in notebook.cells if cell.cell_type == "code"
    )
    return frozenset().union(*(reached(module) for module in imports(code)))


def digest(notebook):
    """Short for all that the results of a chapter depend on beside its own code."""
    files = [path for module in sorted(used(notebook)) for path in files_of(module)]
    seen = hashlib.sha256()
    for path in [*files, ROOT / "requirements.txt"]:
        seen.update(path.read_bytes())
    return seen.hexdigest()


def run(path):
    """Run one chapter in its folder; the notebook with outputs, seconds, and what went wrong."""
    # One thread of linear algebra each: chapters side by side would get in each other's way.
    os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "TQDM_DISABLE": "1"}
    os.environ["NCL_LIB_PICTURES"] = "1"  # pages are read without a kernel: explorables draw what stands in for them
    notebook = read(path)
    try:
        # Each kernel would warn, in three lines, that others on this machine could listen.
        quiet = ["--log-level=ERROR"]
        result = single_nb_execution(
            notebook, cwd=str(path.parent), timeout=TIMEOUT, allow_errors=False, extra_arguments=quiet
        )
    except Exception:
        return notebook, 0.0, traceback.format_exc()
    return notebook, result.time, result.exc_string


def main():
    """Run what is not in the cache, and say what it took."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=Path, help="folder of the cache, _build")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="chapters at a time")
    choices = parser.parse_args()
    store, notes = get_cache(choices.build / ".jupyter_cache"), choices.build / ".runs.json"
    before = json.loads(notes.read_text()) if notes.exists() else {}
    now, waiting = {}, {}
    for name, path in chapters().items():
        notebook = read(path)
        last = before.get(name, {})
        now[name] = {"digest": digest(notebook), "seconds": last.get("seconds", path.stat().st_size / 1000)}
        record = cached(store, notebook)
        if record is not None and last.get("digest") != now[name]["digest"]:
            store.remove_cache(record.pk)
            record = None
        if record is None:
            waiting[name] = path
    order = sorted(waiting, key=lambda name: -now[name]["seconds"])
    failed = []
    with ProcessPoolExecutor(choices.jobs) as pool:
        futures = {pool.submit(run, waiting[name]): name for name in order}
        for future in as_completed(futures):
            name = futures[future]
            notebook, seconds, error = future.result()
            if error:
                failed.append(name)
                now.pop(name)
                print(f"{name}: failed\n{error}", file=sys.stderr, flush=True)
                continue
            store.cache_notebook_bundle(
                CacheBundleIn(notebook, str(waiting[name]), data={"execution_seconds": seconds}),
                check_validity=False,
                overwrite=True,
            )
            now[name]["seconds"] = round(seconds, 2)
            # Sphinx does not know that outputs have changed.
            (choices.build / ".doctrees" / f"{name}.doctree").unlink(missing_ok=True)
            print(f"{name}: {seconds:.1f} s", flush=True)
            notes.write_text(json.dumps(now, indent=1))
    notes.write_text(json.dumps(now, indent=1))
    if failed:
        sys.exit(f"{len(failed)} chapters failed: {', '.join(sorted(failed))}")


if __name__ == "__main__":
    main()
