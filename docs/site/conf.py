"""Sphinx's settings for `make docs`, which puts the pages of the collection beside a copy of this file."""

from __future__ import annotations

project = "caisson.hardening"
copyright = "The caisson.hardening authors"
html_theme = "alabaster"
extensions = ["sphinx_antsibull_ext"]
html_use_smartypants = False
html_use_modindex = False
html_use_index = False
# Links to Ansible's own guides are for readers, not for builds without a network.
suppress_warnings = ["ref.ref", "ref.doc"]
