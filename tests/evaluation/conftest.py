"""Reports that several tests of evaluation read."""

import pytest

from ser_estimators import make_ser_pipeline
from ser_estimators.evaluation import evaluate

from .helpers import SMALL, Loudness


@pytest.fixture(scope="package")
def report(voices):
    """Evaluate a fast classifier, by speaker and by a random split."""
    return evaluate(
        Loudness(),
        voices.data,
        voices.target,
        voices.speakers,
        cv=3,
        random_split=True,
        name="level",
    )


@pytest.fixture(scope="package")
def network_report(voices):
    """Evaluate a small network with an inner search, under a name that HTML must escape."""
    return evaluate(
        make_ser_pipeline(recordings="studio", random_state=0).set_params(**SMALL),
        voices.data,
        voices.target,
        voices.speakers,
        cv=2,
        random_split=True,
        param_grid={"lr__C": [0.1, 1]},
        name="<CNN> & logistic regression",
    )
