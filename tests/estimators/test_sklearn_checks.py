"""All estimator checks of scikit-learn, without expected failures."""

import pytest
from sklearn.utils.estimator_checks import estimator_checks_generator, parametrize_with_checks

from ser_estimators import (
    AcousticFeatures,
    AudioRanges,
    CNNEmbedder,
    FeatureMLP,
    MFCCTransformer,
    SpectrogramCNN,
)

# Small, because the checks fit each estimator about a hundred times.
SMALL_CNN = CNNEmbedder(
    network=SpectrogramCNN((8, 16)), embedding_dim=16, max_epochs=8, random_state=0
)
SMALL_MLP = CNNEmbedder(network=FeatureMLP((16,)), embedding_dim=16, max_epochs=20, random_state=0)
ESTIMATORS = [MFCCTransformer(), AcousticFeatures(), AudioRanges(), SMALL_CNN, SMALL_MLP]


@parametrize_with_checks(ESTIMATORS)
def test_sklearn_check(estimator, check):
    check(estimator)


@pytest.mark.parametrize("estimator", ESTIMATORS, ids=lambda e: repr(e)[:40])
def test_at_least_45_checks_run(estimator):
    assert len(list(estimator_checks_generator(estimator))) >= 45
