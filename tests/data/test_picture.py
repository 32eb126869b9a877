"""What is done to each kind of picture: by content, alpha, depth, orientation, limits."""

import os
import struct
import threading
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageOps

from fastcnn.data.complaints import catch_complaints
from fastcnn.data.images import read_picture
from fastcnn.data.picture import PictureError, decode_picture
from fastcnn.data.picture_header import read_header
from fastcnn.data.picture_options import MAX_PIXELS, PictureOptions
from fastcnn.data.picture_types import TYPES, is_readable, picture_type
from fastcnn.errors import DataError, OptionError
from tests.data.files import pixels, write

USUAL = PictureOptions()
SHAPE = np.zeros((24, 20), np.uint8)
SHAPE[6:18, 9:15] = 255


def hidden(mode):
    """A shape that only alpha holds; all colours are black."""
    if mode == "LA":
        return Image.fromarray(np.stack([SHAPE * 0, SHAPE], -1))
    rgba = np.zeros((*SHAPE.shape, 4), np.uint8)
    rgba[..., 3] = SHAPE
    return Image.fromarray(rgba)


def palette():
    image = Image.fromarray((SHAPE > 0).astype(np.uint8)).convert("P")
    image.putpalette([0, 0, 0, 0, 0, 0] + [9] * 762)
    return image


TRANSPARENT = {
    "rgba.png": lambda path: hidden("RGBA").save(path),
    "la.png": lambda path: hidden("LA").save(path),
    "palette.png": lambda path: palette().save(path, transparency=0),
    "key.png": lambda path: Image.fromarray(np.where(SHAPE, 0, 7).astype(np.uint8)).save(
        path, transparency=7
    ),
    "rgb-key.png": lambda path: Image.fromarray(
        np.repeat(np.where(SHAPE, 0, 7).astype(np.uint8)[..., None], 3, 2)
    ).save(path, transparency=(7, 7, 7)),
    "rgba.webp": lambda path: hidden("RGBA").save(path, lossless=True),
    "rgba.tif": lambda path: hidden("RGBA").save(path),
    "palette.gif": lambda path: palette().save(path, transparency=0),
    "rgba.jp2": lambda path: hidden("RGBA").save(path),
    "rgba.avif": lambda path: hidden("RGBA").save(path, quality=100),
}


@pytest.mark.parametrize("name", TRANSPARENT)
@pytest.mark.parametrize("background", ["white", "black", (200, 100, 50)])
def test_alpha_is_drawn_onto_the_background(tmp_path, name, background):
    if not is_readable(picture_type_of_suffix(name)):
        pytest.skip("OpenCV without this format")
    TRANSPARENT[name](tmp_path / name)
    options = PictureOptions.of(background=background)
    picture = read_picture(tmp_path / name, options)
    outside = picture[0, 0].astype(int)
    assert np.abs(outside - np.array(options.background)).max() <= 3
    assert np.abs(picture[SHAPE > 0].astype(int)).max() <= 3  # the shape itself is black
    grey = name in ("la.png", "key.png") and options.is_grey
    assert picture.shape == (SHAPE.shape if grey else (*SHAPE.shape, 3))


def picture_type_of_suffix(name):
    suffix = "." + name.rpartition(".")[2]
    return next(kind for kind in TYPES.values() if suffix in kind.suffixes)


def test_half_transparent_colours(tmp_path):
    rgba = np.full((9, 9, 4), (200, 10, 20, 128), np.uint8)
    expected = np.rint(np.array([200, 10, 20]) * 128 / 255 + 255 * 127 / 255)
    for name in ("a.png", "a.webp", "a.tif"):
        image = Image.fromarray(rgba)
        image.save(tmp_path / name, **({"lossless": True} if name.endswith("webp") else {}))
        assert np.abs(read_picture(tmp_path / name) - expected).max() <= 1, name


def test_half_transparent_colours_of_16_bits(tmp_path):
    bgra = np.full((9, 9, 4), (20 * 257, 10 * 257, 200 * 257, 128 * 257), np.uint16)
    expected = np.array([200, 10, 20]) * 257 * 128 / 255 + 65535 * 127 / 255
    for name in ("a.png", "a.tif"):
        cv2.imwrite(str(tmp_path / name), bgra)
        found = read_picture(tmp_path / name)
        assert found.dtype == np.uint16 and np.abs(found - expected).max() <= 1, name


