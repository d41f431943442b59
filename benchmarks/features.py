"""MFCCs from files: ser_estimators and other libraries, stage by stage, and bare FFTs.

    python benchmarks/features.py /path/to/48khz-wav /path/to/22khz-flac

An environment for the other libraries is created first (``features_peers.txt``, which requires
internet access once). Every system runs in fresh processes with one thread per worker, on the same
files. The systems take turns, and the best turn is reported, because other processes on the machine
can only slow it down. The options of each library are as close to librosa's definition as possible;
the remaining differences are listed below the tables.
"""

import argparse
import json
import multiprocessing
import os
import statistics
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from _workers import (
    HERE,
    MAX_SECONDS,
    THREADS,
    load_before,
    make_environment,
    progress,
    run_worker,
    shorten,
)

CLIP_SUFFIXES = {".wav", ".flac"}
ONE_THREAD = dict.fromkeys(THREADS, "1")
N_WORKERS = 2
# Number of measurements in each process.
N_PASSES = 5
# Clips that are not timed, in which modules are imported, filters made and kernels compiled.
N_WARM_CLIPS = 4
# Clips that a worker process takes at a time.
CHUNK = 4

SETTINGS = {
    "defaults of ser_estimators": {
        "sr": 16000,
        "n_mfcc": 40,
        "n_fft": 1024,
        "hop_length": 256,
        "n_mels": 64,
    },
    "defaults of librosa": {
        "sr": 22050,
        "n_mfcc": 20,
        "n_fft": 2048,
        "hop_length": 512,
        "n_mels": 128,
    },
}

OURS = "ser_estimators"
CACHE = "cache"
# Definition of the MFCCs of each library; all were compared with those of librosa on speech.
DEFINITIONS = {
    OURS: "librosa's, within 1e-3",
    "librosa": "the reference",
    "audioflux": "HTK's mel scale; frames not centered; log10 without librosa's floor at -80 dB",
    "kaldi-native-fbank": "librosa's mel filters; frames centered half a hop later, mirrored at "
    "the ends; symmetric window; natural log, no floor at -80 dB",
    "opensmile": "only its component cMfcc, with a custom configuration; 16-bit input; HTK's mel "
    "scale; frames not centered; natural log, no floor at -80 dB",
    "python_speech_features": "HTK's mel scale with edges rounded to bins, rebuilt for each "
    "clip; frames not centered; symmetric window; natural log, no floor at -80 dB",
    "spafe": "HTK's mel scale, filters not normalized; complex FFT of real frames; frames not "
    "centered; symmetric window; natural log, no floor at -80 dB",
}
PEERS = tuple(name for name in DEFINITIONS if name != OURS)
NOTES = (
    f"Times: median of {N_PASSES} passes over the clips in a process, and best of the processes "
    "that took turns. The files have been read before, so the disk is not involved.",
    f"{N_WORKERS} workers are threads in {OURS}, processes elsewhere, without their start-up time.",
    "Peak memory is that of the whole process, including interpreter and imports, or of both "
    "worker processes together.",
    "For systems that do not read files, soundfile decodes and soxr (HQ) resamples.",
    "Bare FFT: FFTs of the same frames in memory, float32, without a window or further processing. "
    f"The kernel of {OURS} has its own FFT, which can be faster.",
)
STAGE_NAMES = ("decode", "resample", "features")
# Key, title and width.
COLUMNS = (
    ("decode", "decode", 9),
    ("resample", "resample", 9),
    ("features", "features", 9),
    ("file_1", "1 worker", 10),
    (f"file_{N_WORKERS}", f"{N_WORKERS} workers", 11),
    ("peak_1", "1 worker", 10),
    (f"peak_{N_WORKERS}", f"{N_WORKERS} workers", 11),
)
FFTS = {"bare FFT, scipy": "scipy", "bare FFT, torch": "torch"}


