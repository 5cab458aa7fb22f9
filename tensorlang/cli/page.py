"""The commands, and the page that ``tensorlang --help`` prints."""

from __future__ import annotations

COMMANDS = {
    "new": "make a small project to start from",
    "run": "run a program: train, answer its queries, write its files",
    "repl": "enter equations one by one and see each value at once",
    "check": "find the mistakes of programs without running them",
    "fmt": "rewrite programs in the one layout",
    "test": "run the tests and assertions of programs",
    "compile": "write a program as a file that runs without tensorlang",
    "inspect": "show what such a file takes and gives",
    "latex": "print the equations of a program in LaTeX",
    "explain": "show what a program means at any stage, or what an error code means",
}

_PAGE = """\
tensorlang: tensor equations, compiled to PyTorch

  usage: tensorlang COMMAND ...          tensorlang COMMAND --help says more

Begin
  new NAME              {new}
  run FILE              {run}
  repl [FILE]           {repl}

Look
  check FILES           {check}
  explain FILE [NAME]   every equation with its sums, sizes and element types written out
  explain E0301         what an error code means, with an example

Keep
  fmt FILES             {fmt}
  test PATHS            {test}

Ship
  compile FILE -o OUT   {compile}
  inspect OUT           {inspect}
  latex FILE [NAME]     {latex}

An equation multiplies what stands side by side and sums over every index that is not on its left:

  $ cat layer.tl
  data  X[b,i] = load("x.npy")
  param W[o,i] ~ glorot()
  dim o = 3
  Y[b,o] = relu(W[o,i] X[b,i])
  $ tensorlang run layer.tl

A program reads and writes files in its own folder and below; --allow-read DIR and --allow-write DIR open others.
What it may use at most has a limit each, set by --limit-memory 4G and its like (tensorlang run --help).

Results go to stdout, problems to stderr; --json gives one JSON document on stdout instead. Colour appears on a
terminal only; NO_COLOR=1 turns it off, FORCE_COLOR=1 turns it on. --debug shows the traceback of an internal fault.

Exit codes: 0 fine, 1 the program is wrong or an assertion failed, 2 wrong use, 70 a bug in tensorlang,
130 interrupted.

  tensorlang --version"""


def page() -> str:
    """The text of ``tensorlang --help``."""
    return _PAGE.format(**COMMANDS)
