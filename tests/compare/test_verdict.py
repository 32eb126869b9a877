"""What is said about results made by hand."""

import pytest

from fastcnn.compare.measures import bytes_text, p_text, seconds_text
from fastcnn.compare.verdict import verdict
from tests.compare.cheap import row, test_between


def test_as_good_for_less_then_beaten():
    rows = [
        row("cnn", 500, 0.53, 100.0),
        row("hog-svm", 500, 0.52, 10.0),
        row("cnn", 10_000, 0.70, 900.0),
        row("hog-svm", 10_000, 0.60, 90.0),
    ]
    tests = [
        test_between("cnn", "hog-svm", 500, 0.4),
        test_between("cnn", "hog-svm", 10_000, 0.0001, 0.08, 0.12),
    ]
    assert verdict(rows, tests) == [
        "With 500 images hog-svm is as good as cnn (52.0 % and 53.0 %, p = 0.4) at a tenth of the "
        "time; with 10,000 images cnn wins (70.0 %, ahead of hog-svm with 60.0 %; p < 0.001)."
    ]


def test_sizes_with_one_outcome_are_told_in_one():
    rows = [row(m, s, a + s / 1e4, 1.0) for s in (10, 20, 40) for m, a in (("a", 0.8), ("b", 0.5))]
    tests = [test_between("b", "a", size, 0.04 if size > 10 else 0.6) for size in (10, 20, 40)]
    text = verdict(rows, tests)[0]
    assert text.startswith("With 10 images a has the best accuracy (80.1 %) and takes the least")
    assert text.endswith("from 20 images on a wins (80.4 %, ahead of b with 50.4 %; p = 0.040).")


def test_what_a_test_could_not_find():
    """A wide interval is no proof that two are equal."""
    rows = [row("cnn", 90, 0.9, 4.0), row("knn", 90, 0.8, 2.0)]
    text = verdict(rows, [test_between("cnn", "knn", 90, 0.3, -0.2, 0.4)])[0]
    assert "knn can't be told from cnn (80.0 % and 90.0 %, p = 0.3), at half the time; more" in text


@pytest.mark.parametrize(
    ("seconds", "times", "others", "words"),
    [
        (8.0, (6.0, 11.0), (9.0, 12.0), "at about the same time"),
        (5.0, (3.0, 9.0), (9.0, 12.0), "at about the same time"),
        (5.0, (4.0, 6.0), (9.0, 12.0), "at half the time"),
        (9.5, (9.4, 9.6), (9.9, 10.1), "at 95 % of the time"),
        (9.5, (None, None), (None, None), "at about the same time"),
        (7.0, (None, None), (None, None), "at 70 % of the time"),
    ],
)
def test_times_whose_intervals_overlap_are_about_the_same(seconds, times, others, words):
    rows = [row("cnn", 90, 0.9, 10.0, times=others), row("knn", 90, 0.89, seconds, times=times)]
    text = verdict(rows, [test_between("cnn", "knn", 90, 0.4)])[0]
    assert text.endswith(f"knn is as good as cnn (89.0 % and 90.0 %, p = 0.4) {words}.")


def test_a_leader_that_takes_about_as_long():
    rivals = {"clear": (20.0, 40.0), "near": (11.0, 40.0)}
    for name, times in rivals.items():
        rows = [
            row("cnn", 90, 0.9, 10.0, times=(8.0, 12.0)),
            row("knn", 90, 0.8, 30.0, times=times),
        ]
        text = verdict(rows, [test_between("cnn", "knn", 90, 0.4)])[0]
        assert ("takes the least time or about the same" in text) == (name == "near")


def test_sizes_whose_times_differ_in_kind_are_told_apart():
    rows = [row("cnn", 10, 0.9, 10.0, times=(9, 11)), row("knn", 10, 0.9, 8.0, times=(7, 10))]
    rows += [row("cnn", 20, 0.9, 20.0, times=(19, 21)), row("knn", 20, 0.89, 10.0, times=(9, 11))]
    tests = [test_between("cnn", "knn", size, 0.4) for size in (10, 20)]
    text = verdict(rows, tests)[0]
    assert "at about the same time; with 20 images" in text and "at half the time" in text


def test_without_tests():
    text = verdict([row("cnn", 90, 0.9, 4.0), row("knn", 90, 0.8, 2.0)], [])[0]
    assert "not tested" in text


def test_one_model():
    rows = [row("cnn", 50, 0.5, 1.0), row("cnn", 90, 0.75, 1.0)]
    assert verdict(rows, []) == ["cnn reaches 50.0 % with 50 images and 75.0 % with 90 images."]


def test_the_gap_and_failures():
    rows = [row("cnn", 90, 0.6, 1.0, training=0.99), row("bad", 90, None, None, failed=3)]
    texts = verdict(rows, [])
    assert texts[1] == (
        "cnn learns most by heart: it tells 99.0 % of its 90 images rightly, but 60.0 % of the "
        "test images."
    )
    assert texts[2] == "bad failed 3 times: ValueError: too bad"
    assert verdict(rows[1:], []) == ["No model came to an end."]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (seconds_text, {2e-6: "2.0 µs", 0.0041: "4.1 ms", 12.34: "12.3 s", 125: "2 min 05 s"}),
        (bytes_text, {900: "0.9 kB", 1.2e6: "1.2 MB", 3e9: "3.0 GB"}),
        (p_text, {0.0004: "p < 0.001", 0.0123: "p = 0.012", 0.4: "p = 0.4", 1.0: "p = 1"}),
    ],
)
def test_words_for_numbers(text, value):
    assert {number: text(number) for number in value} == value