class Stages(NamedTuple):
    """The stages of the processing of a clip.

    Parameters
    ----------
    decode : callable
        Maps a path and the rate of the file to a mono float32 waveform at that rate.
    resample : callable
        Maps a waveform, its rate and a new rate to the waveform at the new rate.
    features : callable
        Maps a waveform to MFCCs.
    load : callable
        Maps a path and the rate of the file to a waveform at the rate of the settings.
    """

    decode: Callable[[str, int], np.ndarray]
    resample: Callable[[np.ndarray, int, int], np.ndarray]
    features: Callable[[np.ndarray], np.ndarray]
    load: Callable[[str, int], np.ndarray]

    def all(self, clip: tuple[str, int]) -> np.ndarray:
        """Return the MFCCs of a file, given as its path and rate."""
        return self.features(self.load(*clip))


def main() -> None:
    """Run the measurements and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", type=Path, nargs="*", help="folders of WAV or FLAC files")
    parser.add_argument("--clips", type=int, default=120, help="from each folder, evenly spaced")
    parser.add_argument("--repeats", type=int, default=3, help="fresh processes of each system")
    parser.add_argument("--no-peers", action="store_true", help="only ser_estimators and the FFTs")
    parser.add_argument("--peers-env", type=Path, default=HERE / "results" / "peers-env")
    parser.add_argument("--results", type=Path, default=HERE / "results" / "features.json")
    parser.add_argument("--worker", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.worker:
        print(json.dumps(measure(**json.load(sys.stdin))))
        return
    if not args.folders:
        parser.error("pass at least one folder of WAV or FLAC files")

    load = load_before()
    pythons = {OURS: sys.executable}
    if not args.no_peers:
        pythons |= dict.fromkeys(
            PEERS, make_environment(args.peers_env, HERE / "features_peers.txt")
        )
    pythons |= dict.fromkeys((*FFTS, CACHE), sys.executable)
    rows = []
    for folder in args.folders:
        clips, description = find_clips(folder, args.clips)
        for settings in SETTINGS:
            head = {"folder": folder.name, "clips": description, "settings": settings}
            head["load_before"] = load
            label = f"{folder.name}, {settings}"
            new = [head | row for row in compare(label, settings, clips, pythons, args.repeats)]
            rows += new
            print_table(new)
    print_notes(rows)
    args.results.parent.mkdir(parents=True, exist_ok=True)
    args.results.write_text(json.dumps(rows, indent=1))


def find_clips(folder: Path, n_clips: int) -> tuple[list[tuple[str, int]], str]:
    """Return evenly spaced clips of a folder, as path and rate, and their description."""
    import soundfile

    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in CLIP_SUFFIXES)
    if not paths:
        sys.exit(f"There are no WAV or FLAC files in {folder}.")
    chosen = np.unique(np.linspace(0, len(paths) - 1, n_clips).round().astype(int))
    infos = {str(paths[index]): soundfile.info(paths[index]) for index in chosen}
    clips = [(path, info.samplerate) for path, info in infos.items()]
    seconds = statistics.fmean(info.duration for info in infos.values())
    kinds = sorted({f"{info.samplerate} Hz {info.format}" for info in infos.values()})
    return clips, f"{len(clips)} clips of {', '.join(kinds)}, {seconds:.2f} s on average"


def compare(
    label: str,
    settings: str,
    clips: list[tuple[str, int]],
    pythons: dict[str, str],
    repeats: int,
) -> list[dict]:
    """Run every system in turn, several times, and return one row for each process."""
    rows: list[dict] = []
    for repeat in range(1, repeats + 1):
        for system, python in pythons.items():
            if any(row["system"] == system and "error" in row for row in rows):
                continue
            progress(f"{label}, repeat {repeat}/{repeats}: {system} ...")
            job = {"system": system, "settings": SETTINGS[settings], "clips": clips}
            rows.append(
                {"system": system, "repeat": repeat} | run_worker(python, __file__, job, ONE_THREAD)
            )
    return rows


# The following functions run in the workers, also in the other environment: imports are local.


def measure(system: str, settings: dict, clips: list[tuple[str, int]]) -> dict:
    """Return all measurements of a system as lists over the passes, in ms per clip."""
    if system in FFTS:
        return measure_fft(FFTS[system], settings, clips)
    if system == CACHE:
        return measure_cache(settings, clips)
    stages = STAGES[system](settings)
    for clip in clips[:N_WARM_CLIPS]:
        time_stages(stages, clip, settings["sr"])
        stages.all(clip)

    row: dict[str, Any] = {"version": version(system), "libraries": libraries()}
    times: dict[str, list[float]] = {}
    for _ in range(N_PASSES):
        seconds = np.mean([time_stages(stages, clip, settings["sr"]) for clip in clips], axis=0)
        for name, value in zip(STAGE_NAMES, seconds, strict=True):
            times.setdefault(name, []).append(1000 * value)
    if system == OURS:
        row["kernel"] = has_kernel()
        files, peaks = measure_ours(settings, clips)
    else:
        files, peaks = measure_peer(system, settings, clips, stages)
    if all(rate == settings["sr"] for _, rate in clips):
        del times["resample"]
    return row | times | files | peaks


def time_stages(stages: Stages, clip: tuple[str, int], sr: int) -> tuple[float, float, float]:
    """Return the times of decoding, resampling and features in seconds."""
    path, rate = clip
    start = time.perf_counter()
    waveform = stages.decode(path, rate)
    decoded = time.perf_counter()
    if rate != sr:
        waveform = stages.resample(waveform, rate, sr)
    resampled = time.perf_counter()
    stages.features(waveform)
    end = time.perf_counter()
    return decoded - start, resampled - decoded, end - resampled


def ms_per_clip(function: Callable[[], Any], n_clips: int) -> float:
    """Run a function on all clips and return the time per clip in milliseconds."""
    start = time.perf_counter()
    function()
    return 1000 * (time.perf_counter() - start) / n_clips


def peak_megabytes() -> float:
    """Return the peak memory of this process, including imports."""
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if "VmHWM" in line)
        return int(line.split()[1]) * 1024 / 1e6
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1 if sys.platform == "darwin" else 1024) / 1e6


def measure_ours(settings: dict, clips: list[tuple[str, int]]) -> tuple[dict, dict]:
    """Time `MFCCTransformer` on all files with one and two threads."""
    from ser_estimators import MFCCTransformer

    paths = [path for path, _ in clips]
    files: dict[str, list[float]] = {"file_1": [], f"file_{N_WORKERS}": []}
    peaks = {}
    one, several = (MFCCTransformer(**settings, n_jobs=n) for n in (1, N_WORKERS))
    one.transform(paths)
    peaks["peak_1"] = peak_megabytes()
    several.transform(paths)
    for _ in range(N_PASSES):
        files["file_1"].append(ms_per_clip(partial(one.transform, paths), len(paths)))
        files[f"file_{N_WORKERS}"].append(
            ms_per_clip(partial(several.transform, paths), len(paths))
        )
    peaks[f"peak_{N_WORKERS}"] = peak_megabytes()
    return files, peaks


def measure_peer(
    system: str, settings: dict, clips: list[tuple[str, int]], stages: Stages
) -> tuple[dict, dict]:
    """Time a peer on all files in this process, and in a pool of two."""

    def run_here() -> list[np.ndarray]:
        return [stages.all(clip) for clip in clips]

    files: dict[str, list[float]] = {"file_1": [], f"file_{N_WORKERS}": []}
    run_here()
    peaks = {"peak_1": peak_megabytes()}
    # Not forked, so that workers do not share memory pages with this process.
    context = multiprocessing.get_context("spawn")
    arguments = (system, settings, clips, context.Barrier(N_WORKERS))
    with context.Pool(N_WORKERS, start_in_pool, arguments) as pool:
        pool.map(meet, range(N_WORKERS), chunksize=1)
        for _ in range(N_PASSES):
            files["file_1"].append(ms_per_clip(run_here, len(clips)))
            run_in_pool = partial(pool.map, extract_in_pool, clips, chunksize=CHUNK)
            files[f"file_{N_WORKERS}"].append(ms_per_clip(run_in_pool, len(clips)))
        peaks[f"peak_{N_WORKERS}"] = sum(pool.map(meet, range(N_WORKERS), chunksize=1))
    return files, peaks


# Stages and barrier of a process of the pool.
_pool: dict[str, Any] = {}


def start_in_pool(system: str, settings: dict, clips: list[tuple[str, int]], barrier: Any) -> None:
    """Warm up a process of the pool."""
    _pool.update(stages=STAGES[system](settings), barrier=barrier)
    for clip in clips[:N_WARM_CLIPS]:
        _pool["stages"].all(clip)


def meet(_: int) -> float:
    """Wait for all processes of the pool, and return the peak memory of this one."""
    _pool["barrier"].wait(MAX_SECONDS)
    return peak_megabytes()


def extract_in_pool(clip: tuple[str, int]) -> np.ndarray:
    """Return the MFCCs of a file."""
    return _pool["stages"].all(clip)


def measure_fft(library: str, settings: dict, clips: list[tuple[str, int]]) -> dict:
    """Time the bare FFTs of the frames of each clip, which are in memory."""
    from ser_estimators._audio.files import read_audio
    from ser_estimators._features.spectrum import as_frames

    if library == "torch":
        import torch

        torch.set_num_threads(1)
        convert, transform = torch.from_numpy, torch.fft.rfft
    else:
        import scipy.fft

        convert, transform = np.asarray, scipy.fft.rfft
    n_fft, hop_length = settings["n_fft"], settings["hop_length"]

    def run(path: str) -> float:
        waveform = read_audio(path, settings["sr"])
        frames = as_frames(waveform, n_fft=n_fft, hop_length=hop_length, center=True)
        ready = convert(np.ascontiguousarray(frames.view()))
        start = time.perf_counter()
        transform(ready)
        return time.perf_counter() - start

    for path, _ in clips[:N_WARM_CLIPS]:
        run(path)
    times = [1000 * statistics.fmean(run(path) for path, _ in clips) for _ in range(N_PASSES)]
    return {"version": version(library), "features": times}


def measure_cache(settings: dict, clips: list[tuple[str, int]]) -> dict:
    """Time `MFCCTransformer` without a cache, with an empty one, and with a full one."""
    from ser_estimators import MFCCTransformer

    paths = [path for path, _ in clips]
    plain = MFCCTransformer(**settings)
    plain.transform(paths)
    times: dict[str, list[float]] = {"without": [], "cold": [], "warm": []}
    for _ in range(N_PASSES):
        with tempfile.TemporaryDirectory() as folder:
            for name, memory in (("without", None), ("cold", folder), ("warm", folder)):
                transformer = MFCCTransformer(**settings, memory=memory)
                run = partial(transformer.transform, paths)
                times[name].append(ms_per_clip(run, len(paths)))
    return times


def libraries() -> str:
    """Return the versions of the libraries that several systems use."""
    names = ("numpy", "scipy", "soundfile", "soxr")
    python = ".".join(map(str, sys.version_info[:3]))
    return ", ".join([f"Python {python}", *(f"{name} {version(name)}" for name in names)])


def has_kernel() -> bool:
    """Return whether the compiled kernel is in use; otherwise, NumPy and SciPy replace it."""
    from ser_estimators import _kernels

    return _kernels.mel is not None


def ours(settings: dict) -> Stages:
    """Return the stages of ser_estimators, without the estimator."""
    from ser_estimators._audio.files import read_audio, resample
    from ser_estimators._features.mel import MelOptions
    from ser_estimators._features.mfcc import MFCCOptions, mfcc

    mel = MelOptions(**{name: value for name, value in settings.items() if name != "n_mfcc"})
    features = partial(mfcc, options=MFCCOptions(mel, settings["n_mfcc"]))
    return Stages(read_audio, resample, features, lambda path, _: read_audio(path, settings["sr"]))


def librosas(settings: dict) -> Stages:
    """Return librosa's stages."""
    import librosa

    def resample(waveform: np.ndarray, rate: int, sr: int) -> np.ndarray:
        return librosa.resample(waveform, orig_sr=rate, target_sr=sr, res_type="soxr_hq")

    return Stages(
        lambda path, _: librosa.load(path, sr=None)[0],
        resample,
        lambda waveform: librosa.feature.mfcc(y=waveform, **settings),
        lambda path, _: librosa.load(path, sr=settings["sr"])[0],
    )


