"""Codes of fixed points that are not reached while a program runs (E053x), and recurrences solved as one (W0540)."""

from __future__ import annotations

from tensorlang.codes.record import Code

CODES: tuple[Code, ...] = (
    Code(
        "E0530", "a fixed point does not settle",
        "The equations of a fixed point are computed over and over until no element changes by more than the tolerance "
        "(`tol`, times the largest element where that is above 1). That was not so after the steps that are allowed "
        "(`max`). Where each step brings two guesses closer together by a fixed factor, the steps needed grow with the "
        "digits that are asked for; where it does not, nothing may be found at all.",
        "X = [1.0, 2]\nfixpoint Z max 20 method plain\nZ[i] = 0.9 Z[i] + X[i]\nZ?\n",
        "X = [1.0, 2]\nfixpoint Z max 200 method plain\nZ[i] = 0.9 Z[i] + X[i]\nZ?\n",
    ),
    Code(
        "W0530", "a fixed point that did not settle is used",
        "The declaration says `otherwise warn`: the program goes on with what the last step gave, although it still "
        "changed by more than the tolerance. `Z.residual` says by how much, `Z.steps` how many steps were taken. A "
        "gradient through it is that of a fixed point that is not quite there.",
        "X = [1.0, 2]\nfixpoint Z max 20 method plain otherwise warn\nZ[i] = 0.9 Z[i] + X[i]\nZ?\n",
        "X = [1.0, 2]\nfixpoint Z max 200 method plain otherwise warn\nZ[i] = 0.9 Z[i] + X[i]\nZ?\n",
    ),
    Code(
        "E0531", "a fixed point runs away",
        "The numbers of a fixed point, or of its gradient, became infinite (or no numbers at all), so that no further "
        "step can mend them. Each step must bring two guesses closer together: weights that multiply the tensor must be "
        "small enough, or a function such as `tanh` must bound it.",
        "X = [1.0, 2]\nfixpoint Z max 1000 method plain\nZ[i] = 2 Z[i] + X[i]\nZ?\n",
        "X = [1.0, 2]\nfixpoint Z max 1000 method plain\nZ[i] = 0.5 Z[i] + X[i]\nZ?\n",
    ),
    Code(
        "E0532", "values of a circle improve without end",
        "A circle of `min=`, `max=`, `or=` or `and=` is computed until nothing changes. With weights around a circle that "
        "sum to less than 0, each way round makes a minimum smaller still, and so for a maximum and sums above 0: there is "
        "no shortest way. Where values are sums along paths, this is known after as many steps as a path can have elements. "
        "Elsewhere it is taken to be so after the steps that `fixpoint D max 1000` allows, 10,000 where nothing is said.",
        "W = [[0, 1], [-2, 0]]\nD[i,k] min= W[i,k]\nD[i,k] min= D[i,j] + W[j,k]\nD?\n",
        "W = [[0, 1], [2, 0]]\nD[i,k] min= W[i,k]\nD[i,k] min= D[i,j] + W[j,k]\nD?\n",
    ),
    Code(
        "E0533", "the gradient of a fixed point does not settle",
        "The gradient through a fixed point solves an equation of its own, with the derivative of one step, by the same "
        "method, tolerance and number of steps. It has a solution where small changes of the fixed point die out from "
        "step to step, and takes long where they hardly do.",
    ),
    Code(
        "W0540", "a recurrence is computed as a loop after all",
        "`scan H method parallel` finds all positions at once by Newton's method: it guesses them all, and mends the guess "
        "by what each position says of the one before, until a round changes nothing by more than `tol`. That is quick "
        "where what is far away is soon forgotten. Where small changes grow from position to position, the guesses do not "
        "settle within `max` rounds; then the loop is run, which always ends and gives the same, and this is said.",
        "dim t = 200\nscan H method parallel max 5\nH[0] = 0.3\nH[t+1] = 3.9 H[t] (1 - H[t])\nLast = H[-1]\nLast?\n",
        "dim t = 200\nscan H method loop\nH[0] = 0.3\nH[t+1] = 3.9 H[t] (1 - H[t])\nLast = H[-1]\nLast?\n",
    ),
)  # fmt: skip
