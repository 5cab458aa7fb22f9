"""Wrong use: exit code 2, a problem with a code on stderr, the nearest right spelling."""

from __future__ import annotations

import io

import pytest

WRONG = {
    "command": ["rnu", "x.tl"],
    "command-far": ["frobnicate"],
    "program-as-command": ["digits.tl"],
    "option-of-none": ["--verison"],
    "option": ["run", "x.tl", "--epoch", "5"],
    "option-with-value": ["run", "x.tl", "--limit-memroy=4G"],
    "value-missing": ["run", "x.tl", "--seed"],
    "value-for-a-switch": ["check", "x.tl", "--json=yes"],
    "file-missing": ["run"],
    "files-missing": ["check"],
    "too-many-files": ["run", "x.tl", "y.tl"],
    "dim-without-size": ["run", "x.tl", "--dim", "d"],
    "dim-of-words": ["run", "x.tl", "--dim", "d=many"],
    "dim-zero": ["run", "x.tl", "--dim", "d=0"],
    "dim-twice": ["run", "x.tl", "--dim", "d=2", "--dim", "d=3"],
    "set-of-words": ["run", "x.tl", "--set", "rate=fast"],
    "input-without-file": ["run", "x.tl", "--input", "X="],
    "seed": ["run", "x.tl", "--seed", "-1"],
    "epochs": ["run", "x.tl", "--epochs", "0"],
    "dtype": ["run", "x.tl", "--dtype", "flaot32"],
    "limit-memory": ["run", "x.tl", "--limit-memory", "lots"],
    "limit-time": ["run", "x.tl", "--limit-time", "-3"],
    "limit-imports": ["check", "x.tl", "--limit-imports", "1.5"],
    "no-such-code": ["explain", "E1099"],
    "no-such-kind": ["explain", "W9"],
    "no-programs": ["check", "."],
    "no-file": ["check", "missing.tl"],
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_use(name, call, golden):
    said = call(*WRONG[name])
    assert (said.code, said.out) == (2, "")
    golden(f"wrong-{name}.txt", f"$ tensorlang {' '.join(WRONG[name])}\n{said.err}")


def test_wrong_use_as_json(call):
    said = call("run", "x.tl", "--json", "--epoch", "5")
    assert (said.code, said.err) == (2, "")
    assert said.document["ok"] is False
    assert said.codes == ["E1002"]
    assert said.document["problems"][0]["help"] == [
        "did you mean `--epochs`?",
        "`tensorlang run --help` lists them",
    ]


def test_memory_is_written_with_units():
    from tensorlang.cli.flags import memory

    assert [memory(text) for text in ("4G", "512M", "1.5K", "100", "2 GiB", "1t")] == [
        4 << 30, 512 << 20, 1536, 100, 2 << 30, 1 << 40,
    ]  # fmt: skip


def test_flags_become_options():
    from tensorlang.cli.flags import options_of
    from tensorlang.cli.parser import Parser
    from tensorlang.cli.run import declare
    from tensorlang.console.streams import Console

    parser = Parser("run", "", "", "")
    declare(parser)
    words = (
        "x.tl --dim d=64 --dim e=2 --set rate=1e-3 --set n=4 --input X=a=b.npy --load W.safetensors --device cuda:1 "
        "--dtype float64 --seed 7 --allow-read a --allow-read b --allow-write c --limit-memory 4G --limit-time 2.5 "
        "--epochs 3 --checkpoint c.safetensors --resume r.safetensors"
    )
    options = options_of(parser.read(words.split()), Console(io.StringIO(), io.StringIO()), quiet=True)
    assert options.dims == {"d": 64, "e": 2}
    assert options.values == {"rate": 1e-3, "n": 4}
    assert options.inputs == {"X": "a=b.npy"}
    assert (options.load, options.device, options.dtype, options.seed) == ("W.safetensors", "cuda:1", "float64", 7)
    assert (options.allow_read, options.allow_write) == (("a", "b"), ("c",))
    assert (options.limits.memory, options.limits.time) == (4 << 30, 2.5)
    assert (options.epochs, options.checkpoint, options.resume) == (3, "c.safetensors", "r.safetensors")
    assert options.quiet


def test_options_may_stand_before_the_file():
    from tensorlang.cli.parser import Parser
    from tensorlang.cli.run import declare

    parser = Parser("run", "", "", "")
    declare(parser)
    assert parser.read(["--seed", "1", "x.tl", "--quiet"]).FILE == "x.tl"
    assert parser.read(["--", "-strange.tl"]).FILE == "./-strange.tl"
