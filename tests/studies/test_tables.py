"""Tables on pages."""

import numpy as np
import pytest

from qnn_core.statistics import Interval
from studies.tables import shown, table


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Interval(1.2345, 1.1, 1.37), "1.23 [1.10, 1.37]"),
        (Interval(np.nan, np.nan, np.nan), "-"),
        (np.int64(1234567), "1,234,567"),
        (0.012345, "0.0123"),
        (np.float32(2345.6), "2,346"),
        (float("nan"), "-"),
        (None, "-"),
        (True, "yes"),
        (np.array([1, 20]), "1, 20"),
        ("as it is", "as it is"),
    ],
)
def test_values_are_shown_with_the_digits_that_they_deserve(value, text):
    assert shown(value) == text


def test_rows_come_by_name_or_alone_and_may_lack_columns():
    by_name = table({"a": {"x": 1}, "b": {"x": 2, "y": 0.5}})
    assert by_name.cells.to_numpy().tolist() == [["a", "1", ""], ["b", "2", "0.5"]]
    assert by_name.wordy == [""]
    alone = table([{"name": "a", "x": 1}, {"y": 0.5, "name": "b"}])
    assert list(alone.cells.columns) == ["name", "x", "y"]
    assert table({"reads": 10, "kind": "classical"}).cells.to_numpy().tolist() == [["reads", "10"], ["kind", "classical"]]


def test_pages_are_whole_escaped_and_the_same_each_time():
    long = "x" * 200
    made = table([{"a<b": long, "n": 1}, {"a<b": "<script>", "n": 2}], caption="what")
    html = made._repr_html_()
    assert long in html
    assert "<script>" not in html
    assert "a&lt;b" in html
    assert "what" in html
    assert "what" in repr(made)
    assert html == table([{"a<b": long, "n": 1}, {"a<b": "<script>", "n": 2}], caption="what")._repr_html_()
