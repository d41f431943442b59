"""``ser record``: a recording from the microphone."""

from __future__ import annotations

import importlib
import tempfile
from pathlib import Path
from typing import Any

import click

from ._command import Command, Failed, Refused, examples
from ._console import OK, Console
from ._inputs import Input
from ._models import find_model, model_option
from ._options import check_folder_of
from ._predict import predict_inputs
from ._text import plain

__all__ = ["record"]

_SR = 16000  # Hz
_FORMATS = (".wav", ".flac")
_INSTALL = "run 'pip install sounddevice'"


@click.command(
    cls=Command,
    epilog=examples(
        "ser record -o voice.wav --seconds 5",
        "ser record --predict",
        "ser record -o voice.wav --predict -m model.safetensors",
    ),
)
@click.option(
    "-o", "--output", type=click.Path(), metavar="FILE", help="File to write, .wav or .flac."
)
@click.option(
    "--seconds",
    type=click.FloatRange(0.1, 3600),
    default=5.0,
    show_default=True,
    metavar="NUMBER",
    help="Duration.",
)
@click.option("--device", metavar="NAME", help="Microphone: a part of its name, or its number.")
@click.option("--predict", is_flag=True, help="Predict the emotion of the recording.")
@model_option
@click.pass_obj
def record(
    console: Console,
    output: str | None,
    seconds: float,
    device: str | None,
    predict: bool,
    model_file: str | None,
    encoder: str | None,
) -> int:
    """Record from the microphone, one channel at 16 kHz.

    This needs the package sounddevice.
    """
    if output is None and not predict:
        raise click.UsageError("pass -o FILE, --predict, or both")
    if output is not None and Path(output).suffix.lower() not in _FORMATS:
        raise Refused(f"'{plain(output)}' ends in neither {' nor '.join(_FORMATS)}")
    check_folder_of(output)
    sounddevice = _import_sounddevice()
    # Before anybody speaks in vain.
    model = find_model(model_file, console) if predict else None

    samples = _record(sounddevice, seconds, device, console)
    with tempfile.TemporaryDirectory(prefix="ser-") as folder:
        path = output or str(Path(folder, "recording.wav"))
        import soundfile

        soundfile.write(path, samples, _SR, subtype="PCM_16")
        if output is not None:
            console.note(f"Saved {plain(output)}")
        if model is None:
            return OK
        inputs = [Input(output or "recording", path)]
        return predict_inputs(console, model, inputs, encoder=encoder)


def _import_sounddevice() -> Any:
    try:
        return importlib.import_module("sounddevice")
    except ImportError:
        raise Refused(
            f"recording needs the package sounddevice, which is not installed; {_INSTALL}"
        ) from None
    except OSError as error:  # without its library
        raise Refused(
            f"sounddevice does not work here ({error}); install PortAudio (Debian: apt install "
            "libportaudio2; macOS: brew install portaudio)"
        ) from error


def _record(sounddevice: Any, seconds: float, device: str | None, console: Console) -> Any:
    number = int(device) if device is not None and device.isdigit() else device
    console.note(f"Recording {seconds:g} s; speak now")
    try:
        samples = sounddevice.rec(
            round(seconds * _SR), samplerate=_SR, channels=1, dtype="int16", device=number
        )
        sounddevice.wait()
    except (sounddevice.PortAudioError, ValueError) as error:
        raise Failed(
            f"the microphone cannot be used: {error}; 'python -m sounddevice' lists the devices"
        ) from error
    return samples
