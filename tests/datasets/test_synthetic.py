"""make_emotional_speech: files, seeds, and that its voices follow what they are made to follow."""

from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile
from sklearn.model_selection import GroupKFold, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

from ser_estimators import MFCCTransformer
from ser_estimators.datasets import make_emotional_speech
from ser_estimators.datasets._voice import PROSODY, Voice, synthesise


def test_files_and_bunch():
    corpus = make_emotional_speech(3, 2, n_syllables=1, out_dir="new/folder", random_state=0)
    assert len(corpus.data) == len(corpus.target) == len(corpus.speakers) == 3 * 2 * 8
    assert corpus.target_names.tolist() == sorted(PROSODY)
    assert set(corpus.speakers) == {"01", "02", "03"}
    assert corpus.data[0] == str(Path("new/folder/speaker_01/anger_01.wav"))
    assert "no substitute for real speech" in corpus.DESCR
    assert "no substitute for real speech" in make_emotional_speech.__doc__
    for path in corpus.data:
        info = soundfile.info(path)
        assert (info.samplerate, info.channels, info.subtype) == (16000, 1, "PCM_16")
        samples, _ = soundfile.read(path)
        assert 0.003 < np.sqrt(np.mean(samples**2)) < 0.5
        assert np.abs(samples).max() < 1


def read(corpus):
    return [soundfile.read(path)[0] for path in corpus.data]


def test_seed_decides():
    parameters = {"emotions": ["anger", "fear"], "n_syllables": 1}
    first, second, other = (
        read(make_emotional_speech(1, 1, **parameters, out_dir=str(i), random_state=seed))
        for i, seed in enumerate((7, 7, 8))
    )
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert not any(np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_larger_corpus_begins_with_the_smaller_one():
    parameters = {"n_syllables": 1, "random_state": 0}
    small = make_emotional_speech(1, 1, emotions=["fear"], out_dir="small", **parameters)
    large = make_emotional_speech(2, 2, emotions=["anger", "fear"], out_dir="large", **parameters)
    place = [Path(path).name for path in large.data].index("fear_01.wav")
    np.testing.assert_array_equal(read(small)[0], read(large)[place])


@pytest.mark.parametrize("sr", [8000, 22050, 48000])
def test_any_rate(sr):
    corpus = make_emotional_speech(
        1, 1, emotions=["calm"], n_syllables=2, sr=sr, out_dir="x", random_state=0
    )
    samples, rate = soundfile.read(corpus.data[0])
    assert rate == sr
    assert 0.3 < len(samples) / sr < 1.5


def speak(emotion, sex="female", seed=0, **changes):
    """Speak with the emotion's own values, without a speaker's habits."""
    voice = Voice(
        sex=sex,
        pitch=200.0,
        formant_scale=1.0,
        tilt=0.0,
        breath=0.0,
        tempo=1.0,
        expression=PROSODY,
    )
    voice = Voice(**{**vars(voice), **changes})
    return synthesise(
        voice, emotion, sr=16000, n_syllables=6, rng=np.random.default_rng(seed)
    ).astype(np.float32)


def measure(emotion):
    """Pitch in Hz, its spread in semitones, level in dB, seconds, spectral centroid in Hz."""
    rows = []
    for seed in range(6):
        y = speak(emotion, seed=seed)
        pitch = librosa.yin(y, fmin=100, fmax=600, sr=16000)
        level = librosa.feature.rms(y=y, frame_length=2048)[0]
        voiced = pitch[: len(level)][level[: len(pitch)] > 0.3 * level.max()]
        # Percentiles, because YIN takes some frames an octave too low.
        low_pitch, high_pitch = np.percentile(12 * np.log2(voiced / 200), [15, 85])
        spectrum = np.abs(librosa.stft(y)).mean(axis=1) ** 2
        frequencies = librosa.fft_frequencies(sr=16000)
        low = frequencies < 4000
        slope = np.average(frequencies[low], weights=spectrum[low])
        rows.append(
            (
                np.median(voiced),
                high_pitch - low_pitch,
                20 * np.log10(y.std()),
                len(y) / 16000,
                slope,
            )
        )
    return np.median(rows, axis=0)


def test_voices_follow_the_emotions():
    pitch, spread, level, seconds, centroid = (
        dict(zip(PROSODY, column, strict=True))
        for column in np.transpose([measure(emotion) for emotion in PROSODY])
    )
    assert pitch["fear"] > pitch["neutral"] > pitch["sadness"]
    assert pitch["anger"] > 1.15 * pitch["neutral"]
    assert spread["surprise"] > spread["happiness"] > spread["neutral"] > spread["fear"]
    assert level["anger"] > level["happiness"] > level["neutral"] > level["sadness"]
    assert seconds["sadness"] > seconds["neutral"] > seconds["fear"]
    assert centroid["anger"] > centroid["neutral"] > centroid["sadness"]


def test_longer_vocal_tract_lowers_the_spectrum():
    def centroid(y):
        return librosa.feature.spectral_centroid(y=y, sr=16000).mean()

    assert centroid(speak("neutral", formant_scale=1.2)) > centroid(
        speak("neutral", formant_scale=0.9)
    )


def test_unseen_speakers_are_harder_and_both_are_learnable(tmp_path_factory):
    corpus = make_emotional_speech(10, 4, out_dir=tmp_path_factory.mktemp("v"), random_state=0)
    frames = MFCCTransformer(n_jobs=2).transform(corpus.data)
    table = np.array(
        [
            np.r_[clip[:, real].mean(axis=1), clip[:, real].std(axis=1)]
            for clip, real in ((clip, clip.any(axis=0)) for clip in frames)
        ]
    )
    svm = make_pipeline(StandardScaler(), SVC(C=10))
    unseen = cross_val_score(
        svm, table, corpus.target, groups=corpus.speakers, cv=GroupKFold(5)
    ).mean()
    random = cross_val_score(
        svm, table, corpus.target, cv=StratifiedKFold(5, shuffle=True, random_state=0)
    ).mean()
    assert 0.4 < unseen < random - 0.02 < 0.9


@pytest.mark.parametrize(
    ("parameters", "error", "message"),
    [
        ({"n_speakers": 0}, ValueError, "n_speakers == 0, must be >= 1"),
        ({"n_per_emotion": 1.5}, TypeError, "n_per_emotion must be an instance of int"),
        ({"n_syllables": -1}, ValueError, "n_syllables == -1"),
        ({"sr": 4000}, ValueError, "sr == 4000, must be >= 8000"),
        ({"emotions": "anger"}, ValueError, r"emotions='anger'; expected a sequence"),
        ({"emotions": []}, ValueError, "emotions is empty; expected some of: anger, calm"),
        ({"emotions": ["joy"]}, ValueError, "emotions holds 'joy'; expected some of: anger"),
        ({"emotions": ["anger"] * 2}, ValueError, "names one twice"),
        ({"out_dir": "file"}, NotADirectoryError, "out_dir='file' is a file"),
    ],
)
def test_bad_parameter_is_named(parameters, error, message):
    Path("file").touch()
    with pytest.raises(error, match=message):
        make_emotional_speech(**{"n_speakers": 1, "n_per_emotion": 1, "out_dir": "x"} | parameters)
