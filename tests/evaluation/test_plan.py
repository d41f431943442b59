"""Protocols: what their descriptions say, other corpora, random splits, leaks across splits."""

import shutil
import warnings

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import GroupShuffleSplit, KFold, LeaveOneGroupOut

from ser_estimators.evaluation import evaluate
from ser_estimators.exceptions import LeakWarning

from .helpers import Loudness, Unfittable, planted


def test_the_random_split_comes_second_and_is_marked(report, voices):
    assert list(report.protocols) == ["speaker-independent", "random split"]
    protocol = report.protocols["random split"]
    assert len(protocol.folds) == 3
    assert not protocol.is_honest
    assert protocol.shared_speakers == sorted(set(voices.speakers))
    assert protocol.description == (
        "3 random folds: every speaker appears in both training and test, as in most published "
        "results. Do not expect these scores for a new speaker."
    )


def test_a_random_split_that_was_asked_for_raises_no_warning(voices):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        evaluate(Loudness(), voices.data, voices.target, voices.speakers, random_split=True)


@pytest.mark.parametrize(
    ("speakers", "shared", "text"),
    [
        (list("abcdefghi"), [], "3 random folds. Here, too, no speaker appears in both training"),
        (list("aaabcdefg"), ["a"], "3 random folds: 1 of 7 speakers appears in both"),
    ],
)
def test_a_random_split_of_people_who_speak_once(voices, speakers, shared, text):
    report = evaluate(
        Loudness(), voices.data[:9], ["anger", "fear", "joy"] * 3, speakers, cv=3, random_split=True
    )
    random = report.protocols["random split"]
    assert random.shared_speakers == shared
    assert random.description.startswith(text)


def test_clips_tested_several_times_are_mentioned(voices):
    cv = GroupShuffleSplit(3, test_size=0.5, random_state=0)
    report = evaluate(Loudness(), voices.data, voices.target, voices.speakers, cv=cv)
    n_tested = len(set(report.main.tested.tolist()))
    assert len(report.main.tested) == 54 > n_tested
    assert report.main.description.endswith(
        "Some are tested in several folds: there are 54 predictions."
    )


def test_a_splitter_that_mixes_speakers_is_reported(voices):
    message = "cv puts 6 of 6 speakers, such as '01', in both training and test of a split"
    with pytest.warns(LeakWarning, match=message):
        report = evaluate(
            Loudness(),
            voices.data,
            voices.target,
            voices.speakers,
            cv=KFold(3, shuffle=True, random_state=0),
        )
    assert report.main.name == "custom splits"
    assert report.main.description == "3 folds over 36 clips and 6 speakers, as passed in cv."
    assert not report.main.is_honest


def test_a_single_speaker_is_refused(voices):
    with pytest.raises(ValueError, match="speakers contains only 'a'; expected at least two spe"):
        evaluate(Unfittable(), voices.data, voices.target, ["a"] * 36)


def other_corpus(voices, **changes):
    """Evaluate on the second half of the voices, under the speaker names of the first."""
    half = len(voices.data) // 2
    arguments = {
        "X_test": voices.data[half:],
        "y_test": voices.target[half:],
        "speakers_test": voices.speakers[:half],
    }
    return evaluate(
        Loudness(),
        voices.data[:half],
        voices.target[:half],
        voices.speakers[:half],
        **arguments | changes,
    )


def test_other_corpus(voices):
    half = len(voices.data) // 2
    report = other_corpus(voices)
    assert list(report.protocols) == ["other corpus"]
    assert report.main.description == (
        "Trained on all 18 clips of 3 speakers, tested on 18 clips of 3 speakers from another "
        "corpus. 3 speaker names, such as '01', occur in both and are treated as different people."
    )
    assert report.main.is_honest
    expected = Loudness().fit(voices.data[:half], voices.target[:half]).predict(voices.data[half:])
    np.testing.assert_array_equal(report.main.y_pred, expected)


def test_one_speaker_name_in_both_corpora(voices):
    speakers = ["01", *"abc" * 5, "d", "d"]
    description = other_corpus(voices, speakers_test=speakers).main.description
    assert "One speaker name, '01', occurs in both and is treated as two people." in description


def test_another_corpus_needs_a_class_in_common(voices):
    message = "y and y_test have no class in common: anger, neutral, sadness and joy. Use one"
    with pytest.raises(ValueError, match=message):
        other_corpus(voices, X_test=["a.wav"], y_test=["joy"], speakers_test=["x"])
    message = "y contains labels such as '.*', but y_test labels such as 3; expected labels of one"
    with pytest.raises(TypeError, match=message):
        other_corpus(voices, X_test=["a.wav"], y_test=[3], speakers_test=["x"])


def test_leaks_are_found_before_training(voices):
    X, y, speakers = planted(voices, ".wav", shutil.copyfile)
    with (
        pytest.warns(LeakWarning, match="'speaker-independent' has the same recording in both"),
        pytest.raises(AssertionError, match="fit was called"),
    ):
        evaluate(Unfittable(), X, y, speakers, cv=LeaveOneGroupOut())


def test_a_copy_within_training_or_test_is_not_a_leak(voices):
    X, y, speakers = planted(voices, ".wav", shutil.copyfile)
    speakers[-1] = "01"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        report = evaluate(Loudness(), X, y, speakers, cv=LeaveOneGroupOut())
    assert report.main.leaks == []


def test_several_leaks_are_counted(voices):
    speakers = voices.speakers.astype(object)
    X, y = [*voices.data, *voices.data[:2]], [*voices.target, *voices.target[:2]]
    message = "training and test: 2 pairs of clips, such as .*Remove one clip of each pair"
    with pytest.warns(LeakWarning, match=message):
        report = evaluate(Loudness(), X, y, [*speakers, "06", "06"], cv=LeaveOneGroupOut())
    text = " ".join(str(report).split())
    assert "The same recording appears in both training and test, in 2 pairs of clips." in text


def test_a_recording_that_is_also_in_the_other_corpus_is_found(voices):
    half = len(voices.data) // 2
    with pytest.warns(LeakWarning, match="'other corpus' has the same recording in both training"):
        report = other_corpus(
            voices,
            X_test=[*voices.data[half:], voices.data[3]],
            y_test=[*voices.target[half:], voices.target[3]],
            speakers_test=[*voices.speakers[half:], "x"],
        )
    (leak,) = report.main.leaks
    assert (leak.train, leak.test) == (3, len(voices.data))


def test_waveforms_are_named_by_their_number():
    waveforms = list(np.random.default_rng(0).normal(size=(12, 800)))
    waveforms[11] = waveforms[0].copy()
    with pytest.warns(LeakWarning, match=r"such as clip \d+ and clip \d+ \(same bytes\)"):
        evaluate(DummyClassifier(), waveforms, ["a", "b"] * 6, np.repeat([1, 2, 3], 4), cv=3)
