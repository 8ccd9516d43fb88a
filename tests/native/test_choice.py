"""The kernels that the environment asks for, or an error that says why not."""

import os
import subprocess
import sys

import pytest

from tests.support.kernels import needs_native

pytestmark = needs_native


def features(choice):
    command = [sys.executable, "-c", "from zkevm import _native; print(_native.features())"]
    return subprocess.run(
        command,
        env=os.environ | {"ZKEVM_KERNELS": choice},
        capture_output=True,
        text=True,
        check=False,
    )


def test_portable_kernels_run_everywhere():
    assert features("portable").stdout == "portable\n"


def test_vector_kernels_run_or_say_why_not():
    run = features("avx512ifma")
    assert run.stdout == "avx512ifma\n" or "lacks the instructions" in run.stderr


@pytest.mark.parametrize("choice", ["", "avx2", "PORTABLE"])
def test_other_choices_are_usage_errors(choice):
    run = features(choice)
    assert run.returncode == 1
    assert f'UsageError: ZKEVM_KERNELS is portable or avx512ifma, not "{choice}"' in run.stderr
