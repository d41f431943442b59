"""Messages have a bounded length, whatever comes in; short clips cause a warning."""

import pickle
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_estimators import AcousticFeatures, MFCCTransformer
from ser_estimators._audio.clips import check_clips
from ser_estimators._audio.failures import combine, failure, warn_of_lengths, warn_of_levels
from ser_estimators._audio.kinds import EncodedClip, SampledClip
from ser_estimators._audio.reading import Reading
from ser_estimators._audio.workers import default_errstate, map_clips, map_waveforms
from ser_estimators._features.cache import cache_folder, parse_bytes
from ser_estimators._utils.text import printable, represent, shorten
from ser_estimators.exceptions import AudioLengthWarning, AudioReadError

from .helpers import SR, encode, speechlike

MAX_MESSAGE = 3000


class Loud:
    """An object whose description is long."""

    def __repr__(self):
        return "loud " * 10**5


class Silent:
    """An object whose description cannot be computed."""

    def __repr__(self):
        raise RuntimeError


LONG = "x" * 10**5
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.just(10**4000),
    st.floats(),
    st.text(max_size=20),
    st.binary(max_size=20),
    st.sampled_from([LONG, LONG.encode(), Path(LONG), type(LONG, (), {})()]),
    st.builds(Loud),
    st.builds(Silent),
    st.builds(lambda n: np.zeros(n), st.integers(0, 3000)),
    st.builds(lambda n: np.ones((n, 2)), st.integers(0, 3)),
)
anything = st.recursive(
    scalars,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(st.sampled_from(["bytes", "path", "array", "sampling_rate", LONG]), inner),
    ),
    max_leaves=6,
)


@given(anything)
@settings(max_examples=300)
def test_no_message_grows_with_X(X):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            MFCCTransformer().transform(X)
        except (TypeError, ValueError) as error:
            assert len(str(error)) < MAX_MESSAGE  # noqa: PT017
    assert all(len(str(warning.message)) < MAX_MESSAGE for warning in caught)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 10**6), st.sampled_from(["", "a.wav", LONG, "ü\n" * 999]), st.text()
        ),
        min_size=1,
        max_size=40,
    ),
    st.sampled_from([1, 50]),
    st.sampled_from([1, 2000]),
)
def test_no_message_grows_with_failures(failures, times, factor):
    failures = [(index, name, factor * reason) for index, name, reason in failures] * times
    error = combine(failures, 10**6)
    assert len(str(error)) < MAX_MESSAGE
    assert len(error.failures) == len(failures)
    assert all(len(reason) < 1000 for _, _, reason in error.failures)
    assert len(str(failure(factor * failures[0][2], failures[0][1]))) < MAX_MESSAGE
    assert pickle.loads(pickle.dumps(error)).failures == error.failures


@pytest.mark.parametrize("n_clips", [1, 2, 6, 5000])
@pytest.mark.parametrize("clip", ["x" * 4000, EncodedClip(b"", LONG), np.ones(9), "a\nb"])
def test_no_warning_grows_with_its_clips(clip, n_clips):
    for warn, value in ((warn_of_levels, 0.0), (warn_of_levels, 1e5), (warn_of_lengths, 0.01)):
        with pytest.warns(UserWarning, match="of") as caught:
            warn([clip] * n_clips, [value] * n_clips)
        message = str(caught[0].message)
        assert len(message) < 1000
        assert "\n" not in message
        verb = "is" if n_clips == 1 else "are"
        noun = "clip" if n_clips == 1 else "clips"
        assert message.startswith(f"{n_clips} of {n_clips} {noun} {verb} ")


@pytest.mark.parametrize(
    "parameters",
    [
        {"features": LONG},
        {"features": (LONG,)},
        {"features": ("rms",) * 10**4},
        {"statistics": [LONG] * 999},
        {"f0_min": 10**4000},
        {"f0_max": 10**4000},
        {"f0_min": 1e-300},
        {"memory": [LONG]},
        {"bytes_limit": LONG},
    ],
)
def test_no_message_grows_with_a_parameter(parameters):
    with pytest.raises((TypeError, ValueError)) as caught:
        AcousticFeatures(**parameters).fit([np.ones(2000)])
    assert len(str(caught.value)) < MAX_MESSAGE


def test_no_message_of_the_cache_grows():
    for function in (cache_folder, lambda value: parse_bytes(value, "bytes_limit")):
        with pytest.raises(
            (TypeError, ValueError), match="loud loud.*; expected|, must be a numb"
        ) as e:
            function(Loud())
        assert len(str(e.value)) < 300


def test_note_of_another_error_is_bounded():
    def fail(clip):
        raise MemoryError("no room")

    with pytest.raises(MemoryError) as caught:
        list(map_clips(fail, [LONG]))
    assert len(caught.value.__notes__[0]) < 300


