"""What mkdocs is told beside `mkdocs.yml`: pages from beside `docs/`, links between them, generated parts.

A page holds a line such as ``<!-- generated: commands -->``; the function of that name in `PARTS` writes what
stands there on the site. Nothing here needs torch, pydantic or numpy: help texts and tables load without
them, and the keys of a spec come from the JSON schema that lies in the package.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path, PurePosixPath
from posixpath import normpath, relpath
from typing import TYPE_CHECKING

from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File

ROOT = Path(__file__).resolve().parents[1]
# mkdocs loads a hook by its path, without its folder and without the package that it documents.
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]

from generated import PARTS  # noqa: E402 - see above

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

BESIDE = ("audits/README.md", "audits/*/README.md", "benchmarks/README.md", "CHANGELOG.md")
"""Pages that lie outside of `docs/` and are on the site by their path in the repository."""

LINK = re.compile(r"(\]\()([^)\s#:]+)((?:#[^)\s]*)?\))")
MARK = re.compile(r"<!-- generated: (\w+) -->")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages from beside `docs/`."""
    for pattern in BESIDE:
        for path in sorted(ROOT.glob(pattern)):
            name = path.relative_to(ROOT).as_posix()
            files.append(File.generated(config, name, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:  # noqa: ARG001
    """Fill in what is generated, and turn links of the repository into links of the site."""
    source = page.file.src_uri
    home = source if (ROOT / source).is_file() else f"docs/{source}"
    filled = MARK.sub(lambda found: _part(found[1], home), markdown)
    return LINK.sub(lambda found: f"{found[1]}{_on_the_site(found[2], home)}{found[3]}", filled)


def _part(name: str, page: str) -> str:
    if name not in PARTS:
        raise PluginError(f"{page}: there is no generated part {name!r}; there are {', '.join(PARTS)}")
    return PARTS[name]()


def _on_the_site(link: str, home: str) -> str:
    """A link as seen from the page `home`, where both lie in the repository."""
    target = normpath(str(PurePosixPath(home).parent / link))
    return relpath(target.removeprefix("docs/"), PurePosixPath(home.removeprefix("docs/")).parent)
