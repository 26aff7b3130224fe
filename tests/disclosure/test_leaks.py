"""Planted leaks are found in every carrier; clean files raise no alarm."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from evaluation.disclosure.carriers import READERS
from evaluation.disclosure.scan import scan
from evaluation.disclosure.shapes import found_shapes, shapes_of
from evaluation.errors import DisclosureError

sys.path.insert(0, str(Path(__file__).parent))

from leaks import CARRIERS, KNOWN, SECRETS, born, nhs, nino, postcode, upn  # noqa: E402

ANY = frozenset(READERS)


@pytest.mark.parametrize("carrier", list(CARRIERS))
def test_a_planted_leak_is_found_and_not_named(carrier, tmp_path):
    rng = np.random.default_rng([1, list(CARRIERS).index(carrier)])
    for turn in range(2 * len(SECRETS)):
        secret = SECRETS[turn % len(SECRETS)](rng)
        folder = tmp_path / str(turn)
        folder.mkdir()
        with pytest.raises(DisclosureError) as found:
            scan([CARRIERS[carrier](folder, secret)], KNOWN, allowed=ANY)
        assert secret.lower() not in str(found.value).lower()


def test_five_hundred_leaks_are_planted_in_at_least_25_carriers():
    assert len(CARRIERS) >= 25 and len(CARRIERS) * 2 * len(SECRETS) >= 500


@pytest.mark.parametrize(
    "clean",
    [
        "Between 2011 and 2015, 1,234 families; E06000022; 0.1234567890; 10 of every 100 families.",
        "The groups differ by 3.2 (95% interval 1.2 to 5.4). 3 of 5. 2011/12. 24 November 2026",
        "sha256 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "A1 paper, B12 vitamins, 2 The families; ISBN 978-0-306-40615-7",
        "DOI 10.1093/ije/dyz123, version 26.0.1, 1234567890",
    ],
)
def test_what_reports_say_looks_like_no_identifier(clean):
    assert list(found_shapes(clean, (), shapes_of(KNOWN))) == []


@pytest.mark.parametrize("make", [upn, nhs, nino, postcode, born])
def test_a_shape_with_a_wrong_check_or_a_longer_word_is_another_thing(make):
    rng = np.random.default_rng(5)
    for _ in range(50):
        secret = make(rng)
        assert list(found_shapes(f"see {secret}, please"))
        assert not list(found_shapes(f"seex{secret.replace(' ', '')}9z"))
    if make in (upn, nhs):
        digits = make(rng).replace(" ", "")
        wrong = digits[:-1] + str((int(digits[-1]) + 1) % 10)
        assert list(found_shapes(wrong)) == []


def test_dates_of_the_plan_are_permitted(tmp_path):
    path = tmp_path / "results.json"
    path.write_text('{"started": "2012-04-01"}', encoding="utf-8")
    assert scan([path], (), permitted=["2012-04-01"]) == 1
    with pytest.raises(DisclosureError, match="date of birth"):
        scan([path], ())


@pytest.mark.parametrize("n, held", [(60, False), (61, True)])
def test_a_long_array_of_numbers_is_rows_of_data(tmp_path, n, held):
    path = tmp_path / "results.json"
    path.write_text(json.dumps({"data": [round(0.1 * one, 1) for one in range(n)]}), encoding="utf-8")
    if held:
        with pytest.raises(DisclosureError, match="array of more than 60"):
            scan([path], ())
    else:
        assert scan([path], ()) == 1


def test_a_table_of_hundreds_of_rows_is_rows_of_data(tmp_path):
    path = tmp_path / "report.html"
    path.write_text(f"<table>{'<tr><td>1</td></tr>' * 401}</table>", encoding="utf-8")
    with pytest.raises(DisclosureError, match="more than 400 rows"):
        scan([path], ())


@pytest.mark.parametrize(
    "text, held",
    [
        ("3 families left", True),
        ("4 of the programme families", True),
        ("1 of these children", True),
        ("13 families", False),
        ("1.3 families", False),
        ("from 3 to 7 families", False),
        ("3 councils", False),
    ],
)
def test_a_small_count_of_people_in_words_is_held(tmp_path, text, held):
    path = tmp_path / "report.html"
    path.write_text(f"<p>{text}</p>", encoding="utf-8")
    if held:
        with pytest.raises(DisclosureError, match="count of people under 10"):
            scan([path], (), threshold=10)
    else:
        assert scan([path], (), threshold=10) == 1
    assert scan([path], (), threshold=10, permitted=[text]) == 1


def test_files_too_deep_inside_each_other_are_held(tmp_path):
    import gzip

    content = b"deep"
    for _ in range(7):
        content = gzip.compress(content)
    path = tmp_path / "report.xlsx"
    import zipfile

    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("part", content)
    with pytest.raises(DisclosureError, match="deep inside"):
        scan([path], ())
