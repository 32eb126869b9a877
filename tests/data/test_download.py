import functools
import hashlib
import http.server
import io
import tarfile
import threading

import pooch
import pytest

from fastcnn.data.download import Remote, cache_dir, extract, fetch
from fastcnn.errors import DataError
from tests.data.files import write

REAL_RETRIEVE = pooch.retrieve
DATA = b"some data"
SHA256 = hashlib.sha256(DATA).hexdigest()


@pytest.fixture
def server(tmp_path, monkeypatch):
    """A web server on this machine: good/file.gz has the right bytes, bad/file.gz has others."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    monkeypatch.setattr(pooch, "retrieve", REAL_RETRIEVE)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    write(tmp_path / "www" / "good" / "file.gz", DATA)
    write(tmp_path / "www" / "bad" / "file.gz", DATA[::-1])
    handler = functools.partial(Handler, directory=tmp_path / "www")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as httpd:
        thread = threading.Thread(target=httpd.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{httpd.server_port}/"
        httpd.shutdown()
        thread.join()


def test_fetch_tries_the_mirrors_in_order_and_quietly(tmp_path, server, capfd):
    mirrors = tuple(f"{server}{name}/" for name in ("none", "bad", "good"))
    path = fetch(Remote("file.gz", mirrors, SHA256), tmp_path / "cache" / "set")
    assert path == tmp_path / "cache" / "set" / "file.gz"
    assert path.read_bytes() == DATA
    assert capfd.readouterr() == ("", "")


def test_fetch_takes_a_file_that_is_there(tmp_path, server):
    path = write(tmp_path / "file.gz", DATA)
    assert fetch(Remote("file.gz", (f"{server}none/",), SHA256), tmp_path) == path


def test_failed_download(tmp_path, server):
    remote = Remote("file.gz", (f"{server}none/", f"{server}bad/"), SHA256)
    with pytest.raises(DataError, match=r"file.gz failed \(.*bad/ sent a file with a wrong check"):
        fetch(remote, tmp_path)
    with pytest.raises(DataError, match=r"none/: HTTPError\)"):
        fetch(Remote("file.gz", (f"{server}none/",), SHA256), tmp_path)
    assert not list(tmp_path.glob("*.gz"))


def test_no_network_is_said_in_one_line(tmp_path):
    remote = Remote("file.gz", ("https://a.org/", "https://b.org/"), SHA256)
    with pytest.raises(DataError, match=r"failed \(https://b.org/: ConnectionError\)") as error:
        fetch(remote, tmp_path)
    assert "\n" not in str(error.value)


def test_cache_dir(cache):
    assert cache_dir() == cache


def tar(*members):
    """Bytes of a .tar.gz of (name, data) or of ready TarInfos."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
                continue
            info = tarfile.TarInfo(member[0])
            info.size = len(member[1])
            archive.addfile(info, io.BytesIO(member[1]))
    return buffer.getvalue()


def link(name, target):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = tarfile.SYMTYPE, target
    return info


MEMBERS = {"set/a.bin": 3, "set/b.bin": 2}


def test_extract_takes_the_named_files_only(tmp_path):
    members = [("../evil", b"x"), ("set/a.bin", b"abc"), ("/etc/evil", b"x"), ("set/b.bin", b"de")]
    archive = write(tmp_path / "set.tar.gz", tar(*members, link("set/c.bin", "/etc/passwd")))
    target = tmp_path / "out" / "in"
    target.mkdir(parents=True)
    extract(archive, MEMBERS, target)
    assert {p.name: p.read_bytes() for p in target.iterdir()} == {"a.bin": b"abc", "b.bin": b"de"}
    assert [p.name for p in (tmp_path / "out").iterdir()] == ["in"]


@pytest.mark.parametrize(
    "data, message",
    [
        (tar(("set/a.bin", b"abc")), "set/b.bin not in the archive"),
        (tar(("set/a.bin", b"abcd")), "set/a.bin has 4 bytes; expected 3"),
        (tar(link("set/a.bin", "/etc/passwd")), "set/a.bin has 0 bytes; expected 3"),
        (tar(("set/a.bin", b"abc"))[:30], "cannot be unpacked"),
        (b"no archive", "cannot be unpacked"),
        (b"", "cannot be unpacked"),
    ],
    ids=["missing", "size", "link", "truncated", "garbage", "empty"],
)
def test_bad_archive(tmp_path, data, message):
    archive = write(tmp_path / "in" / "set.tar.gz", data)
    with pytest.raises(DataError, match=message):
        extract(archive, MEMBERS, tmp_path)
    assert not list(tmp_path.glob("*.part"))
