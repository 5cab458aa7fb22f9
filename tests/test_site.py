"""The site: it is built without a warning, every link within it leads somewhere, and no page fetches anything."""

from __future__ import annotations

import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

ROOT = Path(__file__).parent.parent


class Links(HTMLParser):
    """What a page links to, what it fetches by itself, and the places within it that have a name."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.fetched: list[str] = []
        self.names: set[str] = set()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.names.update(given[key] for key in ("id", "name") if key in given)
        if tag == "a" and "href" in given:
            self.links.append(given["href"])
        elif tag in ("link", "image", "use") and given.get("rel") not in (
            "canonical",
            "index",
            "search",
            "next",
            "prev",
        ):
            self.fetched += [given[key] for key in ("href",) if key in given]
        elif "src" in given:
            self.fetched.append(given["src"])


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    for extra in ("sphinx", "myst_parser", "furo"):
        pytest.importorskip(extra)
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "docs/build_site.py", str(target)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)
    assert ran.returncode == 0, ran.stderr
    return target


@pytest.mark.slow
def test_every_link_of_the_site_leads_somewhere(site: Path) -> None:
    pages = {path.resolve(): Links(path.read_text()) for path in site.rglob("*.html")}
    assert len(pages) > 50
    faults = []
    for page, found in pages.items():
        for link in (*found.links, *found.fetched):
            if "://" in link or link.startswith(("mailto:", "data:")):
                continue
            path, _, place = unquote(link).partition("#")
            target = (page.parent / path.partition("?")[0]).resolve() if path else page
            if not target.exists() or (place and target in pages and place not in pages[target].names):
                faults.append(f"{page.relative_to(site.resolve())} links to {link}")
    assert not faults, "\n".join(faults)


@pytest.mark.slow
def test_no_page_fetches_anything_from_elsewhere(site: Path) -> None:
    faults = []
    for page in site.rglob("*.html"):
        faults += [f"{page.name}: {link}" for link in Links(page.read_text()).fetched if "//" in link]
    for sheet in site.rglob("*.css"):
        faults += [
            f"{sheet.name}: {link}"
            for link in re.findall(r"(?:url\(|@import)\s*[\"']?(?:https?:)?//[^)]*", sheet.read_text())
        ]
    assert not faults


@pytest.mark.slow
def test_formulas_diagrams_and_programs_are_on_the_pages(site: Path) -> None:
    page = (site / "docs" / "stdlib" / "attention.html").read_text()
    assert page.count("<math") == page.count('<svg class="dataflow"') > 5
    assert '<span class="k">def</span>' in page
    assert r"\begin" not in page
    assert "graph LR" not in page


def test_words_are_coloured_as_the_compiler_reads_them() -> None:
    pygments = pytest.importorskip("pygments.token")
    from docs.publishing.highlighting import TensorlangLexer

    text = "data D[n,i] = load(\"d.csv\")  # read\ndata = 3\nY[b, t'] max= relu(D[b,i]) where t' <= b\n#> 1\n§ ) ] :"
    tokens = list(TensorlangLexer().get_tokens(text))
    assert "".join(piece for _, piece in tokens) == text + "\n"
    kinds = {piece: kind for kind, piece in reversed(tokens)}
    assert kinds["load"] is kinds["relu"] is pygments.Name.Function
    assert kinds["t'"] is kinds["n"] is pygments.Name.Variable
    assert kinds["where"] is pygments.Operator.Word
    assert kinds["#> 1"] is pygments.Generic.Output
    assert [kind for kind, piece in tokens if piece == "data"] == [pygments.Keyword, pygments.Name]


def test_a_picture_has_an_arrow_for_each_reading_and_keeps_text_apart() -> None:
    from docs.publishing.dataflow import picture

    drawn = picture(
        "graph LR\n  a([X])\n  b[/W/]\n  c[H<&]\n  d[Y]\n  a --> c\n  b --> c\n  c --> c\n  c --> d\n  a --> d"
    )
    assert drawn.count('class="head"') == 5
    assert drawn.count('class="arrow back"') == 1
    assert "H&lt;&amp;" in drawn
    places = [tuple(map(float, at)) for at in re.findall(r'<text x="([\d.]+)" y="([\d.]+)"', drawn)]
    assert len(set(places)) == 4
    assert places[0][0] < places[2][0] < places[3][0]
