"""Codes of the command line and of the prompt (E10xx)."""

from __future__ import annotations

from tensorlang.codes.record import Code

CODES: tuple[Code, ...] = (
    Code(
        "E1001",
        "there is no such command",
        "The first word behind `tensorlang` is a command: new, run, repl, check, fmt, test or explain. A program is run "
        "with `tensorlang run FILE`.",
        "tensorlang digits.tl",
        "tensorlang run digits.tl",
    ),
    Code(
        "E1002",
        "there is no such option",
        "Each command has its own options; `tensorlang COMMAND --help` lists them. An option is written in full, with its "
        "value behind a space or a `=`.",
        "tensorlang run digits.tl --epoch 5",
        "tensorlang run digits.tl --epochs 5",
    ),
    Code(
        "E1003",
        "an option has a value that it cannot take",
        "Options that name something take `NAME=VALUE` (`--dim d=64`, `--set rate=0.1`, `--input X=x.npy`). Counts are "
        "whole numbers. Sizes in bytes may end in K, M, G or T, each 1024 of the one before.",
        "tensorlang run digits.tl --dim 64",
        "tensorlang run digits.tl --dim d=64",
    ),
    Code(
        "E1004",
        "something is missing, or there is too much",
        "The line above `options` in `tensorlang COMMAND --help` says what the command takes: words in capitals are yours "
        "to fill in, those in square brackets may be left out, and `...` says that there may be several.",
        "tensorlang run",
        "tensorlang run digits.tl",
    ),
    Code(
        "E1005",
        "there are no programs here",
        "Where a folder is given, all files in it and below it whose names end in `.tl` are taken. This one has none.",
    ),
    Code(
        "E1006",
        "something of that name is there already",
        "`tensorlang new` makes a new folder and never touches one that exists. Choose another name, or remove the folder "
        "yourself.",
        "tensorlang new digits   # digits/ exists",
        "tensorlang new digits2",
    ),
    Code(
        "E1007",
        "a file cannot be written",
        "The system refused to write the file, for the reason that the message gives. What was there before is unchanged: "
        "files are written beside their place first, and moved there when they are complete.",
    ),
    Code(
        "E1008",
        "there is no such code",
        "Codes are a letter and four digits, as they stand in brackets behind `error` and `warning`.",
        "tensorlang explain E9999",
        "tensorlang explain E0301",
    ),
    Code(
        "E1009",
        "there are no tests here",
        "`tensorlang test` runs the `test` blocks and the `assert` statements of programs, and found none. That is an "
        "error, since a test run that tests nothing is easily taken for one that passed.",
        "Y[i] = A[i,j] X[j]",
        'Y[i] = A[i,j] X[j]\ntest "rows add up": assert sum[i](Y[i]) == 1',
    ),
    Code(
        "E1010",
        "there is no such prompt command",
        "In the prompt a line that starts with `:` is a command; everything else is a statement of the language. `:help` "
        "lists the commands. Any beginning that only one command has is enough: `:q` is `:quit`.",
        ":exit",
        ":quit",
    ),
    Code(
        "E1011",
        "a prompt command was given something that does not fit",
        "`:help` shows what each command takes behind its name.",
        ":load",
        ":load digits.tl",
    ),
)
