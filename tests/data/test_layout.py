"""Where the parts and classes of a folder are, and that every file is used or named."""

import re
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastcnn.data.folder import load_folder, read_folder
from fastcnn.data.look import describe_folder
from fastcnn.data.parts import PART_NAMES, TEST, TRAIN, VALIDATION
from fastcnn.errors import DataError, DataWarning
from tests.data.files import pixels, write, write_classes, write_picture

NAMES = [(part, name) for part, names in PART_NAMES.items() for name in names if part != TRAIN]
EACH = {TRAIN: 3, VALIDATION: 2, TEST: 1}


def sizes(dataset):
    sets = {TRAIN: dataset.train, VALIDATION: dataset.validation, TEST: dataset.test}
    return {part: len(images) for part, images in sets.items() if images is not None}


@pytest.mark.parametrize("train", ["train", "Training", "TRAIN", "training_set", "seg_train"])
@pytest.mark.parametrize("part, name", [*NAMES, (TEST, "Test_Set"), (VALIDATION, "my-val")])
@pytest.mark.parametrize("wrapper", ["", "pets", "a/b"])
def test_names_of_parts(tmp_path, train, part, name, wrapper):
    root = tmp_path / "top" / wrapper
    write_classes(root / train, each=3, shape=(3, 4))
    write_classes(root / name, each=EACH[part], shape=(3, 4))
    dataset = load_folder(tmp_path / "top")
    assert sizes(dataset) == {TRAIN: 6, part: 2 * EACH[part]}
    assert dataset.classes == ("cat", "dog") and dataset.name == "top"


def test_roboflow(tmp_path):
    for name, each in (("train", 3), ("valid", 2), ("test", 1)):
        write_classes(tmp_path / name, each=each)
    write(tmp_path / "README.roboflow.txt", b"hello")
    with pytest.warns(DataWarning, match=r"left out 1 file: no picture \(README.roboflow.txt\)"):
        dataset = load_folder(tmp_path)
    assert sizes(dataset) == {TRAIN: 6, VALIDATION: 4, TEST: 2}


def test_kaggle_sets_inside_folders_of_their_name(tmp_path):
    write_classes(tmp_path / "training_set" / "training_set", each=3)
    write_classes(tmp_path / "test_set" / "test_set", each=1)
    assert sizes(load_folder(tmp_path)) == {TRAIN: 6, TEST: 2}


@pytest.mark.parametrize("inner", ["", "test", "unknown"])
def test_an_unlabelled_test_set_is_told_and_left_alone(tmp_path, inner):
    write_classes(tmp_path / "train")
    for k in range(4):
        write_picture(tmp_path / "test" / inner / f"{k}.jpg", pixels(6, 8, 3))
    with pytest.warns(DataWarning, match=r"left out 4 files: in no class folder, .*test/"):
        dataset = load_folder(tmp_path)
    assert sizes(dataset) == {TRAIN: 6}


def test_folders_beside_the_parts(tmp_path):
    for name in ("train", "test"):
        write_classes(tmp_path / name)
    write_picture(tmp_path / "single_prediction" / "a.png", pixels(6, 8, 3))
    with pytest.warns(DataWarning, match=r"left out 1 file: neither in train/ nor .*single_pred"):
        assert sizes(load_folder(tmp_path)) == {TRAIN: 6, TEST: 6}


def test_classes_may_be_called_like_parts(tmp_path):
    write_classes(tmp_path, ("bullet", "train", "steam_train", "test_tube"))
    with pytest.warns(DataWarning, match="train/ is taken as a class, not as a part of the data"):
        assert load_folder(tmp_path).classes == ("bullet", "steam_train", "test_tube", "train")


def place(root, names):
    """A picture, or text, for each name; of those that begin with the same folder, others."""
    for k, name in enumerate(names):
        if name.endswith(".png"):
            write_picture(root / name, pixels(6, 8, 3, seed=k))
        else:
            write(root / name, b"hello")


