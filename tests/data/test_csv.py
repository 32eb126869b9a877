import gzip

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn.data.csv_file import csv_dataset
from fastcnn.data.load import load_dataset, load_path
from fastcnn.errors import DataError, OptionError
from tests.data.files import pixels, write, write_picture

X = pixels(6, 4, 4, 1)
Y = np.array([3, 5, 9, 3, 5, 9])
HEADS = {
    "Kaggle": [f"pixel{k}" for k in range(16)],
    "from 1": [f"pixel{k + 1}" for k in range(16)],
    "places": [f"{row}x{column}" for row in range(1, 5) for column in range(1, 5)],
    "numbers": [str(k) for k in range(16)],
    "Pixel ": [f"Pixel_{k}" for k in range(16)],
}


def text(rows, separator=","):
    return "".join(separator.join(map(str, row)) + "\n" for row in rows).encode()


def table(x=X, y=Y, head=None, label="label", last=False, separator=","):
    """The bytes of a CSV file."""
    rows = [list(map(str, image.ravel())) for image in x]
    order = (lambda cells, cell: [*cells, cell]) if last else (lambda cells, cell: [cell, *cells])
    lines = [order(row, k) for row, k in zip(rows, y, strict=True)]
    return text(([order(head, label)] if head else []) + lines, separator)


def check(dataset, x=X, y=Y):
    np.testing.assert_array_equal(dataset.train.images, x)
    assert [dataset.classes[k] for k in dataset.train.labels] == list(map(str, y))


@pytest.mark.parametrize("head", HEADS.values(), ids=HEADS)
@pytest.mark.parametrize("label", ["label", "Label", "CLASS", "target", "letter"])
@pytest.mark.parametrize("last", [False, True])
def test_pixels_with_a_header(tmp_path, head, label, last):
    dataset = csv_dataset(write(tmp_path / "set.csv", table(head=head, label=label, last=last)))
    check(dataset)
    assert (dataset.name, dataset.classes, dataset.test) == ("set", ("3", "5", "9"), None)
    note = f"labels are column {17 if last else 1} (letter) of set.csv"
    assert dataset.notes == ((note,) if label == "letter" else ())


@pytest.mark.parametrize("last", [False, True])
def test_pixels_without_a_header(tmp_path, last):
    """The label is in the first column, or in the last if the first never changes."""
    x = X.copy()
    x[:, 0, 0] = 0
    dataset = csv_dataset(write(tmp_path / "set.csv", table(x, last=last)))
    check(dataset, x)
    place = "last" if last else "first"
    assert dataset.notes == (f"set.csv has no header: labels are in the {place} column",)


FORMS = {
    "semicolons": lambda: table(head=HEADS["Kaggle"], separator=";"),
    "tabs": lambda: table(head=HEADS["Kaggle"], separator="\t"),
    "mark and CRLF": lambda: b"\xef\xbb\xbf" + table(head=HEADS["Kaggle"]).replace(b"\n", b"\r\n"),
    "no newline at the end": lambda: table(head=HEADS["Kaggle"]).rstrip(),
    "empty lines": lambda: table(head=HEADS["Kaggle"]).replace(b"\n", b"\n\n"),
    "gzip": lambda: gzip.compress(table(head=HEADS["Kaggle"])),
    "quotes": lambda: table(y=[f'"{k}"' for k in Y], head=HEADS["Kaggle"]),
    "savetxt": lambda: table(X.astype(float), y=[f"{k:e}" for k in Y], head=HEADS["Kaggle"]),
    "pandas": lambda: text([range(17), *np.c_[Y, X.reshape(6, 16)]]),
    "index": lambda: text([["", "label", *HEADS["Kaggle"]], *np.c_[Y, Y, X.reshape(6, 16)]]),
}


@pytest.mark.parametrize("data", FORMS.values(), ids=FORMS)
def test_forms_of_a_table(tmp_path, data):
    dataset = csv_dataset(write(tmp_path / "set.csv", data()))
    np.testing.assert_array_equal(dataset.train.images, X)
    np.testing.assert_array_equal(dataset.train.labels, [0, 1, 2, 0, 1, 2])
    assert dataset.classes == ("3", "5", "9")


