"""The benchmarks by name, in the order in which they are run. A new one is a file and a line."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from benchmarks import (
    algebra,
    attention,
    cells,
    compiling,
    convolution,
    first_answer,
    graphs,
    memory,
    overhead,
    perceptron,
    recurrence,
    rules,
    semiring,
    transformers,
)
from benchmarks.record import Row, Settings

BENCHMARKS: dict[str, Callable[[Settings], Iterator[Row]]] = {
    "overhead": overhead.measure,
    "perceptron": perceptron.measure,
    "attention": attention.measure,
    "transformers": transformers.measure,
    "convolution": convolution.measure,
    "cells": cells.measure,
    "graphs": graphs.measure,
    "algebra": algebra.measure,
    "recurrence": recurrence.measure,
    "rules": rules.measure,
    "memory": memory.measure,
    "semiring": semiring.measure,
    "compiling": compiling.measure,
    "first_answer": first_answer.measure,
}
