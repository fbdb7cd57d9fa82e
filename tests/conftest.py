"""Shared by all tests: deterministic hypothesis runs, random starts, and a real browser."""

import functools
import http.server
import os
import shutil
import threading

import numpy as np
import pytest
from hypothesis import settings
from playwright.sync_api import sync_playwright
from visits import SITE, TABS, Quiet

settings.register_profile("repeatable", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("repeatable")

NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture
def rng():
    return np.random.default_rng(20231)


@pytest.fixture(scope="module")
def browser():
    found = next(filter(None, map(shutil.which, NAMES)), None)
    if found is None:
        assert not os.environ.get("REQUIRE_BROWSER"), "REQUIRE_BROWSER is set and there is no chromium"
        pytest.skip("no chromium on this machine: nothing is tested in a browser")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=FLAGS)
        yield browser
        TABS.clear()
        browser.close()


@pytest.fixture(scope="module")
def bases():
    handler = functools.partial(Quiet, directory=SITE)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield {"http": f"http://127.0.0.1:{server.server_port}/", "file": f"{SITE.as_uri()}/"}
        server.shutdown()
