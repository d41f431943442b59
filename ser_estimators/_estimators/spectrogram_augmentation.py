"""SpectrogramAugmentation: random augmentation of training clips."""

from __future__ import annotations

import inspect
from dataclasses import fields
from numbers import Real
from typing import TYPE_CHECKING, Any

from sklearn.base import BaseEstimator
from sklearn.utils import check_scalar

from .._utils.checks import check_finite
from .._utils.public import public

if TYPE_CHECKING:
    from .._training.augmentation import AugmentationOptions, Generators, SpectrogramBatch

__all__ = ["SpectrogramAugmentation"]

# Smallest and largest value, and which of the two are allowed.
_RANGES: dict[str, tuple[float, float | None, str]] = {
    "time_stretch": (0, None, "left"),
    "frequency_warp": (0, 1, "left"),
    "gain": (0, None, "left"),
    "time_mask": (0, 1, "both"),
    "frequency_mask": (0, 1, "both"),
    "time_shift": (0, 1, "left"),
    "mixstyle_p": (0, 1, "both"),
    "mixup_alpha": (0, None, "left"),
    "smoothing_p": (0, 1, "both"),
    "recording_p": (0, 1, "both"),
    "room_p": (0, 1, "both"),
    "noise_p": (0, 1, "both"),
    "equalization": (0, None, "left"),
    "band_p": (0, 1, "both"),
    "silence_p": (0, 1, "both"),
}