def with_soundfile(features: Callable[[np.ndarray], np.ndarray], sr: int) -> Stages:
    """Return stages that read and resample with the libraries that librosa uses."""
    import soundfile
    import soxr

    def decode(path: str, _: int) -> np.ndarray:
        samples = soundfile.read(path, dtype="float32")[0]
        return samples if samples.ndim == 1 else samples.mean(axis=1)

    def resample(waveform: np.ndarray, rate: int, sr: int) -> np.ndarray:
        return soxr.resample(waveform, rate, sr, quality="HQ")

    def load(path: str, rate: int) -> np.ndarray:
        waveform = decode(path, rate)
        return waveform if rate == sr else resample(waveform, rate, sr)

    return Stages(decode, resample, features, load)


def audioflux(settings: dict) -> Stages:
    """Return audioflux's stages; its objects store the filters, unlike its function ``mfcc``."""
    import audioflux as af
    from audioflux.type import (
        SpectralDataType,
        SpectralFilterBankNormalType,
        SpectralFilterBankScaleType,
    )

    spectrogram = af.BFT(
        num=settings["n_mels"],
        samplate=settings["sr"],
        radix2_exp=settings["n_fft"].bit_length() - 1,
        slide_length=settings["hop_length"],
        scale_type=SpectralFilterBankScaleType.MEL,
        normal_type=SpectralFilterBankNormalType.BAND_WIDTH,
        data_type=SpectralDataType.POWER,
    )
    cepstrum = af.XXCC(num=settings["n_mels"])

    def features(waveform: np.ndarray) -> np.ndarray:
        mel = spectrogram.bft(waveform, result_type=1)
        cepstrum.set_time_length(mel.shape[1])
        return cepstrum.xxcc(mel, cc_num=settings["n_mfcc"])

    return with_soundfile(features, settings["sr"])