def test_many_lines(tmp_path):
    """Parsed in parts, whose numbers may differ in kind."""
    x = np.tile(X, (400, 1, 1, 1)).astype(float)
    y = np.tile(Y, 400)
    check(csv_dataset(write(tmp_path / "set.csv", table(x.astype(int), y))), x, y)
    x[-1] += 0.5
    dataset = csv_dataset(write(tmp_path / "set.csv", table(x, y)))
    check(dataset, x.astype(np.float32), y)


@pytest.mark.parametrize("top, dtype", [(255, np.uint8), (256, np.float32), (1, np.float32)])
def test_whole_numbers_up_to_255_are_pixels(tmp_path, top, dtype):
    x = (X.astype(int) % (top + 1)).clip(0, top)
    x[0, 0, 0, 0] = top
    images = csv_dataset(write(tmp_path / "set.csv", table(x))).train.images
    assert images.dtype == dtype
    np.testing.assert_array_equal(images, x)


def test_shapes(tmp_path):
    colours = pixels(6, 2, 2, 3)
    path = write(tmp_path / "set.csv", table(colours))
    dataset = csv_dataset(path)
    check(dataset, colours)
    assert "2x2x3: the 3 channels of a pixel side by side" in dataset.notes[1]
    wide = pixels(6, 2, 5, 1)
    places = [f"{row}x{column}" for row in (1, 2) for column in range(1, 6)]
    check(csv_dataset(write(tmp_path / "b.csv", table(wide, head=places))), wide)
    path = write(tmp_path / "c.csv", table(wide, head=[f"p{k}" for k in range(10)]))
    with pytest.raises(DataError, match=r"10 columns .* make no square image, .*--image-shape"):
        csv_dataset(path)
    for shape in ((2, 5), (2, 5, 1)):
        check(csv_dataset(path, image_shape=shape), wide)
        check(csv_dataset(write(tmp_path / "d.csv", table(wide)), image_shape=shape), wide)
    with pytest.raises(DataError, match="10 columns of pixels are no 3x3x1 images"):
        csv_dataset(path, image_shape=(3, 3))
    with pytest.raises(OptionError, match=r"image shape \(3,\)"):
        csv_dataset(path, image_shape=(3,))
    assert load_dataset(path, image_shape=(5, 2), image_size=8).image_shape == (8, 8, 1)


