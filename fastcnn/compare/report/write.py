"""Writes every form of the report into the folder of a comparison."""

import json
from typing import Any

from fastcnn.compare.folder import ComparisonFolder
from fastcnn.compare.report.csv_file import csv_text
from fastcnn.compare.report.markdown import markdown
from fastcnn.compare.report.page import page
from fastcnn.compare.subject import Subject
from fastcnn.text import shown
from fastcnn.training.model_file import write_text


def write_reports(folder: ComparisonFolder, document: dict[str, Any], images: Subject) -> None:
    write_text(folder.results, json.dumps(document, indent=2) + "\n")
    write_text(folder.csv, csv_text(document))
    document = shown(document)
    write_text(folder.markdown, markdown(document))
    write_text(folder.page, page(document, images.testing.images))
