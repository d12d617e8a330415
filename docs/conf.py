"""Sphinx: the HTML of docs/, and the man pages (``sphinx-build -b man -t man``)."""

import sys
from pathlib import Path

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS))

import reference  # noqa: E402

from dns01 import __version__  # noqa: E402

reference.write(DOCS / "reference")

project = "dns01"
author = "the maintainers of dns01"
copyright = author
version = release = __version__
language = "en"
smartquotes = False
html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["words.css"]
html_title = f"dns01 {__version__}"
html_copy_source = False
html_show_sphinx = False
highlight_language = "none"
pygments_style = "friendly"
nitpicky = True
exclude_patterns = ["build"] if tags.has("man") else ["build", "man"]  # noqa: F821
man_pages = [
    ("man/dns01", "dns01", "publishes the records of ACME's dns-01 challenges, and waits for them", "", "1"),
    ("man/dns01.toml", "dns01.toml", "configuration of dns01", "", "5"),
]
man_show_urls = True
