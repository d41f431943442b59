"""EncoderEmbedder: embeddings of clips by a pretrained speech encoder."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import Tags
from sklearn.utils.validation import check_consistent_length, check_is_fitted

from .._audio.clips import validate_clips
from .._audio.reading import Reading
from .._encoders.files import EncoderFiles, check_digest, find_files
from .._encoders.loading import EncoderShape, shape_of
from .._network.devices import resolve_device
from .._utils.arrays import Floats
from .._utils.public import public
from .clip_transformer import ClipTransformer
from .embedding_array import EmbeddingArray
from .encoder_checks import check_encoder_params, check_targets, check_unchanged, name_of_speed
from .encoder_layers import choose_layers, pool
from .encoder_statistics import RUN_PARAMETERS, clip_statistics
from .layer_choice import resolve_layers

__all__ = ["EncoderEmbedder"]


@public
class EncoderEmbedder(ClipTransformer):
    """Embed audio clips with a pretrained speech encoder, which stays frozen.

    The embedding of a clip consists of statistics over time of the hidden states of one or more
    layers of the encoder. A linear classifier on it often recognizes emotions better than a network
    that was trained from scratch, and is fitted in seconds.

    Parameters
    ----------
    model : str or path-like, default="openai/whisper-base"
        Name of a model on the Hugging Face Hub, or a folder, as ``save_pretrained`` of transformers
        writes it. Whisper [1]_, wav2vec 2.0, HuBERT, WavLM and data2vec are supported. Code and
        pickles of a model are never loaded: weights have to be in safetensors files.
    layers : "auto", int or sequence of int, default="auto"
        Layers whose hidden states are used: 0 is the input of the first layer, -1 the last layer.
        The last layer, which represents words, is seldom the best. "auto" chooses the five
        neighboring layers on which a linear classifier recognizes the labels of the training clips
        best in cross-validation, see `layer_scores_`.
    pooling : sequence of {"mean", "std"}, default=('mean', 'std')
        Statistics over time.
    speeds : sequence of float, default=(1.0,)
        Speeds at which each clip is played, such as ``(0.95, 1.0, 1.05)``: with the speed, pitch
        and formants change, as if another speaker had said it [2]_. The embedding consists of those
        of all speeds, one after the other. `ViewVotingClassifier` learns from each of them.
    revision : str or None, default=None
        Branch, tag or commit of a model on the hub. None takes its default branch.
    local_files_only : bool, default=False
        Whether to use only what has been downloaded before.
    offset : float >= 0, default=0.0
        Seconds that are skipped at the start of each clip.
    duration : float > 0 or None, default=None
        Maximum number of seconds that are read from each clip; None reads to the end.
    res_type : {"soxr_hq", "soxr_vhq", "soxr_mq", "soxr_lq", "soxr_qq"}, default="soxr_hq"
        Resampling quality, see ``librosa.resample``.
    trim_db : float > 0 or None, default=None
        Threshold, in dB below the loudest frame, under which silence at both ends is trimmed, see
        ``librosa.effects.trim``. None keeps the silence.
    loudness : float <= 0 or None, default=-23.0
        Loudness in LUFS to which each clip is scaled; None leaves clips as they are. The level of a
        recording tells more about the microphone than about the speaker.
    batch_size : int > 0, default=16
        Number of clips of similar length that the encoder processes at once on a GPU. On a CPU,
        and in bfloat16, it processes them one by one, see Notes.
    device : {"auto", "cpu", "cuda"} or str, default="auto"
        Where the encoder runs. "auto" takes a CUDA GPU if there is one.
    precision : {"auto", "float32", "bfloat16"}, default="auto"
        Type of the weights and of the hidden states. "auto" takes bfloat16 on CPUs with AMX,
        and float32 elsewhere.
    memory : path-like, joblib.Memory or None, default=None
        Folder in which the statistics of all layers are cached for each file, so that a search over
        `layers` and `pooling` neither reads files nor runs the encoder. See `MFCCTransformer`.
    bytes_limit : int, str or None, default=None
        Maximum size of this folder, such as "10G". None sets no limit.
    n_jobs : int or None, default=None
        Number of threads that read files. None means 1 unless in a ``joblib.parallel_config``
        context, -1 means all processors. The encoder runs on as many threads as PyTorch has.
    verbose : int, default=0
        1 shows a progress bar in a terminal and about ten lines elsewhere.

    Attributes
    ----------
    layers_ : tuple of int
        Layers that are used.
    layer_scores_ : ndarray of shape (1 + n_layers,) or None
        With ``layers="auto"``, the balanced accuracy of each layer together with those beside it,
        in cross-validation on the training clips. None for given layers, and if the clips were too
        few to choose by them; then those in the middle are used. The clips are played at the speed
        that is closest to 1.
    pooling_ : tuple of str
        `pooling` of the fit.
    speeds_ : tuple of float
        `speeds` of the fit.
    embedding_dim_ : int
        Number of features.
    sr_ : int
        Sampling rate of the encoder in Hz. Clips with another rate are resampled; waveforms without
        a rate are assumed to have this one.
    digest_ : str
        SHA-256 of the weights and the configuration of the encoder. A saved model contains this
        digest instead of the weights, and refuses to use others.
    revision_ : str or None
        Commit of the model on the hub; None for a folder.
    license_ : str or None
        License of the encoder, as its card states it; None if it does not.
    n_features_in_ : int
        Number of samples per clip. Only defined if ``fit`` was called with a 2-D array.

    See Also
    --------
    CNNEmbedder : A network that is trained from scratch.
    AcousticFeatures : A table of classical features.

    Notes
    -----
    A clip is processed at its own length, without the padding to 30 seconds of Whisper's usual
    front end, and has the same embedding alone and in any batch. On a CPU, each thread of PyTorch
    has a clip of its own, which costs about as much as batches, and the embedding is the same to
    the last bit. On a GPU, batches of float32 differ by rounding errors. Clips longer than 30
    seconds are divided into parts of equal length, and the statistics are those over all parts.
    Without `memory`, layers beyond the deepest one that is used are neither loaded nor computed.

    For ``layers="auto"``, pass the speakers as `groups`, as ``encoder__groups`` in a pipeline.
    `ser_estimators.evaluation.evaluate` does. Otherwise, the best layer for known speakers is
    chosen.

    References
    ----------
    .. [1] A. Radford et al., "Robust speech recognition via large-scale weak supervision", ICML
       2023.
    .. [2] T. Ko, V. Peddinti, D. Povey and S. Khudanpur, "Audio augmentation for speech
       recognition", Interspeech 2015.

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> from ser_estimators import EncoderEmbedder
    >>> pipe = make_pipeline(
    ...     EncoderEmbedder("openai/whisper-base"), StandardScaler(), LogisticRegression(C=0.003)
    ... )
    >>> pipe.fit(paths, emotions, encoderembedder__groups=speakers)  # doctest: +SKIP
    """

    __metadata_request__fit: ClassVar = {"groups": True}

    def __init__(
        self,
        model: str | os.PathLike[str] = "openai/whisper-base",
        *,
        layers: str | int | Sequence[int] = "auto",
        pooling: Sequence[str] = ("mean", "std"),
        speeds: Sequence[float] = (1.0,),
        revision: str | None = None,
        local_files_only: bool = False,
        offset: float = 0.0,
        duration: float | None = None,
        res_type: str = "soxr_hq",
        trim_db: float | None = None,
        loudness: float | None = -23.0,
        batch_size: int = 16,
        device: str = "auto",
        precision: str = "auto",
        memory: Any = None,
        bytes_limit: int | str | None = None,
        n_jobs: int | None = None,
        verbose: int = 0,
    ) -> None:
        self.model = model
        self.layers = layers
        self.pooling = pooling
        self.speeds = speeds
        self.revision = revision
        self.local_files_only = local_files_only
        self.offset = offset
        self.duration = duration
        self.res_type = res_type
        self.trim_db = trim_db
        self.loudness = loudness
        self.batch_size = batch_size
        self.device = device
        self.precision = precision
        self.memory = memory
        self.bytes_limit = bytes_limit
        self.n_jobs = n_jobs
        self.verbose = verbose

    def fit(self, X: Any, y: Any = None, *, groups: Any = None) -> EncoderEmbedder:
        """Find the encoder, and with ``layers="auto"`` choose the layers.

        Parameters
        ----------
        X : list of clips, or ndarray of shape (n_clips, n_samples)
            As for `MFCCTransformer.fit`. Files are opened only to choose the layers.
        y : array-like of shape (n_clips,) or None, default=None
            Labels, which are needed to choose the layers.
        groups : array-like of shape (n_clips,) or None, default=None
            Speakers of the clips. The layers are chosen on speakers that are held out.

        Returns
        -------
        EncoderEmbedder
            This transformer.

        Raises
        ------
        AudioReadError
            If clips cannot be used. The error lists all of them, with reason and remedy.
        ImportError
            If transformers is not installed.
        TypeError, ValueError
            If X is not a list of clips, a parameter has a wrong type or value, or the encoder is
            missing, damaged or of an unknown type.
        """
        self._fit(X, y, groups, is_kept=False)
        return self

    def fit_transform(self, X: Any, y: Any = None, *, groups: Any = None) -> Floats:
        """Fit, and embed the same clips; the encoder runs once.

        Parameters
        ----------
        X, y, groups
            As for `fit`.

        Returns
        -------
        ndarray of shape (n_clips, embedding_dim), float32
        """
        tables = self._fit(X, y, groups, is_kept=True)
        if tables is None:
            return self.transform(X)
        return self._with_blocks(tables[:, :, list(self.layers_)].reshape(len(tables), -1))

    def transform(self, X: Any) -> Floats:
        """Embed every clip.

        Parameters
        ----------
        X : list of clips, or ndarray of shape (n_clips, n_samples)
            As for `fit`.

        Returns
        -------
        ndarray of shape (n_clips, embedding_dim), float32
            `get_feature_names_out` returns the names of the columns.

        Raises
        ------
        AudioReadError
            If clips cannot be used. The error lists all of them, with reason and remedy.
        ImportError
            If transformers is not installed.
        TypeError, ValueError
            If X is not a list of clips, a parameter has a wrong type or value, or the encoder is
            missing or not the one of the fit.
        """
        check_is_fitted(self)
        self._check_params()
        clips = validate_clips(self, X, reset=False)
        # What was a folder is not looked for on the hub.
        files = self._find_files(self.revision_, was_folder=self.revision_ is None)
        check_digest(files, self.digest_)
        shape = shape_of(files)
        check_unchanged(self, shape.n_layers)
        table = np.empty((len(clips), self.embedding_dim_), dtype=np.float32)
        rows = self._statistics(clips, files, shape, max(self.layers_), self.speeds_)
        for row, statistics in zip(table, rows, strict=True):
            row[:] = pool(statistics[:, list(self.layers_)], self.pooling_).ravel()
        return self._with_blocks(table)

    def get_feature_names_out(self, input_features: Any = None) -> NDArray[np.object_]:
        """Return the names of the columns, such as "layer3_mean_0".

        Parameters
        ----------
        input_features : None, default=None
            Not used, present for API consistency.

        Returns
        -------
        ndarray of shape (embedding_dim,), object
        """
        check_is_fitted(self)
        n_blocks = len(self.speeds_) * len(self.layers_) * len(self.pooling_)
        width = self.embedding_dim_ // n_blocks
        starts = [f"speed{name_of_speed(speed)}_" for speed in self.speeds_]
        names = [
            f"{start}layer{layer}_{statistic}_{number}"
            for start in (starts if len(starts) > 1 else [""])
            for layer in self.layers_
            for statistic in self.pooling_
            for number in range(width)
        ]
        return np.array(names, dtype=object)

    def _fit(self, X: Any, y: Any, groups: Any, *, is_kept: bool) -> Floats | None:
        """Set the fitted attributes; return the statistics of all layers if they were computed.

        They are returned, and computed for all speeds, if they are to be kept.
        """
        self._check_params()
        resolve_device(self.device)
        clips = validate_clips(self, X, reset=True)
        check_consistent_length(clips, y, groups)
        files = self._find_files(self.revision)
        shape = shape_of(files)
        self.speeds_ = tuple(float(speed) for speed in self.speeds)
        self.pooling_ = tuple(map(str, self.pooling))
        tables = None
        if isinstance(self.layers, str):
            y, groups = check_targets(y, groups, shape.n_layers)
            self.layers_, self.layer_scores_, tables = choose_layers(
                partial(self._statistics, clips, files, shape, shape.n_layers),
                (len(clips), 1 + shape.n_layers, shape.width),
                y,
                groups,
                speeds=self.speeds_,
                pooling=self.pooling_,
                is_kept=is_kept,
                is_cached=self.memory is not None,
            )
        else:
            self.layers_ = resolve_layers(self.layers, shape.n_layers)
            self.layer_scores_ = None
        n_blocks = len(self.speeds_) * len(self.layers_) * len(self.pooling_)
        self.embedding_dim_ = n_blocks * shape.width
        self.sr_ = shape.sr
        self.digest_ = files.digest
        self.revision_ = files.revision
        self.license_ = files.license
        return tables

    def _statistics(
        self,
        clips: Any,
        files: EncoderFiles,
        shape: EncoderShape,
        n_layers: int,
        speeds: Sequence[float],
    ) -> Iterator[Floats]:
        """Yield the statistics of every clip, (n_speeds, 1 + n_layers, n_statistics, width)."""
        return clip_statistics(
            clips,
            files,
            n_layers,
            self._reading_at(shape.sr),
            speeds=speeds,
            cache_as=type(self).__name__,
            **{name: getattr(self, name) for name in RUN_PARAMETERS},
        )

    def _with_blocks(self, embeddings: Floats) -> EmbeddingArray:
        return EmbeddingArray(embeddings, (len(self.speeds_), len(self.layers_)))

    def _find_files(self, revision: str | None, *, was_folder: bool = False) -> EncoderFiles:
        return find_files(
            self.model,
            revision=revision,
            local_files_only=bool(self.local_files_only),
            was_folder=was_folder,
        )

    def _reading_at(self, sr: int) -> Reading:
        return Reading(
            sr=sr,
            offset=self.offset,
            duration=self.duration,
            res_type=self.res_type,
            trim_db=self.trim_db,
            loudness=self.loudness,
        )

    def _check_params(self) -> None:
        self._check_common_params()
        check_encoder_params(self)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.requires_fit = True
        tags.target_tags.required = isinstance(self.layers, str)
        return tags
