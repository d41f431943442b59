"""Warnings point at the line of the user, whatever the depth of library calls."""

import warnings

from ser_estimators._utils.stack_level import find_stack_level


def in_module(name, source):
    """Run source as a module of this name and return its namespace."""
    namespace = {"__name__": name, "warnings": warnings, "find_stack_level": find_stack_level}
    exec(source, namespace)
    return namespace


def where_it_warns(function):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        function()
    return caught[0].filename


WARN = "def warn():\n    warnings.warn('look', stacklevel=find_stack_level())\n"


def test_library_calls_are_skipped():
    warn = in_module("ser_estimators._deep", WARN)["warn"]
    for library in ("ser_estimators.pipeline", "sklearn.pipeline", "joblib.parallel"):
        inner = warn
        outer = in_module(library, "def call(function):\n    function()\n")["call"]

        def warn(outer=outer, inner=inner):
            outer(inner)

    assert where_it_warns(warn) == __file__


def test_module_with_a_similar_name_is_not_a_library():
    warn = in_module("ser_estimators", WARN)["warn"]
    user = in_module("sklearn_helpers", "def call(function):\n    function()\n")["call"]
    assert where_it_warns(lambda: user(warn)) == "<string>"
