"""No pass changes the value of a random network of sums and products."""

from __future__ import annotations

import numpy as np
import pytest

from tensorlang.backends.reference import evaluate
from tensorlang.ir.verify import verify
from tensorlang.passes import PIPELINE
from tests.passes.meaning import assert_same
from tests.passes.networks import SIZES, network


@pytest.mark.parametrize("seed", range(120))
def test_no_pass_changes_a_network(seed: int) -> None:
    program = network(seed)
    verify(program, "the writer")
    random = np.random.default_rng(seed)
    given = [tensor for tensor in program.tensors.values() if tensor.kind != "defined"]
    data = {t.name: random.integers(-3, 4, [size.value(SIZES) for size in t.shape]) / 2 for t in given}
    meant = {name: evaluate(program, data, SIZES)[name] for name in program.outputs}
    for name, run in PIPELINE:
        program = run(program)
        verify(program, name)
        assert_same(meant, evaluate(program, data, SIZES), name)
