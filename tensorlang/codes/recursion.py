"""Codes of tensors that need themselves: recurrences, fixed points, circles (E052x), how recurrences run (E054x)."""

from __future__ import annotations

from tensorlang.codes.record import Code

CODES: tuple[Code, ...] = (
    Code(
        "E0520", "a faulty declaration of a fixed point",
        "`fixpoint Z tol 1e-6 max 100 method anderson otherwise error` says of the circle of equations that `Z` belongs to: "
        "how little may change at the end, how many steps it may take, how the next guess is made (`anderson` mixes the last "
        "few, `plain` takes the last), and whether not getting there is an error or a warning (`otherwise warn`). Each "
        "setting stands once, and a circle has one declaration. With `tol` or `method` what `min=` and `max=` join settles from "
        "0 as well; without, it improves from its infinity until nothing changes.",
        "input X[i]\nfixpoint Z tolerance 1e-6\nZ[i] = 0.5 Z[i] + X[i]\n",
        "input X[i]\nfixpoint Z tol 1e-6\nZ[i] = 0.5 Z[i] + X[i]\n",
    ),
    Code(
        "W0520", "a fixed point of equations in no circle",
        "A `fixpoint` iterates equations that read what they define. Where they do not, they are computed once, and the "
        "declaration says nothing. Often a name in one of the equations is not the one that was meant.",
        "input X[i]\nfixpoint Z\nZ[i] = 0.5 X[i]\n", "input X[i]\nfixpoint Z\nZ[i] = 0.5 Z[i] + X[i]\n",
    ),
    Code(
        "E0521", "a fixed point of whole numbers or truth values",
        "A declared fixed point is reached little by little, and it has a gradient: its tensors hold real numbers. Whole "
        "numbers and truth values are iterated where an aggregate only ever improves them (`min=`, `max=`, `or=`, `and=`): "
        "such a circle needs no declaration, and ends exactly.",
        "input X[i]\nint Z[i]\nfixpoint Z\nZ[i] = floor(0.5 Z[i] + X[i])\n",
        "input X[i]\nfixpoint Z\nZ[i] = 0.5 Z[i] + X[i]\n",
    ),
    Code(
        "E0522", "whole numbers that start at an infinity",
        "A circle of `min=` or `max=` starts where nothing has been found yet: at an infinity. An equation that adds to it or "
        "multiplies it needs real numbers there, since the largest integer plus one is not a larger one. Without a declared "
        "type such a tensor is a float; integers that are only passed on, as labels are, stay integers. The same holds for a "
        "recurrence by `min=` or `max=` with elements that no equation names.",
        "input int W[x,x']\nint D[x,x']\nD[x,z] min= W[x,z]\nD[x,z] min= D[x,y] + W[y,z]\n",
        "input int W[x,x']\nD[x,z] min= W[x,z]\nD[x,z] min= D[x,y] + W[y,z]\n",
    ),
    Code(
        "E0523", "`not` in a circle",
        "What holds where something else does not hold can only be known after it. In a circle there is no after: `A` would "
        "hold where `B` does not, and `B` where `A` does not. Positions give an order (`W[t+1] = not W[t]`), and so do "
        "equations outside of the circle, which are computed before.",
        "input E[x,y] : bool\nWin[x] or= E[x,y] and not Win[y]\n",
        "input E[x,y] : bool\ndim t = 5\nWin[t+1,x] or= E[x,y] and not Win[t,y]\n",
    ),
    Code(
        "E0524", "a circle that does not only improve",
        "Tensors that need each other are computed over and over where aggregates only ever improve them: what `min=` joins "
        "falls from step to step, what `max=` joins rises, and in the end nothing changes. That needs every circle of reads "
        "to pass through such a tensor, and every read to move the same way: `D[x] min= 5 - D[y]` would rise where `D` falls.",
        "input W[x,y]\nD[0] = 0\nD[y] min= W[x,y] - D[x]\n", "input W[x,y]\nD[0] = 0\nD[y] min= W[x,y] + D[x]\n",
    ),
    Code(
        "W0521", "a recurrence reads nothing but zeros",
        "A read outside of an axis is 0. Where a recurrence looks as far back as its axis is long, or further, no read of "
        "it is inside, and the equation says the same without it. Often the axis is shorter than was meant.",
        "input X[t]\ndim t = 3\nH[t] = H[t-3] + X[t]\n", "input X[t]\ndim t = 4\nH[t] = H[t-3] + X[t]\n",
    ),
    Code(
        "E0534", "a report on what is no fixed point",
        "`Z.steps` is the number of steps after which a fixed point was found, `Z.residual` the largest change of an "
        "element in the last of them, in units of the largest element where that is above 1 (of circles of `min=` and the "
        "like, the number of elements that changed). Other tensors are computed once, in order, and have no such reports; "
        "and the equations of the circle cannot read them.",
        "input X[i]\nZ[i] = 0.5 X[i]\nN = Z.steps\n", "input X[i]\nfixpoint Z\nZ[i] = 0.5 Z[i] + X[i]\nN = Z.steps\n",
    ),
    Code(
        "E0540", "a faulty declaration of a recurrence",
        "`scan H method loop checkpoint 64` says how the recurrence that `H` belongs to is run; it never changes what it "
        "means. `method` is `auto`, `loop` (position by position) or `parallel` (Newton's method over all positions at once, "
        "to the tolerance `tol` in at most `max` rounds). `checkpoint 64` is for training: the gradient keeps every 64th "
        "position and computes those between again. Each setting stands once, and a recurrence has one declaration.",
        "input X[t]\nscan H checkpoints 64\nH[t] = 0.5 H[t-1] + X[t]\n",
        "input X[t]\nscan H checkpoint 64\nH[t] = 0.5 H[t-1] + X[t]\n",
    ),
    Code(
        "E0541", "a `scan` of what is no recurrence",
        "`scan` says how a recurrence is run: a tensor whose positions along one axis need earlier ones. Others are computed "
        "at once for all positions, and one that needs itself at the same position is a fixed point. Often a name in one of "
        "the equations is not the one that was meant.",
        "input X[t]\nscan H\nH[t] = 0.5 X[t-1] + X[t]\n", "input X[t]\nscan H\nH[t] = 0.5 H[t-1] + X[t]\n",
    ),
    Code(
        "E0542", "a position that a virtual index does not keep",
        "`H[*t+1,i] = ... H[*t,i] ...` says that of `H` only its last position along `t` is wanted: it takes the memory of "
        "one position. Equations of its own recurrence read it as they would without the star; others read its last "
        "position, as `H[-1,i]` or `H[*t,i]`, and printed or returned it has one axis less.",
        "input X[t]\nH[*t] = 0.5 H[*t-1] + X[t]\nY[t] = 2 H[t]\n", "input X[t]\nH[t] = 0.5 H[t-1] + X[t]\nY[t] = 2 H[t]\n",
    ),
    Code(
        "E0543", "a star that marks no axis",
        "`*t` marks an axis of the tensor that an equation defines, on its left side; the equations that read this tensor "
        "write it too, or leave it out. A star on an axis of any other tensor would say nothing.",
        "input X[t]\nY[t] = X[*t]\n", "input X[t]\nY[t] = X[t]\n",
    ),
)  # fmt: skip
