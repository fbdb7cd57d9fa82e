"""Code of the repository that belongs to no package, as modules for tests: extensions of the book, scripts."""

import importlib.util
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def script(path):
    """The module at this path, from the root of the repository; it may import its neighbours."""
    file = ROOT / path
    spec = importlib.util.spec_from_file_location(path.replace("/", "_").removesuffix(".py"), file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look themselves up
    sys.path.insert(0, str(file.parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(file.parent))
    return module
