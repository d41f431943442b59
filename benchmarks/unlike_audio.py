"""How many recordings are found to be unlike the training audio, and how many wrongly so.

    python benchmarks/unlike_audio.py ravdess:/path/to/ravdess nemo:/path/to/nemo

For each fold of each corpus, `AudioRanges` is fitted on the training speakers. The table has the
fraction of clips that it warns of: test clips as recorded, which are false alarms, clips of the
other corpora, and test clips under each of the standard conditions. The measures were chosen on
folds 1 to 3 of RAVDESS and fold 1 of nEMO.

The last rows are the time that the MFCCs of a clip take, and that this step adds to it: for files
that are read, and for files whose features and measures are cached.
"""

import argparse
import inspect
import tempfile
import time
from functools import partial

import numpy as np
from encoders import folds_of

from ser_estimators import AudioRanges, MFCCTransformer, datasets
from ser_estimators._audio.reading import Reading
from ser_estimators.conditions import standard_conditions

SR = 16000
N_VOICES = 6  # of babble
N_TIMED = 200


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("corpora", nargs="+", help="names and folders, such as ravdess:/path")
    parser.add_argument("--n-clips", type=int, default=50, help="of each fold and condition")
    parser.add_argument("--folds", type=int, nargs="+", help="numbers from 1; default: all")
    parser.add_argument("--cv", type=int, default=5, help="folds of other corpora")
    parser.add_argument("--false-alarms", type=float, default=0.03)
    parser.add_argument("--without-speakers", action="store_true", help="do not pass them to fit")
    args = parser.parse_args()
    names = [entry.partition(":")[0] for entry in args.corpora]
    roots = [entry.partition(":")[2] for entry in args.corpora]
    corpora = {
        name: getattr(datasets, f"load_{name}")(root)
        for name, root in zip(names, roots, strict=True)
    }
    with tempfile.TemporaryDirectory() as cache:
        for name in names:
            report(name, corpora, args, cache)
    for name in names:
        print(f"\n{name}: {cost_of(corpora[name].data[:N_TIMED])}")


def report(name: str, corpora: dict, args: argparse.Namespace, cache: str) -> None:
    """Print the fractions of one corpus."""
    corpus = corpora[name]
    paths, speakers = np.array(corpus.data), np.asarray(corpus.speakers)
    folds = folds_of(name, corpus, args.cv)
    chosen = [number - 1 for number in args.folds or range(1, 1 + len(folds))]
    found: dict[str, list[float]] = {}
    by_speaker: dict[str, float] = {}
    for number in chosen:
        train, test = folds[number]
        ranges = AudioRanges(args.false_alarms, memory=cache)
        ranges.fit(paths[train], groups=None if args.without_speakers else speakers[train])
        is_unlike = ranges.score_samples(paths[test]) < -1
        found.setdefault("as recorded (false alarms)", []).append(is_unlike.mean())
        for speaker in np.unique(speakers[test]):
            by_speaker[speaker] = is_unlike[speakers[test] == speaker].mean()
        for other in corpora:
            if other != name:
                scores = ranges.score_samples(list(corpora[other].data))
                found.setdefault(f"clips of {other}", []).append((scores < -1).mean())
        for condition, clips in changed_clips(paths, speakers, test, args.n_clips):
            found.setdefault(condition, []).append((ranges.score_samples(clips) < -1).mean())
    print(f"\n{name}, trained on {name}: fraction of clips with a warning, mean and each fold")
    for row, fractions in found.items():
        each = " ".join(f"{one:.2f}" for one in fractions)
        print(f"  {row:28} {np.mean(fractions):.3f}   {each}")
    each = ", ".join(f"{speaker} {one:.2f}" for speaker, one in by_speaker.items())
    print(f"  false alarms by speaker: {each}")


def changed_clips(paths, speakers, test, n_clips):
    """Yield the name of each condition, and some of the test clips under it."""
    rng = np.random.default_rng(0)
    chosen = rng.permutation(test)[:n_clips]
    read = Reading(SR).load
    waveforms = [read(paths[index]) for index in chosen]
    for name, condition in standard_conditions().items():
        function = condition.func if isinstance(condition, partial) else condition
        takes = inspect.signature(function).parameters
        changed = []
        for index, waveform in zip(chosen, waveforms, strict=True):
            options = {}
            if "rng" in takes:
                options["rng"] = np.random.default_rng([0, index])
            if "others" in takes:
                is_other = speakers[test] != speakers[index]
                voices = np.random.default_rng([1, index]).choice(test[is_other], N_VOICES)
                options["others"] = [read(path) for path in paths[voices]]
            changed.append(condition(waveform, SR, **options))
        yield name, changed


def cost_of(paths: list[str]) -> str:
    """Return the time a clip of the features alone, and of this step."""
    parts = []
    with tempfile.TemporaryDirectory() as cache:
        for memory, label in ((None, "not cached"), (cache, "cached")):
            mfcc, audio = MFCCTransformer(memory=memory), AudioRanges(memory=memory)
            audio.fit(paths)
            mfcc.transform(paths)
            times = {}
            for name, step in (("features", mfcc.transform), ("this step", audio.score_samples)):
                start = time.perf_counter()
                step(paths)
                times[name] = 1000 * (time.perf_counter() - start) / len(paths)
            each = ", ".join(f"{name} {one:.2f} ms" for name, one in times.items())
            parts.append(f"{label}: {each} a clip")
    return "; ".join(parts)


if __name__ == "__main__":
    main()
