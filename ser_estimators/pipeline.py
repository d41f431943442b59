"""The complete pipeline in one call."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from ._estimators.audio_ranges import AudioRanges
from ._estimators.cnn_embedder import CNNEmbedder
from ._estimators.encoder_embedder import EncoderEmbedder
from ._estimators.fit_cache import FitCache
from ._estimators.mfcc_transformer import MFCCTransformer
from ._estimators.speaker_normalizer import SpeakerNormalizer
from ._estimators.spectrogram_augmentation import SpectrogramAugmentation
from ._estimators.spectrogram_cnn import SpectrogramCNN
from ._estimators.view_voting import ViewVotingClassifier
from ._utils.checks import check_choice
from ._utils.text import represent

__all__ = ["make_ser_pipeline"]

_LOUDNESS = -23.0  # LUFS
# A little slower and lower than the recording, and a little faster and higher.
_SPEEDS = (0.95, 1.0, 1.05)


def make_ser_pipeline(
    *,
    encoder: Any = None,
    recordings: str = "any",
    random_state: Any = None,
    n_jobs: int | None = None,
    memory: Any = None,
    warn_unlike: bool = False,
    verbose: int = 0,
) -> Pipeline:
    """Make a speech emotion recognizer: MFCCs, a CNN and a linear classifier.

    With `encoder`, a pretrained encoder takes the place of MFCCs and CNN. It recognizes emotions
    better, and no network has to be trained.

    All other parameters are set as in any pipeline, for example
    ``make_ser_pipeline().set_params(mfcc__n_mfcc=20, cnn__max_epochs=100)``.

    Parameters
    ----------
    encoder : str, path-like, EncoderEmbedder or None, default=None
        Pretrained encoder: a name on the Hugging Face Hub such as "openai/whisper-base" or a
        folder, for an `EncoderEmbedder` with three speeds, or an `EncoderEmbedder`, which keeps its
        parameters, except for `memory`, `n_jobs` and `verbose` if they are given here. None trains
        a CNN from scratch.
    recordings : {"any", "studio"}, default="any"
        Which recordings the CNN is made for. "any" brings all clips to the same loudness, -23 LUFS,
        trains on half of them as if they had been recorded in other rooms, with noise, or with
        other microphones and lines, and adapts to speakers. "studio" is for clips that are all
        recorded like the training clips and at the same level, so that loudness is informative
        about the emotion. `recordings` has no effect with an encoder.
    random_state : int, RandomState instance or None, default=None
        Passed to the network and, with ``recordings="studio"``, to the logistic regression. It has
        no effect with an encoder.
    n_jobs : int or None, default=None
        Number of threads that read files and compute features.
    memory : path-like, joblib.Memory or None, default=None
        Folder of caches. The features of files are cached, so that a search or a cross-validation
        decodes each file only once, and, without an encoder, `FitCache` caches the trained
        networks, so that a search over parameters of the last step trains each network only once.
        Changes of a file are detected, unlike by the string that
        ``sklearn.pipeline.Pipeline(memory=...)`` accepts. Networks are cached if `random_state` is
        not None.
    warn_unlike : bool, default=False
        Whether the pipeline begins with a step ``audio``, an `AudioRanges`, which warns of clips
        that are unlike the training audio. Predictions do not depend on it. If the speakers are
        known, pass them to ``fit`` as ``audio__groups``.
    verbose : int, default=0
        Passed to the network or the encoder: 1 shows a progress bar of epochs or clips in a
        terminal, and about ten lines elsewhere; with a network, 2 shows one line per epoch.

    Returns
    -------
    sklearn.pipeline.Pipeline
        With the steps ``mfcc`` (`MFCCTransformer`), ``cnn`` (`CNNEmbedder`, which appends
        statistics of the MFCCs to its embedding) and ``voting`` (`ViewVotingClassifier`, with one
        ``LinearDiscriminantAnalysis`` of the embedding and one of the statistics). With
        ``recordings="studio"``, the last step is ``lr`` (``LogisticRegression``). With an encoder,
        the steps are ``encoder`` (`EncoderEmbedder`) and ``voting``, with an analysis for each
        layer.

        Pass the speakers to ``fit`` as ``voting__groups``, and with an encoder as
        ``encoder__groups`` as well. If there are several clips of each speaker, pass them to
        ``predict`` as ``groups``. With `warn_unlike`, ``audio`` is the first step.

    Raises
    ------
    TypeError, ValueError
        If `warn_unlike` is no bool, or `recordings` has another value.

    See Also
    --------
    MFCCTransformer : First step, with all parameters of the features.
    CNNEmbedder : Second step, with all parameters of the network.
    EncoderEmbedder : First step with an encoder.

    Examples
    --------
    >>> from ser_estimators import make_ser_pipeline
    >>> from ser_estimators.datasets import make_emotional_speech
    >>> corpus = make_emotional_speech(
    ...     4, 4, emotions=("anger", "sadness"), out_dir="voices", random_state=0
    ... )
    >>> pipe = make_ser_pipeline(random_state=0).set_params(cnn__max_epochs=8)
    >>> pipe.fit(corpus.data[8:], corpus.target[8:]).predict(corpus.data[:1]).shape
    (1,)
    """
    if not isinstance(warn_unlike, (bool, np.bool_)):
        raise TypeError(f"warn_unlike is {represent(warn_unlike)}; expected True or False")
    check_choice(recordings, "recordings", ("any", "studio"))
    first: list[tuple[str, Any]] = []
    if warn_unlike:
        first = [("audio", AudioRanges(memory=memory, n_jobs=n_jobs))]
    if encoder is not None:
        steps = _with_encoder(encoder, n_jobs=n_jobs, memory=memory, verbose=verbose)
        return Pipeline(first + steps)
    if recordings == "studio":
        mfcc = MFCCTransformer(memory=memory, n_jobs=n_jobs)
        network: Any = "cnn"
        n_views = 3
        augmentation: Any = "default"
        # All classes have the same weight, as in balanced accuracy, the usual metric of the field.
        lr = LogisticRegression(class_weight="balanced", max_iter=1000, random_state=random_state)
        last: tuple[str, Any] = ("lr", lr)
    else:
        # As many coefficients as mel bands: fewer smooth the harmonics of the pitch away.
        mfcc = MFCCTransformer(n_mfcc=64, loudness=_LOUDNESS, memory=memory, n_jobs=n_jobs)
        network = SpectrogramCNN(statistics=True)
        n_views = 5
        augmentation = SpectrogramAugmentation(smoothing_p=0.5, recording_p=0.5)
        last = ("voting", _voting("training"))
    cnn = CNNEmbedder(
        network=network,
        augmentation=augmentation,
        n_views=n_views,
        random_state=random_state,
        verbose=verbose,
    )
    return Pipeline(
        [*first, ("mfcc", mfcc), ("cnn", cnn), last],
        memory=None if memory is None else FitCache(memory),
    )


def _with_encoder(encoder: Any, **options: Any) -> list[tuple[str, Any]]:
    if isinstance(encoder, EncoderEmbedder):
        given = {name: value for name, value in options.items() if value}
        embedder = clone(encoder).set_params(**given)
    else:
        embedder = EncoderEmbedder(encoder, speeds=_SPEEDS, **options)
    return [("encoder", embedder), ("voting", _voting())]


def _voting(temperature: str = "auto") -> ViewVotingClassifier:
    # A shrinkage that depends on the number of clips would be too small: the clips of a speaker
    # resemble each other.
    lda = LinearDiscriminantAnalysis(solver="lsqr", shrinkage=0.4)
    return ViewVotingClassifier(lda, normalizer=SpeakerNormalizer(), temperature=temperature)
