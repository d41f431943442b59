"""The table of known estimators is complete."""

import inspect

import pytest
from sklearn.base import BaseEstimator

import ser_estimators
from ser_estimators.models._files.kind import MACHINE_PARAMETERS
from ser_estimators.models._files.table import KINDS, REFUSED

from .helpers import clip_models, document_of, fit_table_model, table_models


def public_estimators():
    """Return every public class of the package with parameters, by name."""
    found = {}
    for name in ser_estimators.__all__:
        thing = getattr(ser_estimators, name)
        is_ours = getattr(thing, "__module__", "").startswith("ser_estimators")
        if inspect.isclass(thing) and is_ours and issubclass(thing, BaseEstimator):
            found[name] = thing
    return found


@pytest.mark.parametrize("name", list(public_estimators()))
def test_every_public_estimator_is_known_or_refused(name):
    """A new estimator needs an entry in one of the two tables of `models._files.table`."""
    assert (name in KINDS) != (name in REFUSED)


def test_refused_estimators_are_public():
    assert set(REFUSED) <= set(public_estimators())


@pytest.mark.parametrize("name", list(KINDS))
def test_entries_of_the_table(name):
    kind = KINDS[name]
    cls = kind.load()
    assert cls.__name__ == name
    parameters = inspect.signature(cls.__init__).parameters
    assert set(kind.added) <= set(parameters)
    assert set(kind.optional) <= set(kind.fitted)
    assert kind.is_ours == (name in public_estimators())


def test_unknown_class_in_the_table():
    from dataclasses import replace

    kind = replace(KINDS["SVC"], name="NoSuchClass")
    with pytest.raises(ValueError, match="this version of scikit-learn has no NoSuchClass"):
        kind.load()


def test_parameters_of_the_machine_do_not_change_predictions():
    """Only known names are left out of files, and only those of the table."""
    dropped = {
        (name, parameter)
        for name, kind in KINDS.items()
        for parameter in inspect.signature(kind.load().__init__).parameters
        if parameter in MACHINE_PARAMETERS
    }
    ours = {parameter for name, parameter in dropped if name in public_estimators()}
    assert ours == MACHINE_PARAMETERS
    assert ("Pipeline", "memory") in dropped


def estimators_in(node):
    if isinstance(node, dict):
        if isinstance(node.get("estimator"), str):
            yield node["estimator"]
        for value in node.values():
            yield from estimators_in(value)
    elif isinstance(node, list):
        for value in node:
            yield from estimators_in(value)


@pytest.mark.filterwarnings("ignore:Some inputs do not have OOB scores")
def test_every_kind_is_part_of_a_round_trip():
    # Only inside of others, without a name; in tests/encoders, where an extra is needed.
    found = {"LabelEncoder", "EncoderEmbedder", "SpeakerNormalizer", "ViewVotingClassifier"}
    models = [*clip_models().values(), *map(fit_table_model, table_models())]
    for model in models:
        content = ser_estimators.save_model(model, "model.safetensors").read_bytes()
        found |= set(estimators_in(document_of(content)["model"]))
    assert found == set(KINDS)