def test_a_fourth_channel_that_is_no_alpha(tmp_path):
    cmyk = Image.fromarray(np.full((9, 9, 3), (200, 10, 20), np.uint8)).convert("CMYK")
    for name in ("a.tif", "a.jpg"):
        cmyk.save(tmp_path / name)
        found = read_picture(tmp_path / name).astype(int)
        assert found.shape == (9, 9, 3) and np.abs(found - (200, 10, 20)).max() <= 4, name


def test_what_opencv_would_drop_is_refused(tmp_path):
    hidden("LA").save(tmp_path / "la.tif")
    with pytest.raises(DataError, match=r"la\.tif: a grey TIFF with alpha, which OpenCV drops"):
        read_picture(tmp_path / "la.tif")


DEEP = {
    ".png": np.uint16,
    ".tif": np.uint16,
    ".pgm": np.uint16,
}


@pytest.mark.parametrize("suffix", DEEP)
def test_16_bits_keep_their_levels(tmp_path, suffix):
    levels = np.arange(4096, dtype=np.uint16).reshape(64, 64)
    cv2.imwrite(str(tmp_path / f"x{suffix}"), levels)
    np.testing.assert_array_equal(read_picture(tmp_path / f"x{suffix}"), levels)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_float_tiff(tmp_path, dtype):
    values = np.linspace(-2, 3, 80).reshape(8, 10).astype(dtype)
    cv2.imwrite(str(tmp_path / "x.tif"), values)
    found = read_picture(tmp_path / "x.tif")
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, values.astype(np.float32))
    values[3, 3] = np.nan
    cv2.imwrite(str(tmp_path / "x.tif"), values)
    with pytest.raises(DataError, match="no finite float32 numbers"):
        read_picture(tmp_path / "x.tif")


def test_whole_numbers_of_32_bits_are_refused(tmp_path):
    Image.fromarray(np.arange(80, dtype=np.int32).reshape(8, 10)).save(tmp_path / "x.tif")
    with pytest.raises(DataError, match="int32 values, for which no scale is known"):
        read_picture(tmp_path / "x.tif")


def test_pnm_is_scaled_by_its_largest_value(tmp_path):
    path = write(tmp_path / "x.pgm", b"P5 # dark\n2 1 15\n" + bytes([3, 15]))
    np.testing.assert_array_equal(read_picture(path), [[51, 255]])


@pytest.mark.parametrize("mode", ["1", "P", "L", "RGB"])
@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "gif"])
def test_modes_are_as_pillow_reads_them(tmp_path, mode, suffix):
    colours = Image.fromarray(pixels(12, 9, 3)).quantize(16).convert("RGB")
    colours.convert(mode).save(tmp_path / f"x.{suffix}")
    with Image.open(tmp_path / f"x.{suffix}") as image:
        expected = np.asarray(image.convert("RGB"))
    found = read_picture(tmp_path / f"x.{suffix}")
    found = np.repeat(found[..., None], 3, 2) if found.ndim == 2 else found
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tif", "avif"])
@pytest.mark.parametrize("alpha", [False, True])
def test_orientation(tmp_path, suffix, alpha):
    if alpha and suffix == "jpg":
        pytest.skip("JPEG has no alpha")
    if not is_readable(picture_type_of_suffix(suffix)):
        pytest.skip("OpenCV without this format")
    image = np.zeros((40, 64, 4 if alpha else 3), np.uint8)
    image[:, :32, :3], image[:20, 32:, :3], image[20:, 32:, :3] = (
        *((200, 40, 20), (10, 180, 60), (30, 60, 220)),
    )
    image[..., 3:] = 255
    for number in range(1, 9):
        exif = Image.Exif()
        exif[0x112] = number
        extra = {"tiffinfo": {274: number}} if suffix == "tif" else {"exif": exif}
        if suffix == "webp":
            extra["lossless"] = True
        path = tmp_path / f"{number}.{suffix}"
        Image.fromarray(image).save(path, **extra)
        upright = Image.fromarray(image)
        upright.getexif()[0x112] = number
        expected = np.asarray(ImageOps.exif_transpose(upright).convert("RGB")).astype(int)
        found = read_picture(path).astype(int)
        assert found.shape == expected.shape and np.abs(found - expected).mean() < 3, number
        data = path.read_bytes()
        header = read_header(picture_type(data).name, data)
        assert header.size == found.shape[:2]


