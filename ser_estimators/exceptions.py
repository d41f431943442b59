"""Errors and warnings of ser_estimators."""

from __future__ import annotations

__all__ = [
    "AudioLengthWarning",
    "AudioLevelWarning",
    "AudioReadError",
    "EncoderError",
    "LeakWarning",
    "ModelFileError",
    "TrainingInterruptedWarning",
    "UnlikeAudioWarning",
]


class AudioReadError(ValueError):
    """One or more audio clips could not be used.

    Attributes
    ----------
    failures : tuple of (int, str, str)
        One entry for each clip that failed: its position in the call (from 0), its path
        (empty for a clip in memory without a name), and the reason with the remedy. The message
        lists only some of many failures.

    Examples
    --------
    >>> from ser_estimators import MFCCTransformer
    >>> from ser_estimators.exceptions import AudioReadError
    >>> try:
    ...     MFCCTransformer().transform(["no_such_file.wav"])
    ... except AudioReadError as error:
    ...     print(error)
    Could not read 'no_such_file.wav' (clip 1 of 1): there is no such file; check the path...
    """

    def __init__(self, message: str, failures: tuple[tuple[int, str, str], ...] = ()) -> None:
        super().__init__(message)
        self.failures = failures

    def __reduce__(self) -> tuple[type, tuple[str, tuple[tuple[int, str, str], ...]]]:
        # An exception pickles by its args alone; joblib workers would lose `failures`.
        return type(self), (str(self), self.failures)


class EncoderError(ValueError):
    """A pretrained encoder is missing, damaged, of an unknown type, or not that of the model.

    Examples
    --------
    >>> from ser_estimators import EncoderEmbedder
    >>> from ser_estimators.exceptions import EncoderError
    >>> try:
    ...     EncoderEmbedder("encoders/no_such_folder/base", layers=3).fit(["voice.wav"])
    ... except EncoderError as error:
    ...     print(error)
    There is no folder 'encoders/no_such_folder/base'; expected a folder with an encoder, or a...
    """


class ModelFileError(ValueError):
    """A model cannot be saved in a model file, or a file is not a model file that can be loaded.

    Examples
    --------
    >>> from pathlib import Path
    >>> from ser_estimators import load_model
    >>> from ser_estimators.exceptions import ModelFileError
    >>> path = Path("emotion.safetensors")
    >>> _ = path.write_bytes(b"")
    >>> try:
    ...     load_model(path)
    ... except ModelFileError as error:
    ...     print(error)
    Could not load 'emotion.safetensors': the file is empty (0 bytes); download or copy it again
    """


class AudioLengthWarning(UserWarning):
    """Some clips are shorter than a syllable, so a label says little about them."""


class AudioLevelWarning(UserWarning):
    """Some clips are silent, or so loud that they cannot be on the scale [-1, 1]."""


class LeakWarning(UserWarning):
    """A speaker or a recording appears in both training and test, so scores are too high."""


class TrainingInterruptedWarning(UserWarning):
    """Training was interrupted from the keyboard, and the model is what was trained until then."""


class UnlikeAudioWarning(UserWarning):
    """Some clips are unlike the audio that a model was trained on, so it says less about them.

    Attributes
    ----------
    unlike : tuple of (int, str, str)
        One entry for each of these clips: its position in the call (from 0), its path (empty for a
        clip in memory), and in what it is unlike. The message lists only some of many.
    """

    def __init__(self, message: str, unlike: tuple[tuple[int, str, str], ...] = ()) -> None:
        super().__init__(message)
        self.unlike = unlike

    def __reduce__(self) -> tuple[type, tuple[str, tuple[tuple[int, str, str], ...]]]:
        return type(self), (str(self), self.unlike)
