"""Which files a program may open: everything that leads out of its folder is refused, and refusing changes nothing."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from filing import asked, got, message, place, refusals

from tensorlang.data import Access, chosen, save
from tensorlang.diagnostics import RunError
from tensorlang.limits import Limits

Golden = Callable[[str, str], None]


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder beside the program's, with a file that it must not see."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    np.save(folder / "secret.npy", np.arange(3))
    return folder


def test_words_of_a_path(access: Access, golden: Golden) -> None:
    paths = [
        "",
        " ",
        "a\\b.npy",
        "..\\x.npy",
        "C:/x.npy",
        "c:x.npy",
        "a\0.npy",
        "a\nb.npy",
        "/etc/hosts.csv",
        "//host/x.npy",
    ]
    paths += ["../x.npy", "a/../../x.npy", "..", "missing.npy", "nowhere/x.npy"]
    text = "\n\n".join(message(lambda path=path: access.open_read(path, asked(path).span)) for path in paths)  # type: ignore[misc]
    golden("paths.txt", text + "\n")


@pytest.mark.parametrize("folder", ["", ".", "../home"])
def test_a_folder_may_be_relative(home: Path, folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home)
    save(Access(folder), "x.npy", {"X": np.arange(3)}, None)
    assert got(Access(folder), "x.npy").tolist() == [0, 1, 2]
    assert "E0704" in message(lambda: Access(folder).open_read("../home/x.npy", None))


def test_a_misspelt_name_is_suggested(home: Path, access: Access, golden: Golden) -> None:
    (home / "data").mkdir()
    np.save(home / "data" / "digits.npy", np.arange(3))
    golden("misspelt.txt", refusals(access, [asked("data/digit.npy"), asked("data/digits.npz"), asked("data")]))


def test_without_a_folder_nothing_is_open(golden: Golden) -> None:
    nothing = Access(None)
    text = refusals(nothing, [asked("x.npy")])
    text += "\n" + message(lambda: save(nothing, "y.npy", {"Y": np.ones(2)}, place('save Y to "y.npy"'))) + "\n"
    golden("no_folder.txt", text)


def test_links_that_leave_are_refused(home: Path, access: Access, elsewhere: Path, golden: Golden) -> None:
    (home / "link.npy").symlink_to(elsewhere / "secret.npy")
    (home / "folder").symlink_to(elsewhere)
    (home / "loop.npy").symlink_to(home / "loop.npy")
    (home / "dangling.npy").symlink_to(elsewhere / "new.npy")
    requests = [asked("link.npy"), asked("folder/secret.npy"), asked("loop.npy"), asked("dangling.npy")]
    golden("links.txt", refusals(access, requests))
    for path in ("link.npy", "folder/new.npy", "dangling.npy"):
        with pytest.raises(RunError, match=r"E0705"):
            save(access, path, {"Y": np.ones(2)}, None)
    assert sorted(os.listdir(elsewhere)) == ["secret.npy"]


def test_links_inside_and_into_allowed_folders_are_followed(home: Path, elsewhere: Path) -> None:
    np.save(home / "real.npy", np.arange(4))
    (home / "alias.npy").symlink_to("real.npy")
    (home / "link.npy").symlink_to(elsewhere / "secret.npy")
    open_more = Access(str(home), read_roots=(str(elsewhere),))
    assert got(open_more, "alias.npy").tolist() == [0, 1, 2, 3]
    assert got(open_more, "link.npy").tolist() == [0, 1, 2]
    assert got(open_more, str(elsewhere / "secret.npy")).tolist() == [0, 1, 2]
    assert got(open_more, "../elsewhere/secret.npy").tolist() == [0, 1, 2]
    with pytest.raises(RunError, match=r"E0703"):
        save(open_more, str(elsewhere / "y.npy"), {"Y": np.ones(2)}, None)
    save(Access(str(home), write_roots=(str(elsewhere),)), str(elsewhere / "y.npy"), {"Y": np.ones(2)}, None)
    assert (elsewhere / "y.npy").exists()


def test_a_root_with_the_same_beginning_is_another_folder(home: Path, tmp_path: Path) -> None:
    (tmp_path / "home2").mkdir()
    np.save(tmp_path / "home2" / "x.npy", np.arange(3))
    for path in (str(tmp_path / "home2" / "x.npy"), "../home2/x.npy"):
        with pytest.raises(RunError, match=r"E070[34]"):
            Access(str(home), read_roots=(str(home),)).open_read(path, None)


def test_only_plain_files(home: Path, access: Access, golden: Golden) -> None:
    os.mkfifo(home / "pipe.npy")
    (home / "folder.npy").mkdir()
    golden("not_plain.txt", refusals(access, [asked("pipe.npy"), asked("folder.npy"), asked("./"), asked(".")]))
    everything = Access(str(home), read_roots=("/dev",), write_roots=("/dev",))
    with pytest.raises(RunError, match=r"E0706.*a device"):
        everything.open_read("/dev/zero", None)
    with pytest.raises(RunError, match=r"E0706.*a device"), everything.open_write("/dev/null", None):
        pass
    with pytest.raises(RunError, match=r"E0706"), access.open_write("pipe.npy", None):
        pass


def test_a_second_name_is_not_written(home: Path, access: Access, elsewhere: Path, golden: Golden) -> None:
    os.link(elsewhere / "secret.npy", home / "twin.npy")
    before = (elsewhere / "secret.npy").read_bytes()
    golden(
        "hard_link.txt",
        message(lambda: save(access, "twin.npy", {"Y": np.ones(2)}, place('save Y to "twin.npy"'))) + "\n",
    )
    assert (elsewhere / "secret.npy").read_bytes() == before
    assert got(access, "twin.npy").tolist() == [0, 1, 2]


def test_a_large_file_is_refused_unread(home: Path, golden: Golden) -> None:
    with open(home / "large.npy", "wb") as handle:
        handle.truncate(10**12)  # sparse: takes no room
    golden("large.txt", refusals(Access(str(home)), [asked("large.npy")]))
    np.save(home / "bytes.npy", np.ones(400, np.uint8))
    small = Access(str(home), limits=Limits(file=1000))
    with pytest.raises(RunError, match=r"unpacks to 3\.2 kB, more than the 1 kB"):
        got(small, "bytes.npy")
    assert got(small, "bytes.npy", rows=(0, 100)).shape == (100,)


def test_a_link_put_in_between_is_not_followed(
    home: Path, access: Access, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The path is judged, then changed by somebody else, then opened."""
    (home / "sub").mkdir()
    np.save(home / "sub" / "secret.npy", np.zeros(2))
    real = os.path.realpath

    def judged_then_moved(path: str) -> str:
        found = real(path)
        if (home / "sub").is_dir() and not (home / "sub").is_symlink() and path.endswith("secret.npy"):
            (home / "sub").rename(home / "old")
            (home / "sub").symlink_to(elsewhere)
        return found

    monkeypatch.setattr(os.path, "realpath", judged_then_moved)
    with pytest.raises(RunError, match=r"E07"):
        access.open_read("sub/secret.npy", None)