@public
class SpectrogramAugmentation(BaseEstimator):
    """Random augmentation of the log-mel spectrograms on which `CNNEmbedder` is trained.

    Clips are augmented differently in every epoch. The spectra of some are smoothed, and some are
    changed as if they had been recorded elsewhere: silence at the ends is cut, and a room, noise or
    babble, the frequency response of a microphone and the band of a line are added. Then all are
    augmented by MixStyle, stretching and warping, gain, masks and mixup, in this order. Validation
    and test clips are never augmented. A value of 0 disables the corresponding augmentation.

    Parameters
    ----------
    time_stretch : float >= 0, default=0.2
        Clips become up to ``1 + time_stretch`` times longer or shorter, uniformly on a log scale.
    frequency_warp : float in [0, 1), default=0.05
        The frequency axis is scaled by up to this fraction, and shifted by up to a quarter of it:
        vocal tract length perturbation [1]_.
    gain : float >= 0, default=0.3
        Up to this value is added to or subtracted from the spectrogram, in standard deviations of
        a row.
    time_mask : float in [0, 1], default=0.15
        Up to this fraction of the frames is masked, in one block: SpecAugment [2]_.
    frequency_mask : float in [0, 1], default=0.15
        Up to this fraction of the rows is masked, in one block.
    time_shift : float in [0, 1), default=0.0
        Clips are shifted by up to this fraction of their length; the gap is filled with the first
        or last frame, which is silence in most recordings.
    mixstyle_p : float in [0, 1], default=0.5
        Probability that the mean and standard deviation over time of each row of a clip are blended
        with those of another clip: MixStyle [3]_, along frequency [4]_.
    mixup_alpha : float >= 0, default=0.0
        Parameter of the beta distribution of the weights with which mixup [5]_ blends two clips.
    smoothing_p : float in [0, 1], default=0.0
        Probability that the spectra of a clip are smoothed along frequency, as if they had been
        described by fewer cepstral coefficients, a random number from 3/8 of them on. It keeps
        networks from relying on the harmonics of the pitch alone, of which few training speakers
        show little.
    recording_p : float in [0, 1], default=0.0
        Fraction of the clips that are changed as if they had been recorded elsewhere. 0 is for
        models that only hear the studio in which they were trained; 0.5 makes others robust to
        noise, rooms and lines.
    room_p : float in [0, 1], default=0.3
        Probability of reverberation, among these clips, with a decay of 60 dB in 9 to 56 frames,
        0.15 to 0.9 s with the default hop, and 10 to -4 dB of direct to reverberant energy.
    noise_p : float in [0, 1], default=0.5
        Probability of noise with a random spectral slope, or of babble, which is made of other
        training clips.
    noise_snr : float or None, default=0.0
        Lowest signal-to-noise ratio in dB. It is drawn uniformly between this value and 40 dB more.
        None adds no noise.
    equalization : float >= 0, default=8.0
        Largest gain or attenuation in dB of a random smooth frequency response, and of a tilt.
    band_p : float in [0, 1], default=0.2
        Probability that rows at both ends are attenuated, as by a telephone.
    silence_p : float in [0, 1], default=0.4
        Probability that silence at the ends is cut.

    See Also
    --------
    CNNEmbedder : The network that is trained on the augmented clips.

    Notes
    -----
    An augmentation is any callable ``augmentation(batch, rng)`` that returns a batch: override
    ``__call__`` in a subclass, or pass a function. The batch has ``spectrogram``, a float32 tensor
    of shape (n, n_channels, n_rows, n_frames), ``mask`` (n, 1, 1, n_frames), one in real frames and
    zero in padding, and ``targets`` (n, n_classes); ``spectrogram * std + mean`` is in dB, and
    ``batch.replace(spectrogram=...)`` returns a changed batch. Random numbers are drawn from
    ``rng.torch`` (a torch.Generator) or ``rng.numpy`` (a numpy.random.Generator), so that a fit
    with a `random_state` can be repeated.

    References
    ----------
    .. [1] N. Jaitly and G. Hinton, "Vocal Tract Length Perturbation (VTLP) improves speech
       recognition", ICML Workshop on Deep Learning for Audio, Speech and Language, 2013.
    .. [2] D. S. Park et al., "SpecAugment: A simple data augmentation method for automatic speech
       recognition", Interspeech 2019.
    .. [3] K. Zhou et al., "Domain generalization with MixStyle", ICLR 2021.
    .. [4] F. Schmid et al., "Knowledge distillation from transformers for low-complexity acoustic
       scene classification", DCASE Workshop 2022.
    .. [5] H. Zhang et al., "mixup: Beyond empirical risk minimization", ICLR 2018.

    Examples
    --------
    >>> from ser_estimators import CNNEmbedder, SpectrogramAugmentation
    >>> cnn = CNNEmbedder(augmentation=SpectrogramAugmentation(recording_p=0.5))
    >>> cnn.set_params(augmentation__gain=0.5).augmentation
    SpectrogramAugmentation(gain=0.5, recording_p=0.5)

    A custom augmentation:

    >>> class Quieter(SpectrogramAugmentation):
    ...     def __call__(self, batch, rng):
    ...         batch = super().__call__(batch, rng)
    ...         return batch.replace(spectrogram=0.9 * batch.spectrogram)
    >>> cnn = CNNEmbedder(augmentation=Quieter())
    """

    def __init__(
        self,
        *,
        time_stretch: float = 0.2,
        frequency_warp: float = 0.05,
        gain: float = 0.3,
        time_mask: float = 0.15,
        frequency_mask: float = 0.15,
        time_shift: float = 0.0,
        mixstyle_p: float = 0.5,
        mixup_alpha: float = 0.0,
        smoothing_p: float = 0.0,
        recording_p: float = 0.0,
        room_p: float = 0.3,
        noise_p: float = 0.5,
        noise_snr: float | None = 0.0,
        equalization: float = 8.0,
        band_p: float = 0.2,
        silence_p: float = 0.4,
    ) -> None:
        self.time_stretch = time_stretch
        self.frequency_warp = frequency_warp
        self.gain = gain
        self.time_mask = time_mask
        self.frequency_mask = frequency_mask
        self.time_shift = time_shift
        self.mixstyle_p = mixstyle_p
        self.mixup_alpha = mixup_alpha
        self.smoothing_p = smoothing_p
        self.recording_p = recording_p
        self.room_p = room_p
        self.noise_p = noise_p
        self.noise_snr = noise_snr
        self.equalization = equalization
        self.band_p = band_p
        self.silence_p = silence_p

    def __call__(self, batch: SpectrogramBatch, rng: Generators) -> SpectrogramBatch:
        """Augment the clips of a batch at random.

        Parameters
        ----------
        batch : SpectrogramBatch
            With ``spectrogram``, ``mask`` and ``targets``, see Notes.
        rng : Generators
            With ``rng.torch`` and ``rng.numpy``.

        Returns
        -------
        SpectrogramBatch
        """
        # Imported here, because prediction needs no training code.
        from .._training.augmentation import augment

        return augment(batch, self._options(), rng)

    def __setstate__(self, state: dict[str, Any]) -> None:
        # Pickles of the first format have no parameters of recordings, none of which were changed.
        parameters = inspect.signature(SpectrogramAugmentation).parameters.values()
        defaults = {one.name: one.default for one in parameters}
        super().__setstate__(state if "recording_p" in state else defaults | state)

    def _options(self) -> AugmentationOptions:
        from .._training.augmentation import AugmentationOptions
        from .._training.recordings import RecordingOptions

        # Not all parameters, because a subclass may have others.
        def values(kind: Any, *others: str) -> dict[str, Any]:
            names = [field.name for field in fields(kind) if field.name not in others]
            return {name: getattr(self, name) for name in names}

        recordings = RecordingOptions(p=self.recording_p, **values(RecordingOptions, "p"))
        options = values(AugmentationOptions, "recordings")
        return AugmentationOptions(**options, recordings=recordings)

    def _check_params(self) -> None:
        """Raise for a parameter of the wrong type or out of its range."""
        for name, (smallest, largest, boundaries) in _RANGES.items():
            if not hasattr(self, name):
                continue  # a subclass with its own __init__ need not have it
            value = getattr(self, name)
            check_scalar(value, name, Real)
            check_finite(value, name)
            check_scalar(
                value, name, Real, min_val=smallest, max_val=largest, include_boundaries=boundaries
            )
        noise_snr = getattr(self, "noise_snr", None)
        if noise_snr is not None:
            check_scalar(noise_snr, "noise_snr", Real)
            check_finite(noise_snr, "noise_snr")
