"""What importing the loaders loads, and the public names."""

import subprocess
import sys

import pytest

from ser_estimators import datasets


def test_importing_the_loaders_loads_nothing_heavy():
    code = (
        "import sys, ser_estimators.datasets as datasets; dir(datasets)\n"
        "heavy = {'torch', 'librosa', 'soundfile', 'pandas', 'pooch', 'requests', 'sklearn'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
        "datasets.load_savee; datasets.fetch_tess; datasets.make_emotional_speech\n"
        # scikit-learn imports pandas itself if it is installed
        "heavy -= {'pandas', 'sklearn'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_public_names():
    assert set(datasets.__all__) <= set(dir(datasets))
    assert all(callable(getattr(datasets, name)) for name in datasets.__all__)
    with pytest.raises(AttributeError, match="No ser_estimators.datasets attribute load_x"):
        _ = datasets.load_x
