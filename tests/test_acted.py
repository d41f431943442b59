"""The package with the trained model: its build command, its distributions, and their tests."""

import os
import re
import runpy
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest

import ser_estimators
from ser_estimators import load_model
from ser_estimators.datasets import make_emotional_speech
from ser_estimators.models import model_info

ROOT = Path(ser_estimators.__file__).parent.parent
ACTED = ROOT / "packages" / "ser-estimators-acted"
INSTALLED = f"{sys.prefix}/.installed"  # the environment of the tests, however it was made
COPIED = ("pyproject.toml", "setup.py", "MANIFEST.in", "README.md", "LICENSE")

pytestmark = pytest.mark.skipif(not ACTED.exists(), reason="needs the source code of the project")

# Fast to train; the names of emotions are those of the file names.
SMALL = (
    "cnn__max_epochs=1",
    "cnn__n_networks=1",
    "cnn__embedding_dim=4",
    "cnn__network__channels=(4, 8)",
)
RAVDESS = {"calm": "02", "sadness": "04", "anger": "05"}
NEMO = {"sadness": "sadness", "anger": "anger", "happiness": "happiness"}


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Write a few synthetic voices under the file names of both corpora."""
    root = tmp_path_factory.mktemp("corpora")
    for name, emotions, speakers, file_name, seed in (
        ("ravdess", RAVDESS, ("01", "02", "03", "04"), "03-01-{1}-01-01-01-{0}.wav", 0),
        ("nemo", NEMO, ("EB0", "IC0", "KS0", "MP0"), "{0}_{1}_1.wav", 1),
    ):
        voices = make_emotional_speech(
            4, 1, emotions=list(emotions), n_syllables=2, out_dir=root / "voices", random_state=seed
        )
        (root / name).mkdir()
        for path, number, emotion in zip(voices.data, voices.speakers, voices.target, strict=True):
            speaker = speakers[int(number) - 1]
            shutil.copy(path, root / name / file_name.format(speaker, emotions[emotion]))
    return [str(root / "ravdess"), str(root / "nemo")]


@pytest.fixture(scope="module")
def command():
    """Return the functions of the build command."""
    return runpy.run_path(str(ACTED / "build_model.py"))


def arguments_of(folders, out, resume):
    """Return arguments for a model that is trained in seconds."""
    return [*folders, "--out", out, "--resume", resume, "--folds", "2", "--set", *SMALL]


@pytest.mark.filterwarnings("ignore:.*instead of")  # most clips of the corpora are missing
@pytest.mark.slow
def test_model_is_built_to_the_same_bytes(folders, command, capsys):
    command["main"](arguments_of(folders, "first", "folds"))
    done = subprocess.run(  # without the folds of the first call, in one thread
        [sys.executable, str(ACTED / "build_model.py"), *arguments_of(folders, "second", "new")],
        env=os.environ | {"OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    capsys.readouterr()
    command["main"](arguments_of(folders, "third", "folds"))
    assert capsys.readouterr().out.count("loaded from") == 3
    names = ("ser_estimators_acted/acted.safetensors", "README.md")
    for name in names:
        assert Path("first", name).read_bytes() == Path("second", name).read_bytes()
        assert Path("first", name).read_bytes() == Path("third", name).read_bytes()

    model = load_model(Path("first", names[0]))
    assert model.classes_.tolist() == ["anger", "calm", "happiness", "sadness"]
    card = model_info(Path("first", names[0]))["card"]
    assert list(card["scores"])[5:] == [
        "balanced accuracy (adapted to each speaker, without labels)",
        "balanced accuracy (speakers of nEMO)",
        "balanced accuracy (speakers of RAVDESS)",
        "recall (anger)",
        "recall (calm)",
        "recall (happiness)",
        "recall (sadness)",
        "balanced accuracy (trained on RAVDESS only, tested on nEMO)",
        "balanced accuracy (trained on nEMO only, tested on RAVDESS)",
    ]
    for words in (
        "12 of the 1,440 clips of RAVDESS (4 speakers) and 12 of the 4,481 clips of nEMO (4 spea",
        "`make_ser_pipeline(random_state=0, warn_unlike=True)` with cnn__max_epochs=1, cnn__n_net",
        "Recognizes 4 emotions of acted speech in English and Polish: anger, calm, happiness, sad",
    ):
        assert words in card["summary"]
    assert "24 clips of 8 speakers in all" in card["evaluation"]
    assert (
        "the 2 emotions of the other that both have, where guessing has 0.500" in card["evaluation"]
    )
    assert "Calm is an emotion of RAVDESS only" in card["limitations"]
    page = Path("first/README.md").read_text(encoding="utf-8")
    assert page.startswith('---\nlicense: "cc-by-nc-sa-4.0"\nlanguage:\n- "en"\n- "pl"\n')
    assert str(Path(folders[0]).parent) not in page


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: ravdess, nemo"),
        (["nowhere", "nowhere"], "Could not load RAVDESS from 'nowhere': it does not exist in"),
    ],
)
def test_corpora_that_are_missing(arguments, message, command, capsys):
    with pytest.raises(SystemExit) as ended:
        command["main"](arguments)
    assert ended.value.code == 2
    assert message in capsys.readouterr().err


def test_make_names_the_corpora_that_are_missing():
    if shutil.which("make") is None:
        pytest.skip("needs make")
    done = subprocess.run(
        ["make", "acted", "RAVDESS=x", f"VENV={sys.prefix}", f"--assume-old={INSTALLED}"],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("MAKE")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert "make acted RAVDESS=/path/to/ravdess NEMO=/path/to/nemo" in done.stderr


def run_backend(folder, kind):
    """Build a source distribution or a wheel of a folder with its own build backend."""
    pytest.importorskip("setuptools")
    dist = Path("dist").absolute()
    dist.mkdir(exist_ok=True)
    code = f"from setuptools import build_meta; build_meta.build_{kind}({str(dist)!r})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr
    (found,) = dist.glob({"sdist": "*.tar.gz", "wheel": "*.whl"}[kind])
    return found


def unpacked_sdist(folder):
    """Build the source distribution of a folder, and return the folder in it."""
    with tarfile.open(run_backend(folder, "sdist")) as file:
        file.extractall("unpacked", filter="data")
    (found,) = Path("unpacked").iterdir()
    return found


@pytest.fixture
def copy():
    """Copy the package with the model, because building it writes into its folder."""
    left_out = shutil.ignore_patterns("*.egg-info", "__pycache__", "build", "evaluation")
    return Path(shutil.copytree(ACTED, "acted", ignore=left_out))


def test_distributions_have_model_license_and_card(copy):
    unpacked = unpacked_sdist(copy)
    assert unpacked.name.startswith("ser_estimators_acted-")
    for name in ("LICENSE", "README.md", "build_model.py", "tests/test_model.py"):
        assert (unpacked / name).read_bytes() == (ACTED / name).read_bytes()
    with zipfile.ZipFile(run_backend(unpacked, "wheel")) as file:
        names = file.namelist()
        assert "ser_estimators_acted/acted.safetensors" in names
        assert {name.split("/")[0].split("-")[0] for name in names} == {"ser_estimators_acted"}
        (info,) = [name for name in names if name.endswith("METADATA")]
        text = file.read(info).decode()
        assert any(name.endswith("licenses/LICENSE") for name in names)
    assert "License-Expression: CC-BY-NC-SA-4.0\n" in text
    assert "Requires-Dist: ser_estimators>=0.1\n" in text
    assert "## Limitations" in text


@pytest.mark.slow
def test_tests_of_the_distributions_pass(copy):
    """The installed wheel, tested with the tests in the source distribution."""
    unpacked = unpacked_sdist(copy)
    wheel = run_backend(unpacked, "wheel")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*install, "--target", "site", str(wheel)], check=True)
    shutil.rmtree(unpacked / "ser_estimators_acted")
    paths = os.pathsep.join([str(Path("site").absolute()), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"],
        cwd=unpacked,
        env=os.environ | {"PYTHONPATH": paths},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert done.returncode == 0, done.stdout
    assert re.search(r"\d+ passed", done.stdout)
    assert "skipped" not in done.stdout


def test_source_distribution_of_the_library_lacks_the_model():
    Path("library").mkdir()
    for name in COPIED:
        shutil.copy(ROOT / name, Path("library", name))
    left_out = shutil.ignore_patterns("*.so", "__pycache__", "*.egg-info", "build")
    for name in ("ser_estimators", "packages", "tests"):
        shutil.copytree(ROOT / name, Path("library", name), ignore=left_out)
    unpacked = unpacked_sdist("library")
    for name in ("ser_estimators/pipeline.py", "tests/test_pipeline.py", "tests/data"):
        assert (unpacked / name).exists()
    assert not (unpacked / "packages").exists()
    assert not list(unpacked.rglob("acted.safetensors"))
    project = tomllib.loads((unpacked / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["license"] == "BSD-3-Clause"
    assert (unpacked / "LICENSE").read_bytes() == (ROOT / "LICENSE").read_bytes()