def kaldi_native_fbank(settings: dict) -> Stages:
    """Return the stages of kaldi-native-fbank."""
    import kaldi_native_fbank

    options = kaldi_native_fbank.MfccOptions()
    options.num_ceps = settings["n_mfcc"]
    options.use_energy = False
    options.cepstral_lifter = 0
    options.frame_opts.samp_freq = settings["sr"]
    options.frame_opts.frame_length_ms = 1000 * settings["n_fft"] / settings["sr"]
    options.frame_opts.frame_shift_ms = 1000 * settings["hop_length"] / settings["sr"]
    options.frame_opts.window_type = "hann"
    options.frame_opts.snip_edges = False
    options.frame_opts.dither = 0
    options.frame_opts.preemph_coeff = 0
    options.frame_opts.remove_dc_offset = False
    options.mel_opts.num_bins = settings["n_mels"]
    options.mel_opts.low_freq = 0
    options.mel_opts.is_librosa = True

    def features(waveform: np.ndarray) -> np.ndarray:
        mfcc = kaldi_native_fbank.OnlineMfcc(options)
        # It accepts sequences of numbers, of which a list is the fastest.
        mfcc.accept_waveform(settings["sr"], waveform.tolist())
        mfcc.input_finished()
        return np.array([mfcc.get_frame(n) for n in range(mfcc.num_frames_ready)])

    return with_soundfile(features, settings["sr"])