TRAINING = ["cat/0.png", "cat/1.png", "dog/0.png"]
BESIDE = {
    "test1, flat": (["test1/0.png"], "in no class folder, .*test1/0"),
    "test_images, flat": (["test_images/0.png"], "in no class folder, .*test_images/0"),
    "TestData, flat": (["TestData/0.png"], "in no class folder, .*TestData/0"),
    "a set in a folder of its name": (["abc_test/abc_test/0.png"], "in no class folder, .*abc_te"),
    "unlabelled": (["unlabeled/0.png"], "neither in train/ nor .*unlabeled/0"),
    "the same classes": (["eval/cat/0.png", "eval/dog/0.png"], "neither in train/ .*eval/cat/0"),
    "no pictures": (["labels/0.txt"], "neither in train/ nor in .*labels/0"),
    "flat test, and more": (["test/0.png", "more/0.png"], "in no class folder, .*test/0"),
}


@pytest.mark.parametrize("train", ["train", "train1", "trainset", "TrainingData", "train2017"])
@pytest.mark.parametrize("names, message", BESIDE.values(), ids=BESIDE)
def test_no_part_becomes_a_class(tmp_path, train, names, message):
    """What lies beside a labelled training set is a part or left out, whatever its name."""
    place(tmp_path, [f"{train}/{name}" for name in TRAINING] + names)
    with pytest.warns(DataWarning) as notes:
        dataset = load_folder(tmp_path)
    assert any(re.search(message, str(note.message)) for note in notes)
    assert dataset.classes == ("cat", "dog") and sizes(dataset) == {TRAIN: 3}


@pytest.mark.parametrize(
    "train, test",
    [
        ("trainset", "testset"),
        ("TrainData", "TestData"),
        ("train2017", "val2017"),
        ("train_images", "test_images"),
    ],
)
def test_longer_names_of_parts(tmp_path, train, test):
    place(tmp_path, [f"{part}/{name}" for part in (train, test) for name in TRAINING])
    assert sorted(sizes(load_folder(tmp_path)).values()) == [3, 3]


def test_folders_of_the_same_names_in_all_classes_are_told(tmp_path):
    place(tmp_path, [f"{fold}/{name}" for fold in ("fold1", "fold2") for name in TRAINING])
    with pytest.warns(DataWarning, match="each of fold1, fold2 holds the folders cat, dog: these"):
        assert load_folder(tmp_path).classes == ("fold1", "fold2")


def test_runs_in_a_folder_of_data_are_hidden(tmp_path):
    """`fastcnn train --data .` leaves a run there, whose curves are no picture of a class."""
    place(tmp_path, TRAINING)
    before = load_folder(tmp_path).fingerprint()
    for run in ("runs/a", "runs/b"):
        place(tmp_path / run, ["curves.png", "model.safetensors", "run.json"])
    place(tmp_path, ["runs/killed/run.json", "runs/c/comparison.json", "runs/c/jobs/0.json"])
    assert load_folder(tmp_path).fingerprint() == before
    place(tmp_path, ["dog/run.json"])
    with pytest.warns(DataWarning, match=r"left out 1 file: no picture \(dog/run.json\)"):
        assert load_folder(tmp_path).fingerprint() == before


def test_sub_folders_of_a_class(tmp_path):
    write_classes(tmp_path / "cat", ("persian", "siamese"))
    write_classes(tmp_path, ("dog",))
    dataset = load_folder(tmp_path)
    assert dataset.classes == ("cat", "dog")
    assert np.bincount(dataset.train.labels).tolist() == [6, 3]


def test_a_linked_class_and_a_link_in_a_circle(tmp_path):
    write_classes(tmp_path / "elsewhere", ("cat",))
    write_classes(tmp_path / "pets", ("dog",))
    (tmp_path / "pets" / "cat").symlink_to(tmp_path / "elsewhere" / "cat")
    (tmp_path / "pets" / "dog" / "again").symlink_to(tmp_path / "pets")
    assert len(load_folder(tmp_path / "pets").train) == 6
    (tmp_path / "pets" / "dog" / "gone.png").symlink_to(tmp_path / "nowhere")
    with pytest.raises(DataError, match=r"1 of 7 pictures can't be read: dog/gone.png: No such"):
        load_folder(tmp_path / "pets")


