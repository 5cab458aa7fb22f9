"""Layer norms as library calls whose learned factor and shift are arguments.

In: ``AlongIndex(lnorm | rmsnorm)`` without absent elements. Out: ``layer_norm`` or ``rms_norm`` along the last axis;
what it is multiplied by and added to along that axis joins the call later (``lower_contract.py``, ``lower_apply.py``).
"""

from __future__ import annotations

from collections.abc import Sequence

from tensorlang.ir.code import Call, Items, Number, extent
from tensorlang.ir.facts import dtype as dtype_of
from tensorlang.ir.facts import presence
from tensorlang.ir.nodes import AlongIndex, Expr, Index
from tensorlang.ops import ALONG
from tensorlang.passes.values import Builder, Value, cast, expanded, reordered, tensor_of

_CALLS = {"lnorm": "F.layer_norm", "rmsnorm": "F.rms_norm"}


def norm(node: Expr, builder: Builder, wanted: Sequence[Index]) -> Value | None:
    """The rule of ``choose_kernels.py``."""
    if not isinstance(node, AlongIndex) or node.op not in _CALLS or presence(node.arg) is not None:
        return None
    value = cast(builder.lower(node.arg, builder, wanted), dtype_of(node))
    if node.index not in value.axes:
        value = expanded(builder, tensor_of(value), (*value.axes, node.index))
    value = reordered(value, (*(index for index in value.axes if index != node.index), node.index))
    options = [builder.lower(option, builder, ()).code for option in node.options]
    options += [Number(default) for _, default in ALONG[node.op].options[len(options) :]]
    size = Items((extent(node.index.size),))
    return builder.value(Call(_CALLS[node.op], (value.code, size), (("eps", options[0]),)), value.axes, value.dtype)