# After the template in the documentation of `opensmile.Smile`.
SMILE_CONFIGURATION = r"""
[componentInstances:cComponentManager]
instance[dataMemory].type = cDataMemory

\{\cm[source{?}:source include config]}

[componentInstances:cComponentManager]
instance[frames].type = cFramer
instance[window].type = cWindower
instance[fft].type = cTransformFFT
instance[magnitude].type = cFFTmagphase
instance[mel].type = cMelspec
instance[mfcc].type = cMfcc

[frames:cFramer]
reader.dmLevel = wave
writer.dmLevel = frames
frameSize = @frame_seconds@
frameStep = @hop_seconds@
frameCenterSpecial = left

[window:cWindower]
reader.dmLevel = frames
writer.dmLevel = window
winFunc = hanning

[fft:cTransformFFT]
reader.dmLevel = window
writer.dmLevel = fft

[magnitude:cFFTmagphase]
reader.dmLevel = fft
writer.dmLevel = magnitude

[mel:cMelspec]
reader.dmLevel = magnitude
writer.dmLevel = mel
nBands = @n_mels@
lofreq = 0
hifreq = @highest@
usePower = 1
specScale = mel
htkcompatible = 0

[mfcc:cMfcc]
reader.dmLevel = mel
writer.dmLevel = mfcc
firstMfcc = 0
lastMfcc = @last@
cepLifter = 0
htkcompatible = 0

\{\cm[sink{?}:include external sink]}
"""


