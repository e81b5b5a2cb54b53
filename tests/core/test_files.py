"""A file is written whole or not at all."""

import errno
import os

import pytest

from motornet_nb.core.files import replace_file


def test_replace_file_is_whole_or_not_at_all(tmp_path):
    path = tmp_path / "log.csv"
    replace_file(path, lambda p: p.write_text("old"))

    def fail(p):
        p.write_text("ne")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        replace_file(path, fail)
    assert path.read_text() == "old" and list(tmp_path.iterdir()) == [path]
    replace_file(path, lambda p: p.write_text("new"))
    assert path.read_text() == "new"


@pytest.mark.skipif(os.name != "posix", reason="directories of POSIX")
@pytest.mark.parametrize("code", [errno.EIO, errno.EINVAL, errno.ENOTSUP])
def test_a_directory_that_cannot_be_forced_onto_the_disk(code, tmp_path, monkeypatch):
    "Is an error of the disk, or a file system that knows no such thing; the file is there."
    force = os.fsync

    def fail(descriptor):
        if os.path.isdir(f"/proc/self/fd/{descriptor}"):
            raise OSError(code, os.strerror(code))
        return force(descriptor)

    monkeypatch.setattr(os, "fsync", fail)
    path = tmp_path / "log.csv"
    if code == errno.EIO:
        with pytest.raises(OSError, match=os.strerror(code)):
            replace_file(path, lambda p: p.write_text("new"))
    else:
        replace_file(path, lambda p: p.write_text("new"))
    assert path.read_text() == "new" and list(tmp_path.iterdir()) == [path]
