"""What Sphinx is told: Markdown through MyST, the theme furo, formulas as MathML, diagrams as SVG."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx.application import Sphinx

import tensorlang
from publishing.dataflow import picture
from publishing.highlighting import TensorlangLexer

project = "tensorlang"
author = "the authors of tensorlang"
version = release = tensorlang.__version__
extensions = ["myst_parser", "publishing.formulas"]
myst_heading_anchors = 4
myst_fence_as_directive = ["math", "mermaid"]
smartquotes = False
highlight_language = "none"
html_theme = "furo"
html_title = "tensorlang"
html_math_renderer = "mathml"
html_static_path = ["looks"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_copyright = False
html_show_sphinx = False
pygments_style = "publishing.colours.Light"
pygments_dark_style = "publishing.colours.Dark"
exclude_patterns = ["examples/paper/README.md"]
suppress_warnings = ["toc.not_included", "misc.highlighting_failure"]


class Diagram(Directive):
    """A ``mermaid`` block, drawn."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        return [nodes.raw("", f'<div class="dataflow">{picture(chr(10).join(self.content))}</div>', format="html")]


def setup(app: Sphinx) -> None:
    app.add_lexer("tl", TensorlangLexer)
    app.add_directive("mermaid", Diagram)