def opensmile(settings: dict) -> Stages:
    """Return openSMILE's stages."""
    import opensmile

    configuration = SMILE_CONFIGURATION
    for name, value in {
        "frame_seconds": settings["n_fft"] / settings["sr"],
        "hop_seconds": settings["hop_length"] / settings["sr"],
        "n_mels": settings["n_mels"],
        "highest": settings["sr"] / 2,
        "last": settings["n_mfcc"] - 1,
    }.items():
        configuration = configuration.replace(f"@{name}@", str(value))
    # The file is read again for each clip.
    path = Path(tempfile.mkdtemp()) / "mfcc.conf"
    path.write_text(configuration)
    smile = opensmile.Smile(feature_set=str(path), feature_level="mfcc")

    def features(waveform: np.ndarray) -> np.ndarray:
        # Calling the object creates no pandas table, which is a fifth faster.
        return smile(waveform, settings["sr"])

    return with_soundfile(features, settings["sr"])


def python_speech_features(settings: dict) -> Stages:
    """Return the stages of python_speech_features."""
    import python_speech_features

    features = partial(
        python_speech_features.mfcc,
        samplerate=settings["sr"],
        winlen=settings["n_fft"] / settings["sr"],
        winstep=settings["hop_length"] / settings["sr"],
        numcep=settings["n_mfcc"],
        nfilt=settings["n_mels"],
        nfft=settings["n_fft"],
        preemph=0,
        ceplifter=0,
        appendEnergy=False,
        winfunc=np.hanning,
    )
    return with_soundfile(features, settings["sr"])


def spafe(settings: dict) -> Stages:
    """Return spafe's stages, with filters that are computed only once."""
    from spafe.fbanks.mel_fbanks import mel_filter_banks
    from spafe.features.mfcc import mfcc
    from spafe.utils.preprocessing import SlidingWindow

    filters, _ = mel_filter_banks(
        nfilts=settings["n_mels"], nfft=settings["n_fft"], fs=settings["sr"]
    )
    # Seconds are rounded down to samples; half a sample is added so that none is lost.
    window, hop = ((settings[name] + 0.5) / settings["sr"] for name in ("n_fft", "hop_length"))
    features = partial(
        mfcc,
        fs=settings["sr"],
        num_ceps=settings["n_mfcc"],
        pre_emph=False,
        window=SlidingWindow(window, hop, "hanning"),
        nfilts=settings["n_mels"],
        nfft=settings["n_fft"],
        fbanks=filters,
    )
    return with_soundfile(features, settings["sr"])


STAGES = {
    OURS: ours,
    "librosa": librosas,
    "audioflux": audioflux,
    "kaldi-native-fbank": kaldi_native_fbank,
    "opensmile": opensmile,
    "python_speech_features": python_speech_features,
    "spafe": spafe,
}


# The following functions print the results.


def summarize(rows: list[dict]) -> dict[str, dict]:
    """Return one row for each system, with the best median of each measurement."""
    summary: dict[str, dict] = {}
    for system in dict.fromkeys(row["system"] for row in rows):
        chosen = [row for row in rows if row["system"] == system]
        # A system that failed once is shown without its earlier results.
        last = chosen[-1]
        summary[system] = last if "error" in last else last | best_of(chosen)
    return summary


