"""Public classes: the module in their pickles, and the links to their documentation."""

import re
from email.message import Message

import pytest
from sklearn.utils import estimator_html_repr

import ser_estimators
from ser_estimators import make_ser_pipeline
from ser_estimators._utils import public
from ser_estimators._utils.public import documentation_url

from ..test_docs import documented_names

ESTIMATORS = (
    "AcousticFeatures",
    "CNNEmbedder",
    "FeatureMLP",
    "MFCCTransformer",
    "SpectrogramAugmentation",
    "SpectrogramCNN",
)


@pytest.fixture
def published(monkeypatch):
    """Let the documentation be published at an address, for all estimators."""

    def publish(url):
        monkeypatch.setattr(public, "documentation_url", lambda: url)
        for name in ESTIMATORS:
            cls = getattr(ser_estimators, name)
            monkeypatch.setattr(cls, "_doc_link_template", cls._doc_link_template)
            assert public.public(cls) is cls

    return publish


@pytest.mark.parametrize("name", ESTIMATORS)
def test_diagram_links_to_the_page_of_the_reference(name, published):
    published("https://docs.test/stable")
    page = f"https://docs.test/stable/generated/ser_estimators.{name}.html"
    html = estimator_html_repr(getattr(ser_estimators, name)())
    assert f'href="{page}">?<span>Documentation for {name}</span>' in html
    # Parameters link to their paragraph, and show it.
    assert f'href="{page}#:~:text=' in html
    # autosummary names the pages of docs/generated after the objects.
    assert f"ser_estimators.{name}" in set(documented_names())


def test_every_step_of_a_pipeline_has_its_link(published):
    published("https://docs.test")
    html = estimator_html_repr(make_ser_pipeline())
    linked = set(re.findall(r'href="https://docs.test/generated/ser_estimators.(\w+).html"', html))
    assert linked == {"MFCCTransformer", "CNNEmbedder"}
    assert "scikit-learn.org" in html  # the link of LogisticRegression


@pytest.mark.parametrize("name", ESTIMATORS)
def test_no_link_without_an_address(name, published):
    published("")
    html = estimator_html_repr(getattr(ser_estimators, name)())
    assert "href=" not in html


def test_subclass_of_a_user_has_no_page(published):
    published("https://docs.test")

    class Own(ser_estimators.CNNEmbedder):
        pass

    assert Own()._get_doc_link() == ""


@pytest.mark.parametrize(
    ("declared", "expected"),
    [
        ([], ""),
        (["Homepage, https://a.test"], ""),
        (["Homepage, https://a.test", "Documentation, https://b.test/x/"], "https://b.test/x"),
        (["Documentation, https://b.test/a, b"], "https://b.test/a, b"),
    ],
)
def test_address_is_that_of_the_metadata(declared, expected, monkeypatch):
    message = Message()
    for url in declared:
        message["Project-URL"] = url
    monkeypatch.setattr(public, "metadata", lambda name: {"ser_estimators": message}[name])
    assert documentation_url.__wrapped__() == expected


def test_no_address_without_an_installation(monkeypatch):
    monkeypatch.setattr(public, "_PACKAGE", "no-such-package")
    assert documentation_url.__wrapped__() == ""