WRONG = {
    "flat": (["train/0.png", "test/0.png"], r"train/ holds 1 files right in it, which tells no cl"),
    "numbered": (["train/0.png", "test1/0.png"], r"train/ holds 1 files right in it"),
    "years": (["train2017/0.png", "val2017/0.png"], r"train2017/ holds 1 files right in it"),
    "unlabelled": (["train/0.png", "unlabeled/0.png"], r"train/ holds 1 files right in it"),
    "a third": (["train/0.png", "test/0.png", "sample/0.png"], r"train/ holds 1 files right in"),
    "unclear": (
        ["train/steam/0.png", "train/diesel/0.png", "bus/0.png"],
        "train/ holds folders .diesel, steam. as a training set does, and bus/ lies beside it",
    ),
    "test beside": (
        ["cat/0.png", "dog/0.png", "test/cat/0.png", "test/dog/0.png"],
        "cat, dog lie in test/ and beside it; expected those for training in train/",
    ),
    "no train": (["test/a/0.png", "val/a/0.png"], r"val/, test/ without a train/"),
    "two": (["train/a/0.png", "Training/a/0.png"], "Training/ and train/ both name the train set"),
    "class": (["train/a/0.png", "train/b/0.png", "val/c/0.png"], "class 'c' is not among the tr"),
    "inside out": (
        [f"{name}/{part}/0.png" for name in ("cat", "dog") for part in ("train", "test")],
        "each of cat, dog holds a train folder and others; expected it the other way round",
    ),
    "yolo": (["images/0.png", "labels/0.txt"], "labels: no pictures; there lie: 1 .txt"),
    "pictures": (
        ["0.png", "1.jpg", "x.csv"],
        r"none; there lie: 1 PNG \(0.png\), 1 JPEG .*csv",
    ),
}


@pytest.mark.parametrize("names, message", WRONG.values(), ids=WRONG)
def test_what_is_no_data_set(tmp_path, names, message):
    for name in names:
        path = tmp_path / name
        write(path, b"hello") if path.suffix in (".txt", ".csv") else write_picture(
            path, pixels(3, 4)
        )
    with pytest.raises(DataError, match=message):
        load_folder(tmp_path)


def test_describe_folder(tmp_path):
    for name in ("images/0.jpg", "labels/0.txt", "data.yaml"):
        write(tmp_path / name, b"hello")
    text = describe_folder(tmp_path)
    assert text.startswith("there lie: 2 folders (images, labels), 1 .yaml (data.yaml), 1 JPEG")
    assert "looks like YOLO" in text
    assert "can't be listed" in describe_folder(tmp_path / "none")


HIDDEN = ["._0.png", ".DS_Store", "Thumbs.db", "desktop.ini", ".git/a.png", "__MACOSX/._a.png"]
CONTENTS = {  # of a file in a class folder, and what becomes of it
    "picture": ("used", [".png", ".jpg", ".dat", ""]),
    "gif": ("used", [".gif", ".jpg"]),
    "text": ("left out", [".txt", ".csv", ""]),
    "heic": ("left out", [".heic", ".jpg", ""]),
    "garbage": ("damaged", [".png", ".JPG"]),
    "empty": ("damaged", [".bmp"]),
}
FILES = st.lists(
    st.sampled_from([(c, s) for c, (_, suffixes) in CONTENTS.items() for s in suffixes]),
    max_size=8,
)


def content(kind):
    import cv2

    return {
        "picture": cv2.imencode(".png", pixels(3, 4))[1].tobytes(),
        "gif": cv2.imencode(".gif", pixels(3, 4, 3))[1].tobytes(),
        "text": b"a,b\n",
        "heic": b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
        "garbage": b"hello",
        "empty": b"",
    }[kind]


@settings(deadline=None, max_examples=60, derandomize=True)
@given(FILES, FILES, FILES, FILES, st.sets(st.sampled_from(HIDDEN)), st.sampled_from(["", "sub/"]))
def test_every_file_is_used_or_named(tmp_path_factory, cat, dog, top, test, hidden, below):
    root = tmp_path_factory.mktemp("d")
    outcomes = []
    for place, files in (("train/cat", cat), ("train/dog", dog), ("", top), ("test/dog", test)):
        for number, (kind, suffix) in enumerate(files):
            write(root / place / (below if place else "") / f"{number}{suffix}", content(kind))
            outcomes.append(CONTENTS[kind][0] if place else "left out")
    for place in ("train/cat", "train/dog"):
        write_picture(root / place / "z.png", pixels(3, 4))
        outcomes.append("used")
        for name in hidden:
            write(root / place / name, b"hello")
    write_picture(root / "test" / "cat" / "z.png", pixels(3, 4))
    (root / "test" / "dog").mkdir(parents=True, exist_ok=True)
    write_picture(root / "test" / "dog" / "z.png", pixels(3, 4))
    outcomes += ["used", "used"]
    dataset = read_folder(root, skip_damaged=True)
    assert sum(sizes(dataset).values()) == outcomes.count("used")
    assert len(dataset.pictures.damaged) == outcomes.count("damaged")
    assert len(dataset.pictures.left_out) == outcomes.count("left out")
    told = "\n".join(dataset.notes)
    counts = dataset.pictures.record()["left_out"]
    assert sum(counts.values()) == outcomes.count("left out")
    assert all(f"left out {n:,} file{'s' * (n > 1)}: {why}" in told for why, n in counts.items())