@given(st.text(max_size=300), st.integers(10, 200))
def test_shortened_text_keeps_its_ends(text, limit):
    short = shorten(text, limit)
    assert len(short) <= limit
    if len(text) > limit:
        assert text.startswith(short[:3])
        assert text.endswith(short[-3:])
    assert len(printable(text, limit=limit)) <= limit
    assert printable(text).isprintable()


def test_values_are_represented():
    assert represent("a.wav") == "'a.wav'"
    assert represent(b"a" * 999).startswith("b'aaa")
    assert represent(Silent()).startswith("<Silent")
    assert len(represent([Loud()] * 99)) <= 80
    assert represent(np.float32(2)) == "np.float32(2.0)"


# Short clips


@pytest.mark.parametrize("n_samples", [1, 10, 1599])
@pytest.mark.parametrize(
    "make",
    [
        lambda samples: samples,
        lambda samples: (samples, SR),
        lambda samples: encode(samples),
        lambda samples: Path("a.wav").write_bytes(encode(samples)) and "a.wav",
    ],
    ids=["waveform", "pair", "bytes", "path"],
)
@pytest.mark.parametrize("estimator", [MFCCTransformer(), AcousticFeatures(["rms"])])
def test_short_clips_cause_one_warning(make, n_samples, estimator):
    clips = [make(speechlike(2000)[:, 0]), make(np.full(n_samples, 0.5))]
    if isinstance(clips[0], str):
        Path("b.wav").write_bytes(encode(speechlike(2000)))
        clips[0] = "b.wav"
    seconds = f"{n_samples / SR:.2g}".replace(".", r"\.")
    message = (
        rf"1 of 2 clips is shorter than 0.1 s \({seconds} s\), less than a syllable, .*: clip 2"
    )
    with pytest.warns(AudioLengthWarning, match=message) as caught:
        estimator.transform(clips)
    assert len(caught) == 1
    assert caught[0].filename == __file__


def test_requested_part_determines_whether_a_clip_is_short():
    clip = speechlike(SR)[:, 0]
    for parameters in ({"duration": 0.05}, {"offset": 0.95}):
        with pytest.warns(AudioLengthWarning, match="1 of 1 clip is shorter"):
            MFCCTransformer(**parameters).transform([clip])
    # Not what is left without silence.
    burst = np.zeros(SR)
    burst[9000:9100] = 0.5
    MFCCTransformer(trim_db=30.0).transform([burst])


def test_rows_of_a_table_are_not_short_clips():
    X = np.random.default_rng(0).normal(size=(5, 20))
    for table in (X, X.tolist(), list(map(tuple, X)), pd.DataFrame(X)):
        MFCCTransformer().fit(table).transform(table)
    with pytest.warns(AudioLengthWarning, match="5 of 5 clips are shorter"):
        MFCCTransformer().transform(list(X))
    with pytest.warns(AudioLengthWarning, match="1 of 2 clips is shorter"):
        MFCCTransformer().transform([[0.1] * 20, [0.1] * 2000])


@pytest.mark.parametrize("n_jobs", [1, 2])
def test_numpy_errors_as_exceptions_do_no_harm(n_jobs):
    quiet = speechlike(SR)[:, 0].astype(np.float32) * np.float32(1e-25)
    loud = speechlike(SR)[:, 0]
    clips = [np.concatenate([loud, quiet]), SampledClip(loud, 8000), EncodedClip(encode(loud))]
    reading = Reading(SR, trim_db=30.0, loudness=-23.0, preemphasis=0.97)
    expected = map_waveforms(lambda waveform: waveform, clips, reading)
    with np.errstate(all="raise"):
        waveforms = map_waveforms(lambda waveform: waveform, clips, reading, n_jobs=n_jobs)
        with default_errstate():
            assert np.float32(1e-30) ** 2 == 0
    for waveform, same in zip(waveforms, expected, strict=True):
        np.testing.assert_array_equal(waveform, same)


def test_numpy_errors_of_a_function_are_those_of_numpy():
    with np.errstate(all="ignore"), pytest.warns(RuntimeWarning, match="divide by zero"):
        map_waveforms(lambda waveform: waveform / 0, [np.ones(2000)], Reading(SR))


def test_failures_of_all_clips_are_kept_in_order():
    clips = check_clips([{"bytes": b"", "path": f"{number}"} for number in range(60)])
    with pytest.raises(AudioReadError, match="clip 1, '0'; clip 2, '1'; .*and 50 more: the") as e:
        map_waveforms(len, clips, Reading(SR), n_jobs=2)
    assert [index for index, _, _ in e.value.failures] == list(range(60))
    assert {name for _, name, _ in e.value.failures} == {str(number) for number in range(60)}
