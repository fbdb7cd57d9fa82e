"""Explorables and the training panel in a real JupyterLab, with a kernel behind them."""

import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import nbformat
import pytest
from playwright.sync_api import expect

from ncl_lib import widgets

# Of each explorable: a parameter that arrow keys move, its step, and a value that Python sets.
MOVES = {
    "PhaseLine": ("rho", 0.001, 0.3),
    "PhaseDiagram": ("beta", 0.02, 2.5),
    "RegimeShift": ("sigma2", 0.01, 1.5),
    "Clock": ("rho2", 0.005, 0.4),
    "Survival": ("mode", 1, 5),
    "SGDAtRest": ("inputs", 1, 9),
}
CELLS = [
    "from ncl_lib.widgets import *\nseen = []",
    *(
        f"{name.lower()} = {name}()\n{name.lower()}.observe(lambda c: seen.append((c.owner._figure, c.new)), '{key}')\n"
        f"{name.lower()}"
        for name, (key, _, _) in MOVES.items()
    ),
    "\n".join(f"{name.lower()}.{key} = {value}" for name, (key, _, value) in MOVES.items()),
    "print(seen)",
    "panel = TrainingPanel(d=8, h=3, batch=16, steps=100000)\npanel",
    "print(panel.run.status, panel.run.status.time == panel.run.t[-1])",
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(code) for code in CELLS], metadata={"kernelspec": kernel}
    )
    (folder / "work").mkdir()
    nbformat.write(notebook, folder / "work" / "figures.ipynb")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
    }
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--port={port}"]
    options = ["--ServerApp.port_retries=0", "--IdentityProvider.token=", f"--ServerApp.root_dir={folder / 'work'}"]
    options += ["--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"]
    with (folder / "log").open("w") as log:
        server = subprocess.Popen([*command, *options], env=environment, stdout=log, stderr=log)
        try:
            deadline = time.monotonic() + 90
            while True:
                try:
                    urllib.request.urlopen(f"http://127.0.0.1:{port}/api")
                    break
                except urllib.error.URLError:
                    assert server.poll() is None and time.monotonic() < deadline, (folder / "log").read_text()
                    time.sleep(0.2)
            yield f"http://127.0.0.1:{port}/lab/tree/figures.ipynb"
        finally:
            server.terminate()
            server.wait()


class Notebook:
    """The notebook, open in JupyterLab."""

    def __init__(self, page):
        self.page = page

    def cell(self, k):
        return self.page.locator(f".jp-Cell[data-windowed-list-index='{k}']")

    def run(self, k):
        """Run a cell, and wait until it has run."""
        cell = self.cell(k)
        prompt = cell.locator(".jp-InputArea-prompt")
        cell.locator(".jp-InputArea-editor").click()
        self.page.keyboard.press("Shift+Enter")
        expect(prompt).to_have_text(re.compile(r"\[\d+\]"), timeout=60_000)
        return cell


def test_figures_and_panel_are_live(lab, browser):
    page = browser.new_page(viewport={"width": 1400, "height": 3000})
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(lab)
    page.locator(".jp-Notebook").wait_for(timeout=90_000)
    # Before its kernel is there, JupyterLab asks which one to take.
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for(timeout=90_000)
    notebook = Notebook(page)
    notebook.run(0)
    figures = {}
    for k, (name, (key, step, _)) in enumerate(MOVES.items(), 1):
        figures[name] = root = notebook.run(k).locator(".explorable")
        root.locator(".summary").wait_for()
        slider = root.locator(f"[data-parameter={key}]")
        before = root.evaluate("(e, key) => e.state[key]", key)
        slider.focus()
        # Up and down are the keys with which a notebook goes from cell to cell.
        for arrow in ("ArrowRight", "ArrowUp", "ArrowUp", "ArrowDown"):
            page.keyboard.press(arrow)
        assert root.evaluate("(e, key) => e.state[key]", key) == pytest.approx(before + 2 * step), name
        assert slider.evaluate("e => e === document.activeElement"), name
        said = root.locator(".summary").inner_text()
        root.locator(".buttons button:not(.play)").first.focus()
        page.keyboard.press("Enter")
        page.wait_for_function(
            "([e, said]) => e.textContent !== said", arg=[root.locator(".summary").element_handle(), said]
        )
        root.locator(".reset").click()
    notebook.run(len(MOVES) + 1)
    for name, (key, _, value) in MOVES.items():
        page.wait_for_function(
            "([e, key, value]) => e.state[key] === value", arg=[figures[name].element_handle(), key, value]
        )
    observed = notebook.run(len(MOVES) + 2).locator(".jp-OutputArea-output").inner_text()
    for name, (_, _, value) in MOVES.items():
        figure = getattr(widgets, name)._figure
        assert observed.count(f"('{figure}',") >= 3 and f"('{figure}', {value})" in observed

    panel = notebook.run(len(MOVES) + 3)
    start = panel.get_by_role("button", name="Start")
    rho = panel.locator("input[type=number]").first
    rho.fill("-1")
    rho.press("Tab")
    start.click()
    panel.get_by_role("alert").filter(has_text="rho=-1.0").wait_for()
    rho.fill("0.1")
    rho.press("Tab")
    start.click()
    panel.locator("img").wait_for()
    panel.get_by_role("button", name="Stop").click()
    panel.get_by_text("ended early: interrupted").wait_for()
    said = notebook.run(len(MOVES) + 4).locator(".jp-OutputArea-output").inner_text()
    assert said.strip() == "interrupted True"
    assert errors == []
    page.close()