@pytest.mark.parametrize("name", ["a.gif", "a.png", "a.webp", "a.tif", "a.avif"])
def test_animations_give_their_first_frame_and_a_note(tmp_path, name):
    if not is_readable(picture_type_of_suffix(name)):
        pytest.skip("OpenCV without this format")
    frames = [Image.fromarray(np.full((16, 16, 3), k, np.uint8)) for k in (40, 120, 250)]
    extra = {"lossless": True} if name.endswith("webp") else {}
    frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], **extra)
    picture = decode_picture((tmp_path / name).read_bytes(), USUAL)
    assert np.abs(picture.pixels.astype(int) - 40).max() <= 3
    assert any("first picture of several" in note for note in picture.notes)
    frames[0].save(tmp_path / name)
    assert decode_picture((tmp_path / name).read_bytes(), USUAL).notes == ()


HEADS = {
    "HEIC": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
    "AVIF": b"\0\0\0\x1cftypmif1\0\0\0\0mif1avif",
    "SVG": b'<?xml version="1.0"?>\n<!-- x --><svg width="3">',
    "PSD": b"8BPS\0\1",
    "JPEG XL": b"\xff\x0a\xfa\x7f",
    "ICO": b"\0\0\1\0\1\0\x10\x10\0\0",
    "DICOM": bytes(128) + b"DICM",
    "JPEG 2000": b"\0\0\0\x0cjP  \r\n\x87\n",
    "camera raw": b"II*\0\x10\0\0\0CR\2\0",
}


@pytest.mark.parametrize("name", HEADS)
def test_types_by_their_first_bytes(name):
    kind = picture_type(HEADS[name])
    assert kind.name == name
    if kind.reader is None:
        with pytest.raises(
            PictureError, match=f"^{name}, which OpenCV [0-9.]+.* does not read"
        ) as e:
            decode_picture(HEADS[name], USUAL)
        assert not e.value.damaged


@pytest.mark.parametrize("data", [b"", b"hello", b"\0" * 200, b"PK\3\4", b"P99", b"BM hello world"])
def test_no_pictures(data):
    assert picture_type(data) is None


