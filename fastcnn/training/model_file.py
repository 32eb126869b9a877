"""Model files: safetensors arrays, and everything else as JSON in the same file.

A model file is untrusted input. It can name registered layers and give numbers; it can't name a
module, hold code, or ask for more memory than the file is long.
"""

import contextlib
import hashlib
import json
import os
import re
import struct
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from fastcnn.data.known_formats import foreign_model
from fastcnn.errors import ModelFileError
from fastcnn.training.checked import parse_json

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

FORMAT = "fastcnn-model"
VERSION = 3
MAX_HEADER = 64 * 2**20


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` fill a temporary file, then put it at `path` whole, or leave all as it was."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        _is_mine(handle)
        write(temporary)
        with open(temporary, "rb+") as file:
            os.fsync(file.fileno())
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        temporary.replace(path)
        _sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)
        os.close(handle)


# What `write_atomically` leaves behind if the process is killed in it: ".run.json.k3_x9abc".
LITTER = re.compile(r"\.[^/]+\.(safetensors|jsonl?|csv|md|html|png)\.[a-z0-9_]{8}")


def remove_litter(folder: Path) -> None:
    """Remove such files, but for those that a living process is writing, which holds a lock."""
    for path in folder.glob(".*.*.*") if fcntl is not None else ():
        if not LITTER.fullmatch(path.name) or path.is_symlink() or not path.is_file():
            continue
        with contextlib.suppress(OSError), open(path, "rb+") as file:
            if _is_mine(file.fileno()):
                path.unlink()


def _is_mine(handle: int) -> bool:
    """Take the lock of a temporary file, which its process gives up when it ends, however it does;
    False if another one has it."""
    try:
        if fcntl is not None:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:  # or a file system without locks: then nothing is removed
        return False
    return True


def _sync_folder(folder: Path) -> None:
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def write_text(path: Path, text: str) -> None:
    """In UTF-8, whatever the text holds; see fastcnn/text.py."""
    content = text.encode("utf-8", "backslashreplace")
    write_atomically(path, lambda temporary: temporary.write_bytes(content))


def encode(arrays: dict[str, np.ndarray], document: dict[str, Any]) -> bytes:
    """What is in a model file: arrays and the JSON document."""
    from safetensors.numpy import save

    text = json.dumps({"format": FORMAT, "format_version": VERSION, **document})
    plain = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    return save(plain, metadata={"fastcnn": text})


def decode(content: bytes) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """What `encode` was given; not for untrusted input, which comes in files."""
    from safetensors.numpy import load

    (header,) = struct.unpack("<Q", content[:8])
    text = json.loads(content[8 : 8 + header])["__metadata__"]["fastcnn"]
    return load(content), json.loads(text)


def write_model_file(path: Path, arrays: dict[str, np.ndarray], document: dict[str, Any]) -> None:
    """Arrays and the JSON document into one file."""
    content = encode(arrays, document)
    try:
        write_atomically(path, lambda temporary: temporary.write_bytes(content))
    except OSError as error:
        raise ModelFileError(f"can't write {path}: {error.strerror or error}") from error


def weights_sha256(weights: dict[str, np.ndarray]) -> str:
    """SHA-256 over names, dtypes, shapes and bytes of all weights, in the order of their names."""
    digest = hashlib.sha256()
    for name, array in sorted(weights.items()):
        digest.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()


def read_model_file(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The arrays and the JSON document, or a ModelFileError that says what is wrong."""

    def arrays_of(file: Any) -> dict[str, np.ndarray]:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118

    return _read(path, arrays_of)


def read_document(path: Path) -> dict[str, Any]:
    """The JSON document alone."""
    return _read(path, lambda file: None)[1]


def _read(path: Path, read: Callable[[Any], Any]) -> tuple[Any, dict[str, Any]]:
    """What `read` takes from the open file, and the JSON document."""
    from safetensors import SafetensorError, safe_open

    _check_header(path)
    try:
        with safe_open(str(path), framework="numpy") as file:
            text = (file.metadata() or {}).get("fastcnn")
            content = read(file)
    except (SafetensorError, OSError, ValueError, TypeError, KeyError) as error:
        reason = foreign_model(path) or f"{path} is no readable safetensors file: {error}"
        raise ModelFileError(reason) from error
    if text is None:
        raise ModelFileError(f"{path} holds arrays, but no fastcnn model description")
    return content, _document(path, text)


def _check_header(path: Path) -> None:
    """The header's length against the file's, before anything is read into memory."""
    try:
        size = path.stat().st_size
        with open(path, "rb") as file:
            start = file.read(8)
    except OSError as error:
        raise ModelFileError(
            f"can't read the model file {path}: {error.strerror or error}"
        ) from error
    header = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
    if not 2 <= header <= min(size - 8, MAX_HEADER):
        if reason := foreign_model(path):
            raise ModelFileError(reason)
        raise ModelFileError(f"{path} ({size} bytes) is truncated or no safetensors file")


def _document(path: Path, text: str) -> dict[str, Any]:
    document = parse_json(text, f"the model description in {path}")
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ModelFileError(f"{path} was not written by fastcnn")
    version = document.get("format_version")
    if version != VERSION:
        raise ModelFileError(
            f"{path} has format version {version}; this fastcnn reads version {VERSION}"
        )
    return document
