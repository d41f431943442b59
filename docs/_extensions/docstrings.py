"""What Sphinx would otherwise misread in the docstrings."""

from __future__ import annotations

import re
from typing import Any

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.util.nodes import make_refnode
from sphinx.util.typing import ExtensionMetadata

_INITIAL = re.compile(r"^(\.\. \[\S+\] )(?=[A-Z]\. )")


def resolve_short_name(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement
) -> nodes.reference | None:
    """Find the one object of the package that has this name in any of its public modules."""
    if node.get("refdomain") != "py":
        return None
    ending = "." + node["reftarget"]
    objects = env.domains.python_domain.objects
    # An object is listed under its private name as well.
    places = {
        (entry.docname, entry.node_id) for name, entry in objects.items() if name.endswith(ending)
    }
    if len(places) != 1:
        return None
    document, identifier = places.pop()
    return make_refnode(app.builder, node["refdoc"], document, identifier, content)


def escape_initials(
    app: Sphinx, kind: str, name: str, thing: Any, options: Any, lines: list[str]
) -> None:
    """Keep a reference that begins with an initial, "K. Zhou", from becoming the list item K."""
    lines[:] = [_INITIAL.sub(r"\1\\", line) for line in lines]


def setup(app: Sphinx) -> ExtensionMetadata:
    """Connect the extension."""
    app.setup_extension("sphinx.ext.autodoc")
    app.connect("missing-reference", resolve_short_name)
    app.connect("autodoc-process-docstring", escape_initials, priority=900)  # after numpydoc
    return {"parallel_read_safe": True, "parallel_write_safe": True}