def png_bomb(width, height, depth=1, colour=3):
    def chunk(kind, data):
        checked = kind + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    samples = {0: 1, 2: 3, 3: 1, 6: 4}[colour]
    row = bytes(1 + (width * depth * samples + 7) // 8)
    packer = zlib.compressobj(9)
    packed = b"".join(packer.compress(row * 100) for _ in range(height // 100)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    parts = [chunk(b"IHDR", head), chunk(b"PLTE", bytes(6)), chunk(b"IDAT", packed)]
    return b"\x89PNG\r\n\x1a\n" + b"".join([*parts, chunk(b"IEND", b"")])


def test_a_bomb_is_refused_by_its_header(monkeypatch):
    monkeypatch.setattr(cv2, "imdecode", None)
    bomb = png_bomb(20_000, 20_000)
    assert len(bomb) < 60_000
    with pytest.raises(PictureError, match=r"20000x20000 pixels .* the limit is 180,000,000"):
        decode_picture(bomb, USUAL)


HEADERS = {
    "GIF": b"GIF89a" + struct.pack("<HH", 60_000, 60_000) + bytes(20),
    "BMP": b"BM" + bytes(12) + struct.pack("<IiiHH", 40, 60_000, -60_000, 1, 24) + bytes(24),
    "WebP": b"RIFF" + bytes(4) + b"WEBPVP8X" + bytes(8) + b"\xff\xff\0\xff\xff\0" + bytes(9),
    "PNM": b"P6\n60000 60000\n255\n",
    "TIFF": b"II*\0\x08\0\0\0\2\0"
    + struct.pack("<HHII", 256, 4, 1, 60_000)
    + struct.pack("<HHII", 257, 4, 1, 60_000)
    + bytes(4),
    "JPEG 2000": b"\0\0\0\x0cjP  \r\n\x87\n\0\0\0\x1ejp2h\0\0\0\x16ihdr"
    + struct.pack(">IIHB", 60_000, 60_000, 3, 7),
}


@pytest.mark.parametrize("name", HEADERS)
def test_sizes_are_read_from_headers(name):
    header = read_header(name, HEADERS[name])
    assert header.width * header.height > MAX_PIXELS
    with pytest.raises(PictureError, match="the limit is"):
        decode_picture(HEADERS[name], USUAL)


def test_the_limit_counts_what_opencv_expands(tmp_path):
    cv2.imwrite(str(tmp_path / "a.png"), np.zeros((10, 10, 4), np.uint16))
    for most, passes in ((266, True), (265, False)):  # 800 bytes, 3 a pixel
        options = PictureOptions.of(max_pixels=most)
        if passes:
            read_picture(tmp_path / "a.png", options)
        else:
            with pytest.raises(DataError, match=r"counts as 266 pixels; the limit is 265"):
                read_picture(tmp_path / "a.png", options)


def jpeg_with_garbage():
    data = cv2.imencode(".jpg", pixels(64, 64, 3))[1].tobytes()
    at = data.index(b"\xff\xda")
    return data[:at] + b"garbage12345" + data[at:]


def test_complaints_of_libraries_come_with_the_picture(capfd):
    picture = decode_picture(jpeg_with_garbage(), USUAL)
    assert picture.notes == ("Corrupt JPEG data: 12 extraneous bytes before marker 0xda",)
    png = cv2.imencode(".png", pixels(64, 64, 3))[1].tobytes()
    at = png.index(b"IDAT") + 200
    with pytest.raises(PictureError, match="begins as PNG: libpng error: "):
        decode_picture(png[:at] + bytes([png[at] ^ 1]) + png[at + 1 :], USUAL)
    assert capfd.readouterr().err == ""


def test_stderr_of_other_threads_is_not_lost(capfd):
    stop = threading.Event()

    def talk():
        while not stop.is_set():
            os.write(2, b"hello\n")

    speaker = threading.Thread(target=talk)
    speaker.start()
    data = jpeg_with_garbage()
    notes = {decode_picture(data, USUAL).notes for _ in range(20)}
    stop.set()
    speaker.join()
    assert len(notes) == 1
    assert set(capfd.readouterr().err.split()) == {"hello"}


def test_a_child_of_fork_has_its_own_stderr_and_lock(capfd):
    with catch_complaints():
        child = os.fork()
        if child == 0:
            os.write(2, b"from the child\n")
            with catch_complaints():
                os._exit(0)
        _, status = os.waitpid(child, 0)
    assert status == 0
    assert capfd.readouterr().err == "from the child\n"


@pytest.mark.parametrize("share", [0.3, 0.7, 0.99])
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp", ".gif", ".tif", ".bmp", ".jp2"])
def test_truncated(suffix, share):
    done, data = cv2.imencode(suffix, pixels(60, 80, 3))
    assert done
    with pytest.raises(PictureError):
        decode_picture(data.tobytes()[: int(len(data) * share)], USUAL)


@settings(deadline=None, max_examples=150, derandomize=True)
@given(st.binary(max_size=24), st.floats(0, 1), st.sampled_from(sorted(TRANSPARENT)))
def test_damaged_bytes_are_no_foreign_error(tmp_path_factory, noise, where, name):
    path = tmp_path_factory.getbasetemp() / name
    if not path.exists():
        TRANSPARENT[name](path)
    data = path.read_bytes()
    at = int(where * len(data))
    try:
        picture = decode_picture(data[:at] + noise + data[at + len(noise) :], USUAL)
    except PictureError:
        return
    assert picture.pixels.dtype in (np.uint8, np.uint16, np.float32)


@pytest.mark.parametrize("value", ["whit", "1,2", "1,2,300", (1, 2), (1.5, 2, 3), 7, "1,2,-3"])
def test_backgrounds(value):
    with pytest.raises(OptionError, match="expected white, black, grey or R,G,B"):
        PictureOptions.of(background=value)


@pytest.mark.parametrize("options", [{"bits": 17}, {"bits": True}, {"max_pixels": 0}])
def test_wrong_options(options):
    with pytest.raises(OptionError):
        PictureOptions.of(**options)
