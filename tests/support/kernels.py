"""The native kernels where they are built, for tests that run on both."""

import pytest

from tests.support import reference_kernels

try:
    from zkevm import _native as native
except ImportError:
    native = None

BOTH = [
    pytest.param(reference_kernels, id="reference"),
    pytest.param(
        native,
        id="native",
        marks=pytest.mark.skipif(native is None, reason="the native kernels are not built"),
    ),
]

needs_native = pytest.mark.skipif(native is None, reason="the native kernels are not built")
