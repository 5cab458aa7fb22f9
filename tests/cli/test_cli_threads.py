"""Threads of the commands that compute wait without spinning, unless the environment says how they wait."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

ASK = "import os, tensorlang.cli; tensorlang.cli.main(['--version']); print(os.environ['OMP_WAIT_POLICY'])"


@pytest.mark.parametrize("given", [None, "ACTIVE"])
def test_waiting_threads_are_passive_unless_the_environment_says_otherwise(given):
    environment = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    environment |= {} if given is None else {"OMP_WAIT_POLICY": given}
    ran = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True, check=True, env=environment)
    assert ran.stdout.split()[-1] == (given or "PASSIVE")