def best_of(rows: list[dict]) -> dict[str, float]:
    """Return the minimum over the processes of each measurement's median over the passes."""
    result = {}
    for name, value in rows[0].items():
        if isinstance(value, list):
            result[name] = min(statistics.median(row[name]) for row in rows)
        elif name.startswith("peak"):
            result[name] = statistics.median(row[name] for row in rows)
    return result


def print_table(rows: list[dict]) -> None:
    """Print the table of one folder and one setting, and its ratios."""
    head, summary = rows[0], summarize(rows)
    settings = ", ".join(f"{name}={value}" for name, value in SETTINGS[head["settings"]].items())
    print(f"\n{head['folder']}: {head['clips']}")
    print(f"{head['settings']}: {settings}")
    print()
    print(f"{'milliseconds per clip':<31}{'stages, 1 worker':>27}", end="")
    print(f"{'file to MFCC':>21}{'peak memory, MB':>21}")
    print(f"{'':<31}" + "".join(f"{title:>{width}}" for _, title, width in COLUMNS))
    for system, row in summary.items():
        if system == CACHE:
            continue
        name = f"{system} {row.get('version', '')}"
        if "error" in row:
            print(f"{name:<31}{shorten(row['error'], 69)}")
            continue
        cells = [format_cell(row.get(key), key).rjust(width) for key, _, width in COLUMNS]
        print(f"{name:<31}" + "".join(cells))
    print()
    for line in ratios(summary):
        print(line)
    sys.stdout.flush()


def format_cell(value: float | None, key: str) -> str:
    """Return a number as a string for the table, or a dash if there is none."""
    if value is None:
        return "-"
    return f"{value:.0f}" if key.startswith("peak") else f"{value:.3f}"


def ratios(summary: dict[str, dict]) -> list[str]:
    """Return lines with the speed relative to other systems, and the effect of the cache."""
    done = {system: row for system, row in summary.items() if "error" not in row}
    if OURS not in done:
        return []
    mine = done[OURS]
    peers = [name for name in PEERS if name in done]
    lines = []
    for title, key in (("MFCC from waveform", "features"), ("file to MFCC, 1 worker", "file_1")):
        parts = []
        if "librosa" in done:
            parts.append(f"{done['librosa'][key] / mine[key]:.2f} times librosa")
        if peers:
            best = min(peers, key=lambda name: done[name][key])
            parts.append(f"{done[best][key] / mine[key]:.2f} times the fastest peer ({best})")
        if parts:
            lines.append(f"{title}: {', '.join(parts)}")
    lines.append(f"two workers: {mine['file_1'] / mine[f'file_{N_WORKERS}']:.2f} times one")
    bounds = [
        f"{mine['features'] / done[n]['features']:.2f} times the {n}" for n in FFTS if n in done
    ]
    if bounds:
        lines.append(f"bound: MFCC from waveform takes {', '.join(bounds)}")
    if CACHE in done:
        cache = done[CACHE]
        share = 100 * cache["warm"] / cache["without"]
        lines.append(
            f"cache, file to MFCC: {cache['without']:.3f} ms without, {cache['cold']:.3f} cold, "
            f"{cache['warm']:.3f} warm, {share:.1f} % of without"
        )
    return lines


def print_notes(rows: list[dict]) -> None:
    """Print explanations of the columns and the definition of each system."""
    mine = [row for row in rows if row["system"] == OURS and "error" not in row]
    print("\nNotes")
    notes = list(NOTES)
    if mine:
        kernel = "compiled" if mine[0]["kernel"] else "not compiled, replaced by NumPy and SciPy"
        notes.insert(0, f"Kernel of {OURS}: {kernel}.")
        notes.insert(0, f"{mine[0]['libraries']}; {os.cpu_count()} processors.")
    if (load := rows[0]["load_before"]) is not None:
        notes.insert(0, f"Load average before the run: {load:.1f} processes.")
    for note in notes:
        print(textwrap.fill(f"- {note}", 100, subsequent_indent="  "))
    print("- Definitions:")
    for system in dict.fromkeys(row["system"] for row in rows):
        if system in DEFINITIONS:
            text = f"  {system}: {DEFINITIONS[system]}."
            print(textwrap.fill(text, 100, subsequent_indent="    "))


if __name__ == "__main__":
    main()
