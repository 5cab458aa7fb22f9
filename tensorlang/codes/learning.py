"""Codes of learning (E08xx): the method and its settings, the loss, and going on from a checkpoint."""

from __future__ import annotations

from tensorlang.codes.record import Code

CODES: tuple[Code, ...] = (
    Code(
        "E0801",
        "no such method of learning",
        "`minimize` knows `adam`, `adamw`, `sgd`, `lbfgs` and `muon`.",
        "minimize Loss with adm(lr=1e-3)",
        "minimize Loss with adam(lr=1e-3)",
    ),
    Code(
        "E0802",
        "no such setting",
        "Settings in the brackets belong to the method (`lr`, `beta1`, `momentum`, ...); those behind them belong "
        "to the run (`epochs` or `steps`, `batch`, `warmup`, `decay`, `clip`).",
        "minimize Loss with adam(learning_rate=1e-3)",
        "minimize Loss with adam(lr=1e-3)",
    ),
    Code(
        "E0803",
        "a setting outside its range",
        "A learning rate is above 0, a count is a whole number, a rate of forgetting lies between 0 and 1. "
        "Training with anything else would fail late or silently learn nothing.",
        "minimize Loss with adam(lr=-1)",
        "minimize Loss with adam(lr=0.001)",
    ),
    Code(
        "E0804",
        "a loss that is not one real number",
        "Only one real number can be made smaller. Sum or average what is left over, or take the absolute value of "
        "what is complex.",
        "Loss[n] = (Y[n] - P[n])^2\nminimize Loss with adam(), epochs=10",
        "Loss = (Y[n] - P[n])^2\nminimize Loss with adam(), epochs=10",
    ),
    Code(
        "E0805",
        "a loss that no parameter changes",
        "No parameter reaches the loss, or only through functions that are flat almost everywhere (`step`, "
        "`floor`, `argmax`, comparisons), so there is nothing to learn.",
        "Loss = (Y[n] - step(Z[n]))^2",
        "Loss = (Y[n] - sig(Z[n]))^2",
    ),
    Code(
        "E0806",
        "the loss is not finite",
        "The loss became infinite or nan, and every step after that would spoil all parameters, so training "
        "stopped with the parameters as they were before. Usual causes are a learning rate that is too large, the "
        "logarithm or the root of a number that reaches 0, and a division by 0.",
        "Loss = -T[n] log(P[n])",
        "Loss = -T[n] log(P[n] + 1e-9)",
    ),
    Code(
        "E0807",
        "a gradient is not finite",
        "The loss is finite but its derivative by a parameter is not, as with `sqrt(x)` at 0. Training stopped "
        "with the parameters as they were before the step.",
        "Loss = sqrt((Y[n] - P[n])^2)",
        "Loss = sqrt((Y[n] - P[n])^2 + 1e-12)",
    ),
    Code(
        "E0808",
        "not a checkpoint",
        "The file is not one that training wrote, or was written by a newer version. Parameters alone are loaded "
        "with `load params from`.",
    ),
    Code(
        "E0809",
        "a checkpoint of another training",
        "A checkpoint goes on exactly where it stopped, so method, parameters and batches must be those of the "
        "training that wrote it. Settings such as the learning rate and the number of epochs may change.",
    ),
    Code(
        "E0810",
        "training ran out of time",
        "The time that the run was given is over. The parameters are those after the last full step.",
    ),
    Code(
        "E0811",
        "nothing to learn from",
        "The index of the minibatch has no rows, so there is no batch to take.",
        "minimize Loss with adam(), epochs=5, batch=(n, 64)   # n is 0",
    ),
)
