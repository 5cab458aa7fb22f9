"""Builds the site: ``python docs/build_site.py [FOLDER]`` writes it below ``site/``, or FOLDER.

Needs the extra ``docs``. A link that leads nowhere is an error. The pages fetch nothing from elsewhere, so they can be
opened from the disk.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent


def build(target: Path) -> int:
    """Write the site; the exit code."""
    from sphinx.cmd.build import build_main

    sys.path.insert(0, str(ROOT / "docs"))
    from publishing.pages import stage

    with tempfile.TemporaryDirectory() as work:
        pages = Path(work, "pages")
        stage(ROOT, pages)
        if (target / ".buildinfo").exists():  # what an earlier call has built
            shutil.rmtree(target)
        settings = str(ROOT / "docs" / "publishing")
        return build_main(["-q", "-W", "--keep-going", "-c", settings, "-d", f"{work}/trees", str(pages), str(target)])


def main() -> int:
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "site"
    code = build(target)
    if code == 0:
        print(f"{target / 'index.html'}")
    return code


if __name__ == "__main__":
    sys.exit(main())
