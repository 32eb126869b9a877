"""What a file is by its first bytes, so that messages can name it. Nothing is unpacked or run."""

import tarfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fastcnn.data.picture_types import picture_type
from fastcnn.data.rawfile import GZIP_MAGIC, list_files

FIRST = 1024  # bytes that are looked at
LEGACY_TORCH = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
ONNX_FIELDS = b"\x12\x1a\x22\x28\x32\x3a\x42"  # what may follow the version in a ModelProto


@dataclass(frozen=True)
class Format:
    """text: with an article; kind: "model", "data", "picture", "archive" or "other"."""

    text: str
    kind: str


def _begins(*magics: bytes) -> Callable[[bytes], bool]:
    return lambda data: data.startswith(magics)


def _is_onnx(data: bytes) -> bool:
    """Field 1 of a ModelProto is the version, at most 20 so far, then comes another field."""
    return len(data) > 2 and data[0] == 8 and 2 <= data[1] <= 20 and data[2] in ONNX_FIELDS


def _is_pickle(data: bytes) -> bool:
    binary = len(data) > 1 and data[0] == 0x80 and 2 <= data[1] <= 5
    return binary or data.startswith((b"(dp", b"(lp", b"ccopy_reg\n", b"cnumpy"))


def _is_text(data: bytes) -> bool:
    return bool(data) and not any(byte < 9 or 13 < byte < 32 for byte in data)


def _is_safetensors(data: bytes) -> bool:
    length = int.from_bytes(data[:8], "little")
    return data[8:9] == b"{" and 2 <= length < 1 << 32


TABLE: tuple[tuple[Callable[[bytes], bool], str, str], ...] = (
    (_is_safetensors, "a safetensors file", "model"),
    (_begins(b"\x89HDF\r\n\x1a\n"), "an HDF5 file (Keras .h5, MATLAB 7.3)", "model"),
    (_begins(LEGACY_TORCH), "a PyTorch model (an old .pt, a pickle)", "model"),
    (lambda d: _is_pickle(d) and b"sklearn" in d, "a scikit-learn model (a pickle)", "model"),
    (lambda d: _is_pickle(d) and b"torch" in d, "a PyTorch model (a pickle)", "model"),
    (_is_pickle, "a Python pickle (joblib, CIFAR's python version, old models)", "model"),
    (_begins(b"\x08\x01\x12"), "a TensorFlow SavedModel", "model"),
    (_is_onnx, "an ONNX model", "model"),
    (lambda d: d[4:8] == b"TFL3", "a TensorFlow Lite model", "model"),
    (_begins(b"GGUF"), "a GGUF model", "model"),
    (_begins(b"\x93NUMPY"), "a NumPy array (.npy)", "data"),
    (_begins(b"MATLAB 5.0"), "a MATLAB file (.mat)", "data"),
    (_begins(b"PAR1"), "a Parquet table", "data"),
    (_begins(b"ARROW1", b"FEA1"), "an Arrow table (Feather)", "data"),
    (_begins(b"SQLite format 3"), "an SQLite data base", "data"),
    (lambda d: d[:3] == b"\0\0\x08" and 0 < d[3] < 5 if len(d) > 3 else False, "IDX data", "data"),
    (_begins(GZIP_MAGIC), "gzip data", "archive"),
    (_begins(b"BZh"), "bzip2 data", "archive"),
    (_begins(b"\xfd7zXZ\0"), "xz data", "archive"),
    (_begins(b"7z\xbc\xaf"), "a 7z archive", "archive"),
    (_begins(b"Rar!"), "a RAR archive", "archive"),
    (lambda d: d[257:262] == b"ustar", "a tar archive", "archive"),
    (_begins(b"x\x01", b"x\x9c", b"x\xda"), "zlib data (a compressed joblib file?)", "model"),
    (_begins(b"%PDF"), "a PDF document", "other"),
    (_begins(b"version https://git-lfs"), "a Git LFS pointer: run `git lfs pull`", "other"),
    (lambda d: d.lstrip()[:5].lower() in (b"<!doc", b"<html"), "an HTML page", "other"),
    (lambda d: d.lstrip()[:1] in (b"{", b"["), "JSON, or other text", "other"),
    (_is_text, "text", "other"),
)


def format_of(path: Path) -> Format | None:
    """What the file or folder is, if it is known; None also for what can't be read."""
    if path.is_dir():
        saved = (path / "saved_model.pb").is_file() or (path / "keras_metadata.pb").is_file()
        return Format("a TensorFlow SavedModel", "model") if saved else None
    try:
        with open(path, "rb") as file:
            data = file.read(FIRST)
    except OSError:
        return None
    if not data:
        return Format("an empty file", "other")
    if data.startswith(b"PK\x03\x04"):
        return _of_zip(path)
    if picture := picture_type(data):
        return Format(f"a picture ({picture.name})", "picture")
    return format_of_bytes(data)


def format_of_bytes(data: bytes) -> Format | None:
    """By the first bytes of a file that is neither a zip nor a picture."""
    found = ((text, kind) for test, text, kind in TABLE if test(data[:FIRST]))
    return next((Format(text, kind) for text, kind in found), None)


def _of_zip(path: Path) -> Format:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except Exception:  # a damaged directory raises almost anything
        return Format("a damaged zip archive", "archive")
    ends = {name.rpartition("/")[2] for name in names}
    if "data.pkl" in ends or "constants.pkl" in ends:
        return Format("a PyTorch model (.pt, .pth)", "model")
    if "model.weights.h5" in ends or "config.json" in names:
        return Format("a Keras model (.keras)", "model")
    if "saved_model.pb" in ends:
        return Format("a TensorFlow SavedModel in a zip archive", "model")
    if names and all(name.endswith(".npy") for name in names):
        return Format("an .npz of NumPy arrays", "data")
    if "[Content_Types].xml" in names:
        return Format("an Office document", "other")
    return Format("a zip archive", "archive")


def tar_names(path: Path, most: int = 20) -> list[str]:
    """Names of the first members of a tar archive, packed or not; nothing if it is none."""
    try:
        with tarfile.open(path) as archive:
            return [member.name for member, _ in zip(archive, range(most), strict=False)]
    except (tarfile.TarError, OSError, EOFError, ValueError, zlib.error):
        return []


def foreign_model(path: Path) -> str | None:
    """Why that is no model of ours and what to do, if the file is of a known format."""
    found = format_of(path)
    if found is None or found.text == TABLE[0][1]:
        return None
    if found.kind == "model":
        return (
            f"{path} is {found.text}; fastcnn reads models that it has written itself "
            "(.safetensors: Model.save, fastcnn train). Build the net with fastcnn.layers, and "
            "give it the weights as arrays (Model.set_weights)"
        )
    if found.kind == "picture":
        return f"{path} is {found.text}; expected a model file or run folder first"
    return f"{path} is {found.text}; expected a model file (.safetensors) or run folder"


def known_files(folder: Path) -> str:
    """ "; digits.mat is a MATLAB file (.mat)": what a folder holds beside pictures and text."""
    said = []
    for path in list_files(folder):
        found = format_of(path)
        if found is not None and found.kind in ("model", "data", "archive"):
            said.append(f"{path.name} is {found.text}")
    return "".join(f"; {text}" for text in said[:2])
