"""Codes of sums, functions, guards and element types (E04xx) and of what is not supported yet (E05xx)."""

from __future__ import annotations

from tensorlang.codes.record import Code

CODES: tuple[Code, ...] = (
    Code(
        "E0401", "an index stands alone under a function",
        "An index that is not on the left is summed, but readers differ on whether a lone one is summed before the function is "
        "applied or after. Say which: the message writes both readings out.",
        "input X[i]\nS = exp(X[i])\n", "input X[i]\nS = sum[i](exp(X[i]))\n",
    ),
    Code(
        "E0402", "an index is summed in one term and left over in another",
        "In a product of sums each term would use the index differently: one has summed it already, the other has not, and the "
        "product would sum it once more. Write the inner sum out, or give one term an equation of its own.",
        "input X[n,d], P[n]\nL = (X[n,d] - X[n,d] P[n])^2\n",
        "input X[n,d], P[n]\nM[d] = X[n,d] P[n]\nL = (X[n,d] - M[d])^2\n",
    ),
    Code(
        "E0403", "a condition relates indices that never meet",
        "A `where` limits the sums over its indices. If two of its indices are summed in different places, there is no place "
        "where the condition could be asked.",
        "input A[j], B[k]\nY = A[j] + B[k]   where j < k\n", "input A[j], B[k]\nY = A[j] B[k]   where j < k\n",
    ),
    Code(
        "E0404", "a tensor is aggregated in two ways",
        "All equations of a tensor use one aggregate: `=` and `+=` are sums, `max=` and its kin stand alone.",
        "input X[i], Z[i]\nY max= X[i]\nY += Z[i]\n", "input X[i], Z[i]\nY max= X[i]\nY max= Z[i]\n",
    ),
    Code(
        "E0405", "an average is shared by several equations",
        "An average of averages is not the average: one equation with `avg=` defines its tensor alone.",
        "input X[i], Z[i]\nY avg= X[i]\nY avg= Z[i]\n", "input X[i], Z[i]\nY avg= X[i] + Z[i]\n",
    ),
    Code(
        "E0406", "a function does not say along which index it runs",
        "`softmax` and its kin run along one index: `softmax[s](e)` names it, a dot on the left (`A[q,s.]`) marks it, and the "
        "only index on the left is understood.",
        "input X[q,s]\nA[q,s] = softmax(X[q,s])\n", "input X[q,s]\nA[q,s.] = softmax(X[q,s])\n",
    ),
    Code(
        "E0407", "a function has the wrong arguments",
        "Each function takes a fixed number of arguments; `where` and names belong to reductions and options only.",
        "input X[i]\nY[i] = exp(X[i], 2)\n", "input X[i]\nY[i] = exp(X[i])\n",
    ),
    Code(
        "E0408", "a reduction does not say over which indices, or the indices are misplaced",
        "`sum[i,j](e)`, `max[i](e)`, `argmax[c](e)`: the reduced indices stand in square brackets behind the name. Pointwise "
        "functions take none.",
        "input X[i]\nY = max(X[i])\n", "input X[i]\nY = max[i](X[i])\n",
    ),
    Code(
        "E0409", "a tensor is defined by itself",
        "An equation may read its own tensor at an earlier position of an axis, but not at the same one: its value would be "
        "needed before it is known. Layers get an axis of their own (`S[l+1,i] = ... S[l,i]`). Equations that settle when "
        "they are computed over and over are declared by `fixpoint`; those that take the best of something (`min=`, `max=`, "
        "`or=`, `and=`) need no declaration.",
        "input X[i], W[i,j]\nY[i] = tanh(W[i,j] Y[j]) + X[i]\n",
        "input X[i], W[i,j]\nfixpoint Y\nY[i] = tanh(W[i,j] Y[j]) + X[i]\n",
    ),
    Code(
        "E0411", "a dot stands where it marks nothing",
        "A dot behind one index of the left side names the index that a function without brackets runs along.",
        "input X[i,j]\nY[i.,j.] = softmax(X[i,j])\n", "input X[i,j]\nY[i,j.] = softmax(X[i,j])\n",
    ),
    Code(
        "E0412", "`concat` is misplaced or has no new index",
        "`Z[b,k] = concat[k](A[b,i], B[b,j])` lays the indices that are not on the left end to end along k. It is the whole "
        "right side of an equation.",
        "input A[b,i]\nZ[b,i] = concat[i](A[b,i])\n", "input A[b,i], B[b,j]\nZ[b,k] = concat[k](A[b,i], B[b,j])\n",
    ),
    Code(
        "E0413", "a reduction runs over an index that its argument does not have",
        "The reduced index stands in the argument; otherwise the reduction would only count.",
        "input X[i], Z[j]\nY[j] = sum[i](Z[j])\n", "input X[i], Z[j]\nY[j] = sum[i](X[i] Z[j])\n",
    ),
    Code(
        "E0414", "an entry of a tensor is not an integer",
        "Between index brackets stand indices, arithmetic on them, and integer tensors (a gather).",
        "input E[v,d], T[b]\nY[b,d] = E[T[b],d]\n", "dim v = 4\ninput E[v,d]\ninput T[b] in v\nY[b,d] = E[T[b],d]\n",
    ),
    Code(
        "E0415", "a value stands where a condition is expected",
        "`where`, `and`, `or`, `not`, `if`, `any` and `all` take conditions: comparisons, relations, or bool tensors.",
        "input X[i]\nY[i] = X[i]   where X[i]\n", "input X[i]\nY[i] = X[i]   where X[i] > 0\n",
    ),
    Code(
        "E0416", "a tensor's declared element type is too narrow",
        "A declared element type may widen what the equations give (int to float), never narrow it.",
        "input X[i]\nint Y[i]\nY[i] = 0.5 X[i]\n", "input X[i]\nfloat64 Y[i]\nY[i] = 0.5 X[i]\n",
    ),
    Code(
        "E0417", "complex numbers have no order",
        "Comparisons other than `==`, `max`, `min`, `sort`, `floor` and their kin need real numbers.",
        "input complex Z[i]\nY = max[i](Z[i])\n", "input complex Z[i]\nY = max[i](abs(Z[i]))\n",
    ),
    Code(
        "E0418", "a loss is not one number",
        "`minimize` makes one number small. An equation whose left side has no indices sums over all.",
        "input X[b]\nparam W\nL[b] = (W - X[b])^2\nminimize L with sgd(lr=0.1), epochs=1\n",
        "input X[b]\nparam W\nL = (W - X[b])^2\nminimize L with sgd(lr=0.1), epochs=1\n",
    ),
    Code(
        "E0419", "an index is divided by zero", "Integer division and remainder by the constant 0 have no value.",
        "dim i = 4\ninput X[i]\nY[i] = X[i/0]\n", "dim i = 4\ninput X[i]\nY[i] = X[i/2]\n",
    ),
    Code(
        "E0420", "an option of an action has no number that is known beforehand",
        "Settings of `minimize` are numbers or constants; a batch is an index and a number of rows.",
        "input X[b]\nparam W\nL = (W - X[b])^2\nminimize L with sgd(lr=0.1), epochs=1, batch=4\n",
        "input X[b]\nparam W\nL = (W - X[b])^2\nminimize L with sgd(lr=0.1), epochs=1, batch=(b, 4)\n",
    ),
    Code(
        "E0421", "a `:` on the right has no partner on the left",
        "A `:` or a range is an index without a name. Those on the right stand for those on the left, in their order; one too "
        "many would be summed away without a word. Whoever wants the sum names the index.",
        "input A[i,j]\nY = A[0,:]\n", "input A[i,j]\nY[:] = A[0,:]\n",
    ),
    Code(
        "E0422", "an integer power is too large",
        "Integers have 64 bits. A power of two integers that does not fit them would wrap around to a wrong number; a power of "
        "a float does not.",
        "input X[i]\nY[i] = 10^20 X[i]\n", "input X[i]\nY[i] = 1e20 X[i]\n",
    ),
    Code(
        "E0423", "an index is summed above and below the line",
        "Numerator and denominator would each sum the index if they stood alone: one reader takes the quotient of two sums, "
        "another the sum of quotients. Say which: the message writes both readings out.",
        "input Q[d], S[d,e], N[d]\nY[e] = Q[d] S[d,e] / (Q[d] N[d])\n",
        "input Q[d], S[d,e], N[d]\nY[e] = sum[d](Q[d] S[d,e]) / sum[d](Q[d] N[d])\n",
    ),
    Code(
        "W0401", "two equations cover the whole tensor",
        "Equations with one tensor on the left add up. Two that both cover all of it are often a slip; `+=` says that the sum "
        "is meant.",
        "input X[i], Z[i]\nY[i] = X[i]\nY[i] = Z[i]\n", "input X[i], Z[i]\nY[i] = X[i]\nY[i] += Z[i]\n",
    ),
    Code(
        "E0501", "a recurrence has no axis that orders it",
        "A tensor may read its own earlier positions along an axis (`H[t-1]`), several tensors may do so together, and the "
        "axis may run backwards (`H[t+1]`). Reads at the same position must be of tensors computed before, or stand at "
        "earlier positions of a further axis, as in an edit distance. What reads both ways along an axis has no first "
        "position: it is a fixed point, if it settles, and asks for it by `fixpoint H`.",
        "input X[t]\nH[t] = 0.3 H[t-1] + 0.3 H[t+1] + X[t]\n",
        "input X[t]\nfixpoint H\nH[t] = 0.3 H[t-1] + 0.3 H[t+1] + X[t]\n",
    ),
    Code("E0505", "derivatives are not supported yet", "`diff(e, X[i])` is part of the language; this version trains with "
         "gradients but does not write them as equations yet.", "input X[p]\nY[p] = diff(X[p]^2, X[p])\n",
         "input X[p]\nY[p] = 2 X[p]\n"),
    Code("E0506", "a structured constant is not supported yet", "`delta`, `epsilon`, `dft` and `idft` are there; the others "
         "come later.", "input X[i]\nY[i] = dct(X[i])\n", "input X[i]\nY[k] = dft[k,i] X[i]\n"),
)  # fmt: skip
