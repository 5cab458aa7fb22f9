"""The prompt on a terminal: editing, history, completion, entries of several lines.

In: a shell, keys. Out: entries fed to the shell, until Ctrl-D or ``:quit``. While the first entry is typed torch is
imported in the background, since it takes two seconds.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from typing import Any

from prompt_toolkit import PromptSession
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import ANSI
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.input import Input
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.output import Output

from tensorlang.console.streams import wants_colour
from tensorlang.repl.completion import complete
from tensorlang.repl.entry import MORE, PROMPT, in_block, unfinished
from tensorlang.repl.shell import Shell

INDENT = "    "


def converse(shell: Shell, input: Input | None = None, output: Output | None = None) -> None:
    """Read and feed entries until the end; ``input`` and ``output`` stand in for the terminal in tests."""
    from tensorlang import __version__

    shell.console.remark(f"tensorlang {__version__}: an equation shows its value, :help lists commands, Ctrl-D leaves")
    if input is None:
        threading.Thread(target=_warm_up, daemon=True).start()
    session: PromptSession[str] = PromptSession(
        _prompt(shell),
        multiline=True,
        prompt_continuation=MORE,
        key_bindings=_keys(),
        completer=Names(shell),
        complete_while_typing=False,
        history=_history(),
        auto_suggest=AutoSuggestFromHistory(),
        input=input,
        output=output,
    )
    while not shell.done:
        try:
            entry = session.prompt()
        except KeyboardInterrupt:
            continue
        except EOFError:
            break
        shell.feed(entry)


def _prompt(shell: Shell) -> Any:
    return ANSI(f"\033[1;34m{PROMPT}\033[0m") if wants_colour(shell.console.out) else PROMPT


def _warm_up() -> None:
    import torch  # noqa: F401


def _keys() -> KeyBindings:
    """Enter ends an entry that is whole and goes on with one that is not."""
    keys = KeyBindings()

    @keys.add("enter")
    def _(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if unfinished(buffer.text):
            buffer.insert_text("\n" + (INDENT if in_block(buffer.text) or "\n" not in buffer.text else ""))
        else:
            buffer.validate_and_handle()

    @keys.add("escape", "enter")
    def _(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return keys


class Names(Completer):
    def __init__(self, shell: Shell) -> None:
        self.shell = shell

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
        part, words = complete(self.shell, document.text_before_cursor)
        for word in words:
            yield Completion(word, start_position=-len(part))


def _history() -> History:
    """Kept under XDG_STATE_HOME, readable by its owner only; in memory where that cannot be written."""
    state = os.environ.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")
    folder = os.path.join(state, "tensorlang")
    path = os.path.join(folder, "history")
    try:
        os.makedirs(folder, mode=0o700, exist_ok=True)
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
    except OSError:
        return InMemoryHistory()
    return FileHistory(path)
