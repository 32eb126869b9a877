"""The page, Markdown, CSV and the table: complete, escaped, and usable by everybody."""

import csv
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from fastcnn.compare.compare_models import compare_models
from fastcnn.compare.figures.pareto import front
from fastcnn.compare.figures.pictures import picture
from fastcnn.compare.figures.svg import Scale, linear_ticks, log_ticks
from fastcnn.compare.report.terminal import terminal_text
from tests.compare.cheap import Broken, Nearest, Sure, images, row

ALONE = {"meta", "img", "br", "path", "input", "link"}  # HTML's and SVG's elements without an end


class Page(HTMLParser):
    """Elements with their attributes, and that they are closed in order."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open, self.text = [], [], ""
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if tag not in ALONE:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        if tag not in ALONE:
            assert self.open.pop() == tag

    def handle_data(self, data):
        if "style" not in self.open:
            self.text += data

    def all(self, *tags):
        return [attributes for tag, attributes in self.elements if tag in tags]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    models = {"<one> pixel": Nearest(1), "a|b": Sure(16), "broken": Broken()}
    options = {"folds": 2, "sizes": [20, 45], "out": str(folder), "quiet": True}
    return folder, compare_models(images(), models, **options)


@pytest.fixture(scope="module")
def page(made):
    return Page((made[0] / "report.html").read_text(encoding="utf-8"))


def test_the_page_needs_nothing_else(made, page):
    text = (made[0] / "report.html").read_text(encoding="utf-8")
    assert not page.all("script", "link", "iframe")
    addresses = [a.get("src") or a.get("href") for a in page.all("img", "a")]
    assert all(address.startswith(("#", "data:image/png")) for address in addresses)
    assert "http" not in text and "url(" not in text and "@import" not in text
    assert "prefers-color-scheme: dark" in text


def test_landmarks_and_headings(page):
    for tag in ("header", "nav", "main", "footer", "h1", "title"):
        assert len(page.all(tag)) >= 1, tag
    assert len(page.all("h1")) == len(page.all("main")) == 1
    first = page.all("a")[0]
    assert first["class"] == "skip" and first["href"] == "#main"
    assert page.all("html")[0]["lang"] == "en"


def test_names_are_unique_and_links_arrive(page):
    ids = [a["id"] for _, a in page.elements if "id" in a]
    assert len(ids) == len(set(ids))
    for name in ("aria-labelledby", "aria-describedby"):
        assert {i for _, a in page.elements for i in a.get(name, "").split()} <= set(ids)
    assert {a["href"][1:] for a in page.all("a")} <= set(ids)


def test_tables_and_pictures_can_be_read_out(page):
    assert len(page.all("table")) == len(page.all("caption")) >= 4
    assert all(a.get("scope") in ("row", "col") for a in page.all("th"))
    assert all(a["alt"] for a in page.all("img")) and page.all("img")
    drawings = [a for a in page.all("svg") if a.get("aria-hidden") != "true"]
    assert len(drawings) == 4  # accuracies, learning curves, cost, losses
    assert all(a["role"] == "img" and a["aria-labelledby"] for a in drawings)
    regions = [a for _, a in page.elements if a.get("role") == "region"]
    assert all(a["tabindex"] == "0" for a in regions) and len(regions) >= 8
    assert all(a.get("aria-labelledby") or a.get("aria-label") for a in regions)


def test_colours_come_from_the_page(page):
    for tag, attributes in page.elements:
        if tag in ("path", "text", "svg"):
            assert not {"fill", "stroke", "color"} & set(attributes)


def test_what_models_are_called_is_text(page):
    assert "<one> pixel" in page.text and "no <b>luck</b>" in page.text
    assert not page.all("one", "b")


def test_markdown(made):
    text = (made[0] / "report.md").read_text(encoding="utf-8")
    tables = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert len(tables) == 2
    for table in tables:
        lines = [re.sub(r"\\\|", "", line) for line in table.splitlines()]
        assert len({line.count("|") for line in lines}) == 1
    assert "a\\|b" in text and "&lt;one> pixel" in text


def test_csv(made):
    folder, document = made
    with open(folder / "results.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [r["model"] for r in rows] == ["<one> pixel", "a|b", "broken"] * 2
    figure = document["rows"][1]["test_accuracy"]
    assert float(rows[1]["test_accuracy"]) == figure["mean"]
    assert float(rows[1]["test_accuracy_high"]) == figure["high"]
    assert rows[2]["test_accuracy"] == rows[0]["log_loss"] == "" and rows[2]["failed"] == "2"


def test_terminal(made):
    text = terminal_text(made[1])
    assert "3 models on images: 90 images 4x4x1, 3 classes" in text
    assert "\x1b" not in text and max(map(len, text.splitlines())) <= 120
    assert re.search(r"a\|b +45 +\d\d\.\d %", text) and re.search(r"broken +45 +failed", text)


def test_nothing_came_to_an_end(tmp_path):
    document = compare_models(images(), {"bad": Broken()}, out=str(tmp_path), folds=2, quiet=True)
    page = Page((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert "No model came to an end." in page.text and "failed" in terminal_text(document)


def test_ticks():
    assert linear_ticks(0.52, 0.71) == [0.55, 0.6, 0.65, 0.7]
    assert linear_ticks(0, 47) == [0, 10, 20, 30, 40]
    assert log_ticks(0.9, 1200) == [1, 10, 100, 1000]
    assert log_ticks(3, 40) == [3, 10, 30]
    assert log_ticks(1.5, 12) == [2, 5, 10]
    assert log_ticks(18, 44) == [20, 30, 40]


def test_scales():
    scale = Scale([1, 100], 0, 200, log=True)
    assert 0 < scale(1) < scale(10) == 100 < scale(100) < 200
    assert Scale([0.5], 0, 100)(0.5) == 50


def test_front():
    rows = [row(n, 9, a, s) for n, a, s in (("a", 0.5, 1), ("b", 0.4, 2), ("c", 0.7, 3))]
    assert [r["model"] for r in front(rows)] == ["a", "c"]


@pytest.mark.parametrize("shape", [(4, 4, 1), (4, 4, 3), (5, 3, 4), (100, 80, 3)])
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_pictures_of_any_images(shape, dtype):
    import base64

    import cv2

    image = (np.arange(np.prod(shape)).reshape(shape) % 256).astype(dtype)
    head, _, code = picture(image).partition(",")
    assert head == "data:image/png;base64"
    decoded = cv2.imdecode(np.frombuffer(base64.b64decode(code), np.uint8), cv2.IMREAD_UNCHANGED)
    assert max(decoded.shape) == min(64, max(shape[:2]))
    if shape == (4, 4, 3) and dtype == np.uint8:
        assert (decoded[..., ::-1] == image).all()
