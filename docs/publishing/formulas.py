"""Formulas as MathML, which browsers show by themselves: nothing is fetched and no script runs.

In: the LaTeX of ``math`` blocks, as ``tensorlang.typeset`` writes it. Out: a ``<math>`` element.
"""

from __future__ import annotations

import re
import unicodedata

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.writers.html5 import HTML5Translator

_UNKNOWN = ((r"\\dots\b", r"\\ldots"), (r"\\mathrel\{(.*?)\}", r"\1"))
_LIMITS = re.compile(r"\\operatorname\*\{(.*?)\}_\{")
_SLANTED = re.compile(r"<mi>[\U0001D434-\U0001D467ℎ]</mi>(?:<mi>[\U0001D434-\U0001D467ℎ_]</mi>|<mn>\d+</mn>)+")
_LETTER = re.compile(r"<m[in]>(.*?)</m[in]>")


def mathml(text: str, block: bool) -> str:
    """A formula, set by docutils' own converter: what it does not know is put in its words first."""
    for unknown, known in _UNKNOWN:
        text = re.sub(unknown, known, text.strip())
    made = str(tex2mathml(_under(text), as_block=block))
    return _SLANTED.sub(lambda run: _word(run[0]), re.sub(r">\s+<", "><", made))


def _under(text: str) -> str:
    """Functions along indices, which stand below them."""
    while found := _LIMITS.search(text):
        end, depth = found.end(), 1
        while depth:
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
        below = rf"\underset{{{text[found.end() : end - 1]}}}{{\operatorname{{{found[1]}}}}}"
        text = text[: found.start()] + below + text[end:]
    return text


def _word(run: str) -> str:
    """Slanted letters that are one name, as one word: apart they would be set as factors are."""
    letters = "".join(found[1] for found in _LETTER.finditer(run))
    return f'<mi class="word">{unicodedata.normalize("NFKC", letters)}</mi>'


def _inline(writer: HTML5Translator, node: nodes.math) -> None:
    writer.body.append(mathml(node.astext(), block=False))
    raise nodes.SkipNode


def _block(writer: HTML5Translator, node: nodes.math_block) -> None:
    writer.body.append(f'<div class="formula">{mathml(node.astext(), block=True)}</div>')
    raise nodes.SkipNode


def setup(app: Sphinx) -> dict[str, bool]:
    app.add_html_math_renderer("mathml", (_inline, None), (_block, None))
    return {"parallel_read_safe": True, "parallel_write_safe": True}
