"""What all tests share: hypothesis profiles and the way to the shared fixtures."""

import os
from collections.abc import Callable
from pathlib import Path

import py_ecc  # noqa: F401 (raises the recursion limit, which must not happen inside a property)
import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent

settings.register_profile("dev", max_examples=25, deadline=None)
settings.register_profile(
    "ci",
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("nightly", max_examples=2000, deadline=None)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))


@pytest.fixture(scope="session")
def shared() -> Callable[[str], Path]:
    """A function from a name such as `srs/FORMATS.md` to its path under `../shared`.

    The test is skipped where the file is absent: the repository must test without its neighbours.
    """

    def find(name: str) -> Path:
        path = ROOT.parent / "shared" / name
        if not path.exists():
            pytest.skip(f"needs ../shared/{name}, which is not here")
        return path

    return find
