"""File names of complete corpora, folders and archives made of them, and a server for archives."""

import io
import zipfile
from http.server import BaseHTTPRequestHandler
from itertools import product
from pathlib import Path

from ser_estimators.datasets import (
    load_crema_d,
    load_emodb,
    load_emovo,
    load_nemo,
    load_ravdess,
    load_savee,
    load_tess,
)

LOADERS = {
    "ravdess": load_ravdess,
    "crema_d": load_crema_d,
    "tess": load_tess,
    "savee": load_savee,
    "emodb": load_emodb,
    "emovo": load_emovo,
    "nemo": load_nemo,
}
SIZES = {
    "ravdess": 1440,
    "crema_d": 7442,
    "tess": 2800,
    "savee": 480,
    "emodb": 535,
    "emovo": 588,
    "nemo": 4481,
}
EMODB_COUNTS = {"W": 127, "L": 81, "E": 46, "A": 69, "F": 71, "T": 62, "N": 79}
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 72862\n"


def ravdess_names():
    """Yield the folder and the name without suffix of each clip, like the functions below."""
    for actor, emotion, intensity, sentence, take in product(
        range(1, 25), range(1, 9), (1, 2), (1, 2), (1, 2)
    ):
        if not (emotion == 1 and intensity == 2):
            yield (
                f"Actor_{actor:02d}",
                f"03-01-{emotion:02d}-{intensity:02d}-{sentence:02d}-{take:02d}-{actor:02d}",
            )


def crema_d_names():
    """One sentence at three intensities, eleven at one, without 20 unpublished clips."""
    sentences = "TIE IOM IWW TAI MTI IWL ITH DFA ITS TSI WSI".split()  # noqa: SIM905
    for actor in range(1001, 1092):
        for emotion in ("ANG", "DIS", "FEA", "HAP", "SAD"):
            spoken = sentences[3:] if actor == 1091 else sentences
            names = [f"IEO_{emotion}_{level}" for level in ("LO", "MD", "HI")]
            names += [f"{sentence}_{emotion}_XX" for sentence in spoken]
            yield from (("AudioWAV", f"{actor}_{name}") for name in names)
        for sentence in sentences[4:] if actor == 1091 else ["IEO", *sentences]:
            yield "AudioWAV", f"{actor}_{sentence}_NEU_XX"


def tess_names():
    words = ["back", "bite"] + [f"{a}{b}" for a, b in product("abcdefghijk", "lmnopqrstuvwxyzabc")]
    for speaker, word, emotion in product(
        ("OAF", "YAF"), words[:200], ("angry", "disgust", "fear", "happy", "neutral", "ps", "sad")
    ):
        quirk = (speaker, word, emotion) == ("OAF", "bite", "neutral")
        folder = {"ps": "Pleasant_surprise", "sad": "Sad"}.get(emotion, emotion)
        yield f"{speaker}_{folder}", f"{'OA' if quirk else speaker}_{word}_{emotion}"


def savee_names(flat=False):
    for speaker, code in product(("DC", "JE", "JK", "KL"), ("a", "d", "f", "h", "n", "sa", "su")):
        for number in range(1, 31 if code == "n" else 16):
            name = f"{code}{number:02d}"
            yield (speaker, name) if not flat else ("ALL", f"{speaker}_{name}")


def emodb_names():
    speakers = ("03", "08", "09", "10", "11", "12", "13", "14", "15", "16")
    texts = ("a01", "a02", "a04", "a05", "a07", "b01", "b02", "b03", "b09", "b10")
    for letter, count in EMODB_COUNTS.items():
        takes = product("ab", texts, speakers)
        for (version, text, speaker), _ in zip(takes, range(count), strict=False):
            yield "wav", f"{speaker}{text}{letter}{version}"


def emovo_names():
    sentences = ("b1", "b2", "b3", "d1", "d2", *(f"l{n}" for n in range(1, 5)))
    sentences += tuple(f"n{n}" for n in range(1, 6))
    codes = ("dis", "gio", "neu", "pau", "rab", "sor", "tri")
    for emotion, speaker, sentence in product(
        codes, ("f1", "f2", "f3", "m1", "m2", "m3"), sentences
    ):
        yield speaker, f"{emotion}-{speaker}-{sentence}"


def nemo_names():
    """MK0 has no surprise; which other clips are unpublished does not matter here."""
    for speaker in ("EB0", "IC0", "KD0", "KS0", "MK0", "MP0", "SM0", "TP0", "WR0"):
        for emotion in ("anger", "fear", "happiness", "neutral", "sadness", "surprised"):
            missing = 90 if (speaker, emotion) == ("MK0", "surprised") else 0
            if speaker == "MP0":
                missing = 30 if emotion == "neutral" else 52 - (emotion == "anger")
            for sentence in range(1, 91 - missing):
                yield "samples", f"{speaker}_{emotion}_{sentence}"


NAMES = {
    "ravdess": ravdess_names,
    "crema_d": crema_d_names,
    "tess": tess_names,
    "savee": savee_names,
    "emodb": emodb_names,
    "emovo": emovo_names,
    "nemo": nemo_names,
}


def make(root, names, suffix=".wav", flat=False, case=str, content=b"RIFF"):
    """Write a file for each folder and name, and return the root folder."""
    root = Path(root)
    for folder, name in names:
        parent = root if flat else root / folder
        parent.mkdir(parents=True, exist_ok=True)
        (parent / case(name + suffix)).write_bytes(content)
    return root


def zip_of(names, extra=()):
    """Return the bytes of a zip file with the files of a corpus."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        for folder, name in names:
            file.writestr(f"{folder}/{name}.wav", b"RIFF" + name.encode())
        for name in extra:
            file.writestr(name, b"RIFF")
    return buffer.getvalue()


def left_in(folder):
    """Return the names in a folder, without hidden lock files, which are not deleted."""
    names = sorted(path.name for path in Path(folder).iterdir())
    return [name for name in names if not (name.startswith(".") and name.endswith(".lock"))]


class Handler(BaseHTTPRequestHandler):
    """Serve ``server.content``, with the faults that ``server.plan`` lists for the next requests.

    A number breaks off the connection after that many bytes, "404" and "503" are status codes, "no
    ranges" sends the whole file for any range, and "no length" omits its length.
    """

    def do_GET(self):
        server, content = self.server, self.server.content
        requested = self.headers.get("Range")
        server.requests.append(requested)
        step = server.plan.pop(0) if server.plan else None
        if step in ("404", "503"):
            self.send_error(int(step))
            return
        start = int(requested.removeprefix("bytes=").rstrip("-")) if requested else 0
        if step == "no ranges":
            start = 0
        if start and start >= len(content):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        if step != "no length":
            self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        stop = start + step if isinstance(step, int) else len(content)
        self.wfile.write(content[start:stop])

    def log_message(self, *arguments):
        pass
