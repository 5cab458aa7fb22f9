"""Which library kernel computes a node: a table of rules, asked in order before the generic lowering.

In: a node of the Program. Out: a value, or None where no rule fits. A new kernel is one function and one line here.
"""

from __future__ import annotations

from tensorlang.passes.choose_attention import attention
from tensorlang.passes.choose_convolution import convolution
from tensorlang.passes.choose_distances import squared_distances
from tensorlang.passes.choose_norm import norm
from tensorlang.passes.choose_pairs import dots_at_pairs, rows_at_pairs
from tensorlang.passes.choose_pooling import window_pooling
from tensorlang.passes.choose_products import matches, sums
from tensorlang.passes.choose_semirings import semiring_product
from tensorlang.passes.choose_transform import fourier
from tensorlang.passes.values import Rule

RULES: tuple[Rule, ...] = (
    rows_at_pairs,  # H[Edge.at1[e],d]: rows of a table, with a gradient by groups
    dots_at_pairs,  # Q[Edge.at0[e],d] K[Edge.at1[e],d] summed over d: sampled_addmm
    attention,  # A[t,s] V[s,e] with A = softmax along s of scaled Q[t,d] K[s,d]: scaled_dot_product_attention
    convolution,  # F[o,dx,c] X[x+dx,c] summed over dx, c: conv1d, conv2d, conv3d
    window_pooling,  # max or mean over dx of X[2 x + dx]: max_pool, avg_pool
    fourier,  # dft[k,x] U[x] summed over x: fft; idft: ifft
    sums,  # sum and mean of a product over a shared index: mm, bmm
    matches,  # any of an and over a shared index: mm, then > 0
    semiring_product,  # min, max or logsumexp of A[x,y] + B[y,z] over y: block by block
    squared_distances,  # (X[n,i] - Z[m,i])^2 summed over i: block by block
    norm,  # lnorm, rmsnorm along an index: layer_norm, rms_norm (their factors and shifts join the call)
)
