"""write_file: whole files or none, with the permissions and links of ordinary ones."""

import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from ser_estimators._utils.writing import check_writable, write_file

posix_only = pytest.mark.skipif(os.name != "posix", reason="needs POSIX permissions and links")


def mode_of(path):
    return Path(path).stat().st_mode & 0o777


@pytest.fixture
def umask():
    """Set the umask of the process, and restore it after the test."""
    before = os.umask(0o022)
    yield os.umask
    os.umask(before)


@pytest.mark.parametrize("path", ["new.txt", Path("new.txt")])
def test_text_and_bytes(path):
    assert write_file(path, "Zürich\n") == Path("new.txt")
    assert Path(path).read_bytes() == "Zürich\n".encode()
    write_file(path, b"\x00\r\n")
    assert Path(path).read_bytes() == b"\x00\r\n"
    write_file(path, "")
    assert Path(path).read_bytes() == b""
    assert os.listdir() == ["new.txt"]


def test_names_of_files_that_are_not_valid_text():
    name = os.fsdecode(b"a\xe9.wav")
    write_file("list.txt", f"{name}\n")
    assert Path("list.txt").read_text(encoding="utf-8") == "a?.wav\n"


@posix_only
def test_path_that_is_not_valid_text():
    name = os.fsdecode(b"a\xe9.txt")
    try:
        Path(name).touch()
    except OSError:
        pytest.skip("this file system has no such names")
    assert write_file(name, "x") == Path(name)
    assert os.listdir(b".") == [b"a\xe9.txt"]


def test_failure_keeps_the_old_file():
    write_file("file", b"old")
    with pytest.raises(TypeError, match="bytes-like object is required"):
        write_file("file", 3)
    assert Path("file").read_bytes() == b"old"
    assert os.listdir() == ["file"]


def test_full_disk_keeps_the_old_file():
    pytest.importorskip("resource")
    write_file("file", b"old")
    # Python ignores the signal of this limit, so that a longer file is an error.
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))\n"
        "from ser_estimators._utils.writing import write_file\n"
        "write_file('file', bytes(10**6))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert "File too large" in done.stderr
    assert Path("file").read_bytes() == b"old"
    assert os.listdir() == ["file"]


def test_folder_in_the_place_of_the_file():
    Path("folder").mkdir()
    with pytest.raises(OSError, match="folder"):
        write_file("folder", "x")
    assert os.listdir() == ["folder"]
    assert os.listdir("folder") == []


def test_missing_folder():
    with pytest.raises(
        FileNotFoundError, match=r"there is no such folder; create it first: '?a.b'?$"
    ):
        write_file(Path("a", "b", "file.txt"), "x")
    assert os.listdir() == []


def test_errors_name_the_file_and_not_the_hidden_one():
    Path("file").touch()
    for name in ("x" * 300, "file/x", "x" * 255 + "/x"):
        for write in (check_writable, lambda path: write_file(path, "x")):
            with pytest.raises(OSError, match="x") as caught:
                write(name)
            assert ".part" not in str(caught.value)
            assert name in str(caught.value) or caught.value.filename == os.path.dirname(name)
    assert os.listdir() == ["file"]


def test_check_leaves_nothing_behind():
    Path("old").write_text("old")
    Path("folder").mkdir()
    for name in ("new", "old", "folder", os.devnull):
        check_writable(name)
    assert sorted(os.listdir()) == ["folder", "old"]
    assert Path("old").read_text() == "old"
    with pytest.raises(FileNotFoundError, match="no"):
        check_writable("no/file")


@posix_only
@pytest.mark.parametrize(("mask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_new_file_has_the_permissions_of_the_umask(mask, mode, umask):
    umask(mask)
    write_file("file", "x")
    assert mode_of("file") == mode
    Path("ordinary").touch()
    assert mode_of("ordinary") == mode
    assert umask(mask) == mask  # which was not changed


@posix_only
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o755])
def test_existing_file_keeps_its_permissions(mode, umask):
    Path("file").touch()
    Path("file").chmod(mode)
    write_file("file", "x")
    assert mode_of("file") == mode


@posix_only
def test_link_stays_a_link():
    Path("elsewhere").mkdir()
    Path("elsewhere/target").write_text("old")
    Path("link").symlink_to("elsewhere/target")
    assert write_file("link", "new") == Path("link")
    assert os.readlink("link") == "elsewhere/target"
    assert Path("elsewhere/target").read_text() == "new"
    assert os.listdir("elsewhere") == ["target"]


@posix_only
def test_link_to_a_file_that_does_not_exist_yet():
    Path("elsewhere").mkdir()
    Path("link").symlink_to("elsewhere/target")
    write_file("link", "new")
    assert Path("link").is_symlink()
    assert Path("elsewhere/target").read_text() == "new"


@posix_only
def test_reader_of_the_old_file_still_reads_it():
    write_file("file", "old")
    with Path("file").open() as reader:
        write_file("file", "new")
        assert reader.read() == "old"
    assert Path("file").read_text() == "new"


@pytest.mark.parametrize("name", ["x" * 255, "ü" * 120])
def test_long_names(name):
    write_file(name, "x")
    assert os.listdir() == [name]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="not on this system")
def test_devices_and_pipes_are_written_to_rather_than_replaced():
    os.mkfifo("pipe")
    received = []
    reader = threading.Thread(target=lambda: received.append(Path("pipe").read_bytes()))
    reader.start()
    write_file("pipe", "text")
    reader.join(timeout=60)
    assert received == [b"text"]
    assert stat.S_ISFIFO(os.stat("pipe").st_mode)


def test_name_may_be_as_long_as_the_system_allows():
    name = 84 * "\u97f3"  # 252 bytes
    write_file(name, "text")
    assert Path(name).read_text() == "text"
