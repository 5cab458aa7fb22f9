"""The site: the Markdown of the repository as pages that fetch nothing from elsewhere (``docs/build_site.py``)."""