def test_text_labels(tmp_path):
    names = ["b", "a", "c", "b", "a", "c"]
    check(csv_dataset(write(tmp_path / "set.csv", table(y=names, head=HEADS["Kaggle"]))), y=names)
    check(csv_dataset(write(tmp_path / "set.csv", table(X // 64, y=names))), X // 64, y=names)
    names = ["01", "02", "03", "01", "02", "03"]
    check(csv_dataset(write(tmp_path / "set.csv", table(y=names, head=HEADS["Kaggle"]))), y=names)


def test_tables_beside_it(tmp_path):
    """Those with labels are used, others are told and left alone."""
    head = HEADS["Kaggle"]
    train = write(tmp_path / "train.csv", table(head=head))
    write(tmp_path / "test.csv", text([head, *X.reshape(6, 16)]))
    write(tmp_path / "sample_submission.csv", b"ImageId,Label\n1,0\n")
    for path in (train, tmp_path):
        dataset = csv_dataset(path) if path == train else load_path(path)
        check(dataset)
        assert dataset.test is None and dataset.name == tmp_path.name
        assert dataset.notes[0] == "test.csv left alone: it has no labels"
        beside = ("left alone beside train.csv: sample_submission.csv",)
        assert dataset.notes[1:] == (() if path == train else beside)
    write(tmp_path / "test.csv", table(X[:2], Y[:2] + 1, head=head))
    dataset = csv_dataset(train)
    assert (len(dataset.test), dataset.classes) == (2, ("3", "4", "5", "6", "9"))
    assert dataset.notes[0] == "test.csv is the test set"
    assert "no training images of 2 classes: 4, 6" in dataset.notes[1]
    write(tmp_path / "test.csv", b"id,weight\n1,2\n")
    assert csv_dataset(train).notes == ("test.csv left alone: its columns are other ones",)


def test_names_of_tables(tmp_path):
    for name in ("sign_mnist_train.csv", "sign_mnist_test.csv", "other_test.csv"):
        write(tmp_path / name, table(head=HEADS["Kaggle"]), gz=name.startswith("sign_mnist_test"))
    dataset = load_path(tmp_path)
    assert (dataset.name, len(dataset.test)) == ("sign_mnist", 6)
    write(tmp_path / "other_train.csv", table(head=HEADS["Kaggle"]))
    with pytest.raises(DataError, match=r"2 tables to train on \(other_train.csv, sign_mnist_tr"):
        load_path(tmp_path)


BAD = {
    "not a number": (table().replace(b",", b",x", 1), r"is 'x\d+'; expected a number"),
    "empty cell": (text([[1] * 17, [2] * 16 + [""]]), r"line 2: column 17 is ''; expected a num"),
    "nan": (text([[1] * 17, [2] * 16 + ["nan"]]), "line 2: column 17 is 'nan'"),
    "huge": (text([[1] * 17, [2] * 16 + ["1e99"]]), "line 2: column 17 is '1e99'"),
    "short line": (text([[1] * 17, [2] * 16]), "line 2: 16 columns; expected 17"),
    "long line": (text([[1] * 17, [2] * 18]), "line 2: 18 columns; expected 17"),
    "no label": (text([HEADS["Kaggle"], range(16)]), "no column of labels; expected label"),
    "empty label": (
        text([["label", *HEADS["Kaggle"]], [""] + [1] * 16]),
        "line 2: column 1 .label",
    ),
    "negative label": (table(y=Y - 5), r"labels\[0\] is -2"),
    "only a header": (text([["label", *HEADS["Kaggle"]]]), "a header without lines of data"),
    "empty": (b"", "no lines in it"),
    "blank": (b"\n \n", "no lines in it"),
    "binary": (b"\x89PNG\r\n\x1a\n" + bytes(99), "line 1: not UTF-8 text"),
    "UTF-16": (table(head=HEADS["Kaggle"]).decode().encode("utf-16"), "line 1: not UTF-8 text"),
    "other table": (
        b"age,weight\n1,2\n",
        r"a table of 2 columns \(age, weight\); expected a column",
    ),
    "damaged gzip": (gzip.compress(table())[:60], "damaged gzip"),
}


@pytest.mark.parametrize("data, message", BAD.values(), ids=BAD)
def test_bad_tables(tmp_path, data, message):
    with pytest.raises(DataError, match=message) as error:
        csv_dataset(write(tmp_path / "set.csv", data))
    assert "set.csv" in str(error.value) and "\n" not in str(error.value)


GOOD = table(head=HEADS["Kaggle"])


@settings(deadline=None, max_examples=150)
@given(st.binary(max_size=12), st.integers(0, len(GOOD)), st.booleans())
def test_fuzz(tmp_path_factory, noise, at, cut):
    data = GOOD[:at] + noise + (b"" if cut else GOOD[at + len(noise) :])
    path = write(tmp_path_factory.getbasetemp() / "fuzz.csv", data)
    try:
        csv_dataset(path)
    except DataError as error:
        assert "\n" not in str(error)


# ---- tables of paths


def pictures(folder, names):
    for k, name in enumerate(names):
        write_picture(folder / name, pixels(4, 5, 3, seed=k))
    return folder


NAMES = [f"img/{k}.png" for k in range(6)]
LABELS = ["dog", "cat", "dog", "cat", "dog", "cat"]
PATH_HEADS = ["path,label", "Filename,Class", "IMAGE,Category", "id,breed", "file_name,target"]


@pytest.mark.parametrize("head", PATH_HEADS)
@pytest.mark.parametrize("form", ["{}", "./{}", "../{folder}/{}", "{root}/{}", "{stem}"])
def test_paths(tmp_path, head, form):
    folder = pictures(tmp_path / "set", NAMES)
    paths = [
        form.format(n, folder="set", root=folder, stem=n.removeprefix("img/").removesuffix(".png"))
        for n in NAMES
    ]
    path = write(folder / "labels.csv", text([head.split(","), *zip(paths, LABELS, strict=True)]))
    dataset = csv_dataset(path)
    assert (dataset.name, dataset.classes) == ("labels", ("cat", "dog"))
    np.testing.assert_array_equal(dataset.train.images[0], pixels(4, 5, 3, seed=0))
    np.testing.assert_array_equal(dataset.train.labels, [1, 0] * 3)
    assert csv_dataset(path, image_size=3).image_shape == (3, 3, 3)


def test_paths_without_a_header_and_of_windows(tmp_path):
    pictures(tmp_path, NAMES)
    rows = [(name.replace("/", "\\"), k) for name, k in zip(NAMES, LABELS, strict=True)]
    dataset = csv_dataset(write(tmp_path / "set.csv", text(rows)))
    np.testing.assert_array_equal(dataset.train.labels, [1, 0] * 3)
    assert len(dataset.train) == 6


@pytest.mark.parametrize("word, test", [("Split", "TEST"), ("subset", "testing"), ("usage", "val")])
def test_splits(tmp_path, word, test):
    pictures(tmp_path, NAMES)
    parts = ["train", "Training", test, "train", "train", test]
    rows = [["path", "label", word], *zip(NAMES, LABELS, parts, strict=True)]
    dataset = csv_dataset(write(tmp_path / "set.csv", text(rows)))
    np.testing.assert_array_equal(dataset.train.labels, [1, 0, 0, 1])
    rows[3] = (NAMES[2], "dog", "holdout")
    with pytest.raises(DataError, match="line 4: split 'holdout'; expected one of train, training"):
        csv_dataset(write(tmp_path / "set.csv", text(rows)))


def test_missing_and_repeated_pictures(tmp_path):
    pictures(tmp_path, NAMES)
    rows = [["path", "label"], *zip(NAMES, LABELS, strict=True)]
    path = write(tmp_path / "set.csv", text([*rows, rows[1]]))
    assert csv_dataset(path).notes == ("1 lines of set.csv repeat a picture: left out",)
    write(path, text([*rows, (NAMES[0], "cat")]))
    with pytest.raises(DataError, match=r"line 8: img/0.png is 'cat' .*, but 'dog' .* in line 2"):
        csv_dataset(path)
    write(path, text([*rows, ("a.png", "cat"), ("b.png", "cat")]))
    with pytest.raises(DataError, match=r"2 of 8 files are missing: a.png \(line 8\), b.png"):
        csv_dataset(path)
    write(path, text([*rows, ("", "cat")]))
    with pytest.raises(DataError, match=r"line 8: column 1 \(path\) is empty"):
        csv_dataset(path)


def test_pictures_that_are_not_listed_are_said(tmp_path):
    pictures(tmp_path, NAMES)
    rows = list(zip(NAMES, LABELS, strict=True))
    dataset = csv_dataset(write(tmp_path / "set.csv", text([["path", "label"], *rows[:4]])))
    text_ = "2 files beside those of set.csv not in it, left out (4.png, 5.png)"
    assert dataset.notes == (text_,)


def test_damaged_pictures(tmp_path):
    pictures(tmp_path, NAMES)
    rows = [["path", "label"], *zip(NAMES, LABELS, strict=True)]
    path = write(tmp_path / "set.csv", text(rows))
    write(tmp_path / NAMES[0], b"nothing")
    write(tmp_path / NAMES[3], b"")
    with pytest.raises(DataError, match=r"set\.csv: 2 of 6 pictures can't be read: .*0\.png"):
        csv_dataset(path)
    dataset = csv_dataset(path, skip_damaged=True)
    np.testing.assert_array_equal(dataset.train.labels, [0, 1, 1, 0])
    assert len(dataset.pictures.damaged) == 2


def test_another_table_in_a_folder_of_classes(tmp_path):
    """It is left out as all that is no picture."""
    pictures(tmp_path, ["a/1.png", "a/2.png", "b/1.png", "b/2.png"])
    write(tmp_path / "train.csv", b"age,weight\n1,2\n")
    dataset = load_path(tmp_path)
    assert (len(dataset.train), dataset.classes) == (4, ("a", "b"))
    assert "train.csv" in dataset.notes[0]


def test_a_folder_with_tables_of_paths(tmp_path):
    pictures(tmp_path, NAMES)
    rows = list(zip(NAMES, LABELS, strict=True))
    write(tmp_path / "train.csv", text([["path", "label"], *rows[:4]]))
    write(tmp_path / "test.csv", text([["path", "label"], *rows[4:]]))
    dataset = load_path(tmp_path)
    assert (len(dataset.train), len(dataset.test)) == (4, 2)
    assert dataset.notes == ("test.csv is the test set",)
    write(tmp_path / "test.csv", text([["path"], ["img/4.png"]]))
    assert csv_dataset(tmp_path / "train.csv").notes[0].startswith("test.csv left alone: ")