def test_all_damaged_files_are_one_message(tmp_path):
    write_classes(tmp_path, each=8)
    for k in range(7):
        write(tmp_path / "cat" / f"{k}.png", b"hello" * (k % 2))
    with pytest.raises(DataError) as caught:
        load_folder(tmp_path)
    text = str(caught.value)
    assert "7 of 16 pictures can't be read: cat/0.png: not a picture: the file is empty" in text
    assert "cat/4.png" in text and "cat/5.png" not in text and "and 2 more" in text
    assert "skip_damaged" in text
    with pytest.warns(DataWarning) as told:
        dataset = load_folder(tmp_path, skip_damaged=True)
    assert [str(w.message).split(": ")[1] for w in told] == [
        *("left out as damaged 4 files", "left out as damaged 3 files"),
    ]
    assert len(dataset.train) == 9
    assert dataset.pictures.record()["damaged"].keys() == {f"cat/{k}.png" for k in range(7)}
    write(tmp_path / "cat" / "7.png", b"")
    with pytest.raises(DataError, match=r"no training picture of class 'cat' can be read \(8 left"):
        read_folder(tmp_path, skip_damaged=True)


def deep(folder, largest, shape=(6, 8)):
    for k, name in enumerate(("cat", "dog")):
        for i in range(2):
            picture = pixels(*shape, seed=10 * k + i).astype(np.uint16) * (largest // 255)
            picture[0, 0] = largest
            write_picture(folder / name / f"{i}.png", picture)
    return folder


@pytest.mark.parametrize("largest, bits", [(255, 8), (1023, 10), (4095, 12), (65535, 16)])
def test_16_bit_pictures_share_one_scale(tmp_path, largest, bits):
    deep(tmp_path, largest)
    with pytest.warns(DataWarning, match=f"taken as {bits} bits: {largest:,} is stored as 1.0"):
        dataset = load_folder(tmp_path)
    assert dataset.pictures.bits == bits and dataset.train.images.dtype == np.float32
    assert dataset.train.images.max() == 1.0 and dataset.train.images.shape == (4, 6, 8, 1)
    scaled = read_folder(tmp_path, bits=16).train.images
    np.testing.assert_allclose(scaled * 65535, dataset.train.images * largest, rtol=1e-6)


def test_pictures_of_8_bits_beside_deeper_ones(tmp_path):
    deep(tmp_path, 4095)
    eight = pixels(6, 8, 3)
    write_picture(tmp_path / "dog" / "z.png", eight)
    images = read_folder(tmp_path).train.images
    assert images.shape == (5, 6, 8, 3)
    np.testing.assert_array_equal(images[-1], eight.astype(np.float32) / np.float32(255))
    write_picture(tmp_path / "dog" / "y.tiff", np.full((6, 8), 7, np.float32))
    with pytest.raises(DataError, match="1 float pictures with values from 7 to 7 lie beside 5 of"):
        read_folder(tmp_path)


def test_float_pictures_are_what_they_are(tmp_path):
    for name in ("cat", "dog"):
        write_picture(tmp_path / name / "0.tiff", np.full((6, 8), -7.5, np.float32))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert (load_folder(tmp_path).train.images == -7.5).all()


def test_background_of_a_data_set(tmp_path):
    import cv2

    for name in ("cat", "dog"):
        data = cv2.imencode(".png", np.zeros((6, 8, 4), np.uint8))[1].tobytes()
        write(tmp_path / name / "0.png", data)
    for background, colour in (("white", 255), ("black", 0), ("9,9,9", 9)):
        assert (load_folder(tmp_path, background=background).train.images == colour).all()