@pytest.mark.parametrize("problem", [ValueError("stop"), KeyboardInterrupt()], ids=["error", "interrupt"])
def test_a_failed_write_leaves_all_as_it_was(home: Path, access: Access, problem: BaseException) -> None:
    save(access, "y.npy", {"Y": np.arange(3)}, None)
    before = (home / "y.npy").read_bytes()

    def fail() -> None:
        with access.open_write("y.npy", None) as handle:
            handle.write(b"half")
            raise problem

    with pytest.raises(type(problem)):
        fail()
    assert (home / "y.npy").read_bytes() == before
    assert os.listdir(home) == ["y.npy"]


def test_a_full_disk_is_told(home: Path, access: Access, monkeypatch: pytest.MonkeyPatch, golden: Golden) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device", "/somewhere/secret")

    monkeypatch.setattr(os, "fsync", full)
    golden(
        "full_disk.txt", message(lambda: save(access, "y.npy", {"Y": np.arange(3)}, place('save Y to "y.npy"'))) + "\n"
    )
    assert os.listdir(home) == []


def test_writing_replaces_and_keeps_ordinary_rights(home: Path, access: Access) -> None:
    with access.open_write("a.json", None) as handle:
        handle.write(b"1")
    with access.open_write("a.json", None) as handle:
        handle.write(b"2")
    assert (home / "a.json").read_bytes() == b"2"
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE((home / "a.json").stat().st_mode) == 0o666 & ~mask
    with pytest.raises(RunError, match=r"E0709.*no folder `none`"), access.open_write("none/a.json", None):
        pass


def test_no_message_tells_where_the_folder_is(home: Path, access: Access) -> None:
    (home / "link.npy").symlink_to("/etc/hosts")
    for path in ("missing.npy", "nowhere/x.npy", "link.npy", "../x.npy"):
        assert str(home) not in message(lambda path=path: access.open_read(path, None))  # type: ignore[misc]


def test_a_file_that_the_caller_chose_may_lie_anywhere(elsewhere: Path) -> None:
    access, name = chosen(str(elsewhere / "secret.npy"), Limits())
    assert got(access, name).tolist() == [0, 1, 2]


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read anything")
def test_missing_rights_are_told(home: Path, access: Access) -> None:
    np.save(home / "x.npy", np.arange(3))
    (home / "x.npy").chmod(0)
    with pytest.raises(RunError, match=r"E0710.*permission denied"):
        access.open_read("x.npy", None)
