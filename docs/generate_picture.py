"""Draws docs/picture.svg for the README: a program, and beside it the lines that the compiler makes of it.

``python docs/generate_picture.py`` writes it, ``--check`` only says (by the exit code) whether it is current. Each
equation is joined to the line that computes it; one that has no line of its own to the line of its reader.
"""

from __future__ import annotations

import re
import sys
import textwrap
from html import escape
from pathlib import Path

from pygments.lexer import Lexer
from pygments.lexers.python import PythonLexer
from pygments.token import Comment, Keyword, Name, Number, Operator, _TokenType

import tensorlang as tl

sys.path.insert(0, str(Path(__file__).parent.parent))
from docs.publishing.highlighting import TensorlangLexer

TARGET = Path(__file__).parent / "picture.svg"
PROGRAM = """\
dim k = 64, v = 64, m = 256, c = 96
input X[b,t,m], Next[b,t] in c
param WQ[k,m], WK[k,m], WV[v,m], U[c,v]

Q[b,t,k] = WQ[k,m] X[b,t,m]
K[b,t,k] = WK[k,m] X[b,t,m]
V[b,t,v] = WV[v,m] X[b,t,m]
A[b,t,s] = softmax[s](Q[b,t,k] K[b,s,k] / sqrt(|k|)) where s <= t
Y[b,t,v] = A[b,t,s] V[b,s,v]
P[b,t,c.] = log_softmax(U[c,v] Y[b,t,v])
Loss = -mean[b,t](P[b,t,Next[b,t]])
"""
LETTER, LINE, TOP, LEFT, BETWEEN, BREADTH = 7.3, 21, 50, 4, 56, 52
_CLASSES = (
    (Comment, "c"), (Keyword, "k"), (Operator.Word, "k"), (Name.Variable, "i"), (Name.Function, "f"), (Number, "n"),
)  # fmt: skip
_STYLE = """
  text { font: 12.1px ui-monospace, SFMono-Regular, Menlo, Consolas, "DejaVu Sans Mono", monospace; fill: #24292f }
  .t { font: 600 12px system-ui, "Segoe UI", Helvetica, Arial, sans-serif; fill: #57606a }
  .card { fill: #f7f8fa; stroke: #d0d7de } .way { fill: none; stroke: #8c959f; stroke-width: 1.2 }
  .k { fill: #7a3e9d } .i { fill: #a0410d } .f { fill: #1f5fa8 } .n { fill: #1a6b3c } .c { fill: #626a73 }
  @media (prefers-color-scheme: dark) {
    text { fill: #d7dce2 } .t { fill: #9da7b3 }
    .card { fill: #1c1f24; stroke: #3d444d } .way { stroke: #6e7681 }
    .k { fill: #c792ea } .i { fill: #f0a36b } .f { fill: #7fb4f5 } .n { fill: #8fce9c } .c { fill: #8b949e }
  }
"""


def computed(program: str) -> list[tuple[int, str]]:
    """The lines of the compiled source, broken where they are long, each with the line of its equation."""
    lines = tl.compile(program).source.splitlines()
    start = next(at for at, line in enumerate(lines) if line.startswith("def compute")) + 1
    found, of = [], 0
    for line in lines[start : lines.index("    return Loss", start)]:
        code, _, comment = line.partition("  # ")
        place = re.match(r"<string>:(\d+) ", comment)
        of = int(place[1]) if place else of
        code = re.sub(r"; del .*", "", code).strip()
        found += [(of, part) for part in textwrap.wrap(code, BREADTH, subsequent_indent="    ")]
    return found


def joined(program: str, steps: list[tuple[int, str]]) -> list[tuple[int, int]]:
    """Which line of the program leads to which of the steps."""
    lines = program.splitlines()
    first: dict[int, int] = {}
    for at, (number, _) in enumerate(steps):
        first.setdefault(number, at)
    pairs = []
    for number, line in enumerate(lines, 1):
        if not re.match(r"\w+(\[.*?\])? = ", line):
            continue
        name = line.partition("[")[0]
        readers = [later for later in range(number + 1, len(lines) + 1) if f" {name}[" in lines[later - 1]]
        goal = number if number in first else next(reader for reader in readers if reader in first)
        pairs.append((number - 1, first[goal]))
    return pairs


def coloured(lexer: Lexer, line: str) -> str:
    margin = line[: len(line) - len(line.lstrip())]
    parts = [
        (_class(kind), escape(piece, quote=False)) for kind, piece in lexer.get_tokens(line.strip()) if piece != "\n"
    ]
    return margin.replace(" ", "&#160;") + "".join(
        f'<tspan class="{name}">{piece}</tspan>' if name else piece for name, piece in parts
    )


def _class(kind: _TokenType) -> str:
    return next((name for known, name in _CLASSES if kind in known), "")


def card(x: float, y: float, title: str, lexer: Lexer, lines: list[str]) -> tuple[list[str], float]:
    """Lines of text on a ground of their own; its parts, and its width."""
    width = 2 * 16 + LETTER * max(map(len, lines))
    ground = f'x="{x:.0f}" y="{y - 16:.0f}" width="{width:.0f}" height="{LINE * len(lines) + 20}" rx="8"'
    drawn = [f'<text class="t" x="{x:.0f}" y="{y - 28:.0f}">{title}</text>', f'<rect class="card" {ground}/>']
    for at, line in enumerate(lines):
        drawn.append(f'<text x="{x + 16:.0f}" y="{y + 8 + at * LINE:.0f}">{coloured(lexer, line)}</text>')
    return drawn, width


def picture(program: str) -> str:
    """The whole drawing."""
    steps = computed(program)
    lines = program.splitlines()
    drawn, wide = card(LEFT, TOP, "what you write", TensorlangLexer(), lines)
    start, end = LEFT + wide, LEFT + wide + BETWEEN
    lower = TOP + (len(lines) - len(steps)) * LINE / 2
    codes = [code for _, code in steps]
    others, breadth = card(end, lower, "what runs: plain PyTorch", PythonLexer(), codes)
    drawn += others
    for one, two in joined(program, steps):
        y, z, middle = TOP + 4 + one * LINE, lower + 4 + two * LINE, (start + end) / 2
        drawn.append(
            f'<path class="way" d="M{start:.0f} {y}C{middle:.0f} {y} {middle:.0f} {z:.0f} {end:.0f} {z:.0f}"/>'
        )
    width, height = end + breadth + LEFT, TOP + LINE * len(lines) + 10
    about = f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {about} role="img" aria-label="a program beside its plan">'
    return "\n".join((head, f"<style>{_STYLE}</style>", *drawn, "</svg>")) + "\n"


def main() -> int:
    wanted = picture(PROGRAM)
    if "--check" in sys.argv[1:]:
        return 0 if TARGET.exists() and TARGET.read_text() == wanted else 1
    TARGET.write_text(wanted)
    return 0


if __name__ == "__main__":
    sys.exit(main())
