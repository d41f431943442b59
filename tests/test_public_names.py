"""Public names and their signatures, which must not change unintentionally.

After an intended change, write the list again with ``python -m tests.test_public_names``.
"""

import inspect
from pathlib import Path

import ser_estimators
from ser_estimators import (
    cluster,
    conditions,
    datasets,
    display,
    evaluation,
    exceptions,
    models,
)

FILE = Path(__file__).parent / "data" / "public_names.txt"


def public_names():
    """Return a line for each public name, method and property, with its signature."""
    lines = []
    modules = (cluster, conditions, datasets, display, evaluation, exceptions, models)
    for module in (ser_estimators, *modules):
        for name in sorted(module.__all__):
            thing = getattr(module, name)
            if inspect.ismodule(thing) or not thing.__module__.startswith("ser_estimators"):
                continue
            path = f"{module.__name__}.{name}"
            lines.append(path + signature_of(thing))
            if inspect.isclass(thing):
                lines += [f"{path}.{line}" for line in sorted(members_of(thing))]
    return lines


def signature_of(function):
    """Return parameters with their defaults, without annotations."""
    is_exception = inspect.isclass(function) and issubclass(function, Exception)
    if is_exception and "__init__" not in vars(function):
        return ""
    signature = inspect.signature(function)
    parameters = [
        parameter.replace(annotation=inspect.Parameter.empty)
        for parameter in signature.parameters.values()
    ]
    return str(signature.replace(parameters=parameters, return_annotation=inspect.Signature.empty))


def members_of(kind):
    """Yield the methods and properties that the package defines."""
    for name, member in inspect.getmembers(kind):
        if name.startswith("_"):
            continue
        if inspect.isfunction(member) and member.__module__.startswith("ser_estimators"):
            yield name + signature_of(member)
        elif isinstance(member, property):
            yield name


def test_public_names_and_signatures_are_unchanged():
    assert public_names() == FILE.read_text().splitlines()


if __name__ == "__main__":
    FILE.write_text("\n".join(public_names()) + "\n")
    print(f"wrote {FILE}")
