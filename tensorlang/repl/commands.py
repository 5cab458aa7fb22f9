"""The commands of the prompt: a table of name, what it takes, what it does.

In: a line that starts with ``:``. Out: what it shows, or ``CompileError``. Any beginning that only one command has is
enough.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable

from tensorlang.console.usage import suggestion, usage
from tensorlang.records import dataclass, replace
from tensorlang.repl.shell import Shell


@dataclass(frozen=True, slots=True)
class Command:
    """``takes`` is what stands behind the name, as ``:help`` prints it."""

    name: str
    takes: str
    help: str
    act: Callable[[Shell, str], None]


def obey(shell: Shell, line: str) -> None:
    """Carry out one command line."""
    word, _, rest = line[1:].strip().partition(" ")
    find(word).act(shell, rest.strip())


def find(word: str) -> Command:
    known = {command.name: command for command in COMMANDS}
    fitting = [name for name in known if word and name.startswith(word)]
    if word in known or len(fitting) == 1:
        return known[word if word in known else fitting[0]]
    if fitting:
        raise usage("E1010", f"`:{word}` may be {' or '.join(f'`:{name}`' for name in fitting)}")
    near = suggestion(f":{word}", [f":{name}" for name in known]) if word else ()
    raise usage("E1010", f"there is no command `:{word}`", *near, "`:help` lists the commands")


def _need(rest: str, command: str, what: str) -> str:
    if not rest:
        raise usage("E1011", f"`:{command}` needs {what}")
    return rest.strip('"')


def _help(shell: Shell, rest: str) -> None:
    if rest:
        shell.console.say(_about(rest))
        return
    rows = [(f":{command.name} {command.takes}".rstrip(), command.help) for command in COMMANDS]
    margin = max(len(left) for left, _ in rows)
    lines = [f"  {left:<{margin}}  {right}" for left, right in rows]
    shell.console.say("\n".join((*_HELP, *lines)))


_HELP = (
    "An equation shows its value; a bare expression, too. A `;` at the end keeps it quiet. Entering a name again",
    "replaces what it was. An open bracket, an operator at the end or a `def` goes on on the next line.",
    "",
)


def _about(word: str) -> str:
    """What is known of a function, a command or a code."""
    from tensorlang.codes import CODES
    from tensorlang.ops import ALONG, INITIALIZERS, POINTWISE, REDUCTIONS

    name = word.strip("`()")
    if name.upper() in CODES:
        from tensorlang.console.codes import long_form

        return long_form(CODES[name.upper()])
    for records in (POINTWISE, REDUCTIONS, ALONG, INITIALIZERS):
        if name in records:
            return f"{name}: {records[name].doc}"
    if name.startswith(":"):
        command = find(name[1:])
        return f":{command.name} {command.takes}".rstrip() + f"  {command.help}"
    known = [*POINTWISE, *REDUCTIONS, *ALONG, *INITIALIZERS]
    raise usage("E1011", f"there is no help on `{word}`", *suggestion(name, known), "`:help` lists the commands")


def _type(shell: Shell, rest: str) -> None:
    shell.console.say(shell.session.type(_need(rest, "type", "a name")))


def _names(shell: Shell, rest: str) -> None:
    names = shell.session.names
    shell.console.say("\n".join(shell.session.type(name) for name in names) if names else "nothing is defined yet")


def _explain(shell: Shell, rest: str) -> None:
    from tensorlang.driver import stages

    words = rest.split()
    stage = words.pop() if words and words[-1] in stages() else "program"
    if len(words) > 1:
        raise usage("E1011", "`:explain` takes a name and a stage", f"the stages are {', '.join(stages())}")
    shell.console.say(shell.session.explain(words[0] if words else None, stage).rstrip("\n"))


def _source(shell: Shell, rest: str) -> None:
    shell.console.say(shell.session.explain(rest or None, "source").rstrip("\n"))


def _list(shell: Shell, rest: str) -> None:
    shell.console.say(shell.session.text.rstrip("\n") or "nothing is entered yet")


def _load(shell: Shell, rest: str) -> None:
    path = os.path.expanduser(_need(rest, "load", "a file"))
    if not shell.session.text.strip():
        shell.session.folder = os.path.dirname(os.path.abspath(path))
    shell.show(shell.session.load(path, shell.teller))
    shell.own.add(os.path.realpath(path))


def _save(shell: Shell, rest: str) -> None:
    from tensorlang.console.writing import replace_text

    path = os.path.expanduser(_need(rest, "save", "a file name"))
    if os.path.lexists(path) and os.path.realpath(path) not in shell.own:
        raise usage("E1006", f"`{path}` is there already", "only a file of this conversation is replaced")
    replace_text(path, shell.session.text.rstrip("\n") + "\n")
    shell.own.add(os.path.realpath(path))
    shell.console.remark(f"saved {path}")


def _set(shell: Shell, rest: str) -> None:
    """A number, a (nested) list of numbers, or a file in quotes."""
    found = re.fullmatch(r"([^\W\d]\w*'*)\s*=\s*(.+)", rest)
    if found is None:
        raise usage("E1011", "`:set` needs a name and a value", 'for example `:set rate = 0.1` or `:set X = "x.npy"`')
    shell.session.set(found[1], _value(shell, found[2].strip()))


def _value(shell: Shell, text: str) -> object:
    import json

    if text.startswith('"') or text.endswith((".npy", ".csv", ".tsv", ".txt", ".json")):
        return _from_file(shell, os.path.expanduser(text.strip('"')))
    try:
        return json.loads(text)
    except ValueError:
        help = "a value is a number, a list of numbers in brackets, or a file in quotes"
        raise usage("E1011", f"`{text}` is no value", help) from None


def _from_file(shell: Shell, path: str) -> object:
    from tensorlang.data import Access, read
    from tensorlang.ir.program import FileRef
    from tensorlang.source import Source, Span

    folder, name = os.path.split(os.path.abspath(path))
    span = Span(Source("<entry>", path), 0, len(path))
    return read(Access(folder, limits=shell.session.options.limits), FileRef(name, None, None, span))


def _seed(shell: Shell, rest: str) -> None:
    if not rest.isdecimal():
        raise usage("E1011", "`:seed` needs a whole number")
    shell.session.options = replace(shell.session.options, seed=int(rest))


def _time(shell: Shell, rest: str) -> None:
    if not rest:
        shell.timed = not shell.timed
        shell.console.remark(f"the time of each entry is {'shown' if shell.timed else 'no longer shown'}")
        return
    before, shell.timed = shell.timed, False
    try:
        import time

        started = time.perf_counter()
        shell.act(rest)
        shell.console.say(f"{time.perf_counter() - started:.3f} s")
    finally:
        shell.timed = before


def _reset(shell: Shell, rest: str) -> None:
    shell.session.reset()


def _quit(shell: Shell, rest: str) -> None:
    shell.done = True


COMMANDS = (
    Command("help", "[NAME]", "this list, or what a function, a command or an error code is", _help),
    Command("type", "NAME", "the shape and element type of a name", _type),
    Command("names", "", "everything that is defined", _names),
    Command("explain", "[NAME] [STAGE]", "equations with every sum written out, or a later stage", _explain),
    Command("source", "[NAME]", "the PyTorch that it becomes", _source),
    Command("list", "", "the statements entered so far", _list),
    Command("load", "FILE", "enter the statements of a file", _load),
    Command("save", "FILE", "write the statements entered so far", _save),
    Command("set", "NAME = VALUE", "give an input its value: a number, a list, or a file in quotes", _set),
    Command("seed", "N", "the seed of initial values and random functions", _seed),
    Command("time", "[STATEMENT]", "how long a statement takes; alone: for every entry from now on", _time),
    Command("reset", "", "forget everything", _reset),
    Command("quit", "", "leave (also Ctrl-D)", _quit),
)
