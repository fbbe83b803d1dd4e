"""The data set `series`: rows in the order of time become windows and numbers to predict."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from netspec.data import Dataset, load
from netspec.data.calendar import Calendar, Cut
from netspec.data.dates import written_times
from netspec.data.forecasts import last_windows
from netspec.data.windows import Windows, windows
from netspec.network import Network, loads
from netspec.text.diagnostics import DataError, SpecError

pytest.importorskip("pyarrow")

COUNT = 40


def network(
    folder: Path,
    content: str | None = None,
    *,
    data: str = "target: y, history: 3",
    input: str = "[3, 1]",
    layers: str = "Flatten, Dense: {units: 1}",
    train: str = "loss: mean_squared_error",
    time: str = "t",
) -> Network:
    """A network for the rows of `rows.csv`, which is written where there is a content."""
    if content is not None:
        (folder / "rows.csv").write_text(content, encoding="utf-8")
    text = f"""\
netspec: 1
name: rows
input: {input}
layers: [{layers}]
data: {{dataset: series, path: rows.csv, time: {time}, {data}}}
train: {{{train}}}
"""
    return loads(text, folder)


def counted(count: int = COUNT, *, without: range = range(0)) -> str:
    """Rows with the times 0, 1, … and the values 100, 101, …."""
    rows = [f"{time},{100 + time}" for time in range(count) if time not in without]
    return "\n".join(["t,y", *rows, ""])


def values(dataset: Dataset, part: str) -> tuple[np.ndarray, np.ndarray]:
    """The inputs (n, history) as they are in the file, and the targets (n, …)."""
    examples = getattr(dataset, part)
    (column,) = dataset.record.preparation.columns
    inputs = np.asarray(examples.inputs[0])[..., 0] * column.deviation + column.mean
    return np.round(inputs, 3), np.asarray(examples.targets[0])


def error(folder: Path, content: str, **options) -> DataError:
    with pytest.raises(DataError) as caught:
        load(network(folder, content, **options))
    return caught.value


def fault(folder: Path, **options) -> tuple[str, str | None]:
    with pytest.raises(SpecError) as caught:
        network(folder, **options)
    return caught.value.diagnostics[0].message, caught.value.diagnostics[0].help


def test_a_window_is_followed_by_the_values_to_predict(tmp_path):
    spec = network(
        tmp_path,
        counted(),
        data="target: y, history: 3, gap: 2, horizon: 2, step: 4",
        layers="Flatten, Dense: {units: 2}",
    )
    inputs, targets = values(load(spec), "train")
    assert inputs[:2].tolist() == [[100, 101, 102], [104, 105, 106]]
    assert targets[:2].tolist() == [[105, 106], [109, 110]]


def test_parts_are_in_the_order_of_time(tmp_path):
    train = "loss: mean_squared_error, validation: {fraction: 0.25}"
    data = "target: y, history: 3, horizon: 2, test: {fraction: 0.2}"
    layers = "Flatten, Dense: {units: 2}"
    dataset = load(network(tmp_path, counted(), data=data, train=train, layers=layers))
    ranges = {}
    for part in ("train", "validation", "test"):
        inputs, targets = values(dataset, part)
        ranges[part] = (inputs.min(), inputs.max(), targets.min(), targets.max())
    assert ranges["train"] == (100, 121, 103, 123)
    assert ranges["validation"] == (121, 129, 124, 131)
    assert ranges["test"] == (129, 137, 132, 139)
    assert dataset.record.preparation.columns[0].mean == np.arange(100, 124).mean()


def test_a_validation_split_is_the_last_part_too(tmp_path):
    train = "loss: mean_squared_error, validation_split: 0.25"
    dataset = load(network(tmp_path, counted(), train=train))
    assert values(dataset, "validation")[1].ravel().tolist() == [*range(124, 132)]


def sensors(seed: int = 0) -> str:
    """Shuffled rows of two noiseless sines, dates of one day each, and three rows of a third."""
    begin, rows = datetime(2025, 1, 25, tzinfo=UTC), []
    for sensor, period, phase in (("a", 9.3, 0.2), ("b", 14.1, 1.4)):
        for day in range(60):
            value = np.sin(2 * np.pi * day / period + phase)
            rows.append(f"{begin + timedelta(day):%d/%m/%Y},{sensor},{value:.12f}")
    rows += [f"{day:02d}/02/2025,c,{100 * day}" for day in (1, 2, 3)]
    np.random.default_rng(seed).shuffle(rows)
    return "\n".join(["date,sensor,level", *rows, ""])


def test_windows_follow_the_calendar_and_never_mix_sensors(tmp_path):
    data = "target: level, group: sensor, history: 6"
    dataset = load(network(tmp_path, sensors(), data=data, input="[6, 1]", time="date"))
    assert dataset.remarks == (
        "a window has 7 rows, and shorter groups are left out: sensor c with 3 rows",
    )
    assert len(dataset.train) + len(dataset.test) == 2 * (60 - 6)
    # Two sines of any phase are a linear recurrence of order 4: six values decide the next.
    inputs, targets = (np.asarray(dataset.train.inputs[0])[..., 0], dataset.train.targets[0])
    design = np.c_[inputs, np.ones(len(inputs))]
    weights = np.linalg.lstsq(design, targets, rcond=None)[0]
    np.testing.assert_allclose(design @ weights, targets, atol=1e-4)


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%d.%m.%Y", "%m/%d/%y", "%Y/%m/%d", "%d-%m-%Y"])
@pytest.mark.parametrize("time", ["", " %H:%M", " %H:%M:%S"])
def test_the_order_of_a_date_is_decided_from_all_dates(tmp_path, form, time):
    begin = datetime(2025, 1, 5, tzinfo=UTC)
    days = [(begin + timedelta(day)).strftime(form + time) for day in range(COUNT)]
    lines = [f"{day},{100 + place}" for place, day in enumerate(days)]
    content = "\n".join(["t,y", *reversed(lines), ""])
    inputs, _ = values(load(network(tmp_path, content)), "train")
    assert inputs[:, 0].tolist() == [*range(100, 100 + len(inputs))]


def test_dates_that_can_be_read_in_two_ways_are_an_error(tmp_path):
    content = "\n".join(["t,y", *(f"{day:02d}/{day % 12 + 1:02d}/2025,1" for day in range(1, 12))])
    data_error = error(tmp_path, content)
    assert data_error.message.startswith("t has dates such as 01/02/2025: ")
    assert '{time: "%d/%m/%Y"}' in data_error.help
    kinds = 'types: {t: {time: "%d/%m/%Y"}}'
    assert load(network(tmp_path, content, data=f"target: y, history: 3, bridge: true, {kinds}"))


def test_a_date_that_is_none_is_named(tmp_path):
    content = "t,y\n" + "".join(f"{day}.1.2025,1\n" for day in range(10, 31)) + "31.2.2025,1\n"
    assert error(tmp_path, content).message == (
        "rows.csv:23: t is '31.2.2025', which is not written as %d.%m.%Y"
    )


def test_numbers_that_look_like_dates_are_an_error(tmp_path):
    content = "t,y\n" + "".join(f"202501{day},1\n" for day in range(10, 31))
    assert '`types: {t: {time: "%Y%m%d"}}`' in error(tmp_path, content).help
    kinds = 'types: {t: {time: "%Y%m%d"}}'
    assert load(network(tmp_path, content, data=f"target: y, history: 3, {kinds}"))


def test_a_repeated_time_is_named(tmp_path):
    assert error(tmp_path, counted() + "7,1\n").message == (
        "rows.csv:42: rows.csv has the t 7 twice, first in rows.csv:9"
    )


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (",1\n", "rows.csv:42: t is missing"),
        ("40,inf\n", "rows.csv:42: y is infinite"),
    ],
)
def test_a_row_without_time_or_with_an_infinite_value_is_named(tmp_path, lines, message):
    assert error(tmp_path, counted() + lines).message == message


def test_windows_never_bridge_a_gap(tmp_path):
    content = counted(without=range(10, 13))
    dataset = load(network(tmp_path, content))
    inputs, targets = values(dataset, "train")
    assert (targets[:, 0] - inputs[:, -1] == 1).all()
    assert dataset.remarks == (
        "there is a gap in time, of 4 after 9, where the usual distance is 1; 3 windows with a gap left "
        "out; `bridge: true` in data keeps them",
    )
    bridged = load(network(tmp_path, content, data="target: y, history: 3, bridge: true"))
    assert len(bridged.train) == len(dataset.train) + 3
    assert bridged.remarks == ()


def test_months_are_no_gaps(tmp_path):
    months = [f"{2020 + place // 12}-{place % 12 + 1:02d}-01,{place % 7}" for place in range(COUNT)]
    assert load(network(tmp_path, "\n".join(["t,y", *months]))).remarks == ()


def test_windows_without_a_value_to_predict_are_counted(tmp_path):
    content = counted().replace("10,110", "10,")
    dataset = load(network(tmp_path, content))
    assert dataset.remarks[0] == "1 window has a missing y to predict: left out"
    assert len(dataset.train) + len(dataset.test) == COUNT - 3 - 1


def test_two_targets_and_a_category_are_columns_of_the_window(tmp_path):
    rows = "".join(f"{time},{time},{2 * time},{'ab'[time % 2]}\n" for time in range(COUNT))
    data = "target: [y, z], history: 3, horizon: 2"
    layers = "Flatten, Dense: {units: 4}, Reshape: {target_shape: [2, 2]}"
    spec = network(tmp_path, "t,y,z,k\n" + rows, data=data, input="[3, 5]", layers=layers)
    dataset = load(spec)
    assert np.asarray(dataset.train.targets[0])[0].tolist() == [[3, 6], [4, 8]]
    assert np.asarray(dataset.train.inputs[0])[0, :, 2:].tolist() == [
        [0, 1, 0],
        [0, 0, 1],
        [0, 1, 0],
    ]


def test_a_wrong_width_names_the_right_input(tmp_path):
    data_error = error(tmp_path, counted(), input="[3, 2]")
    assert data_error.message == "the features become 1 numbers, and the input takes 2"
    assert data_error.help == "write `input: [3, 1]`"


def test_too_few_rows_are_an_error(tmp_path):
    assert error(tmp_path, counted(3)).message == "a window has 4 rows, and rows.csv has at most 3"
    data, layers = "target: y, history: 3, horizon: 3", "Flatten, Dense: {units: 3}"
    data_error = error(tmp_path, counted(7), data=data, layers=layers)
    assert data_error.message == "no window of 6 rows is in the training part"
    assert data_error.details == ("the test part begins at 5",)
    alternating = "t,y\n" + "".join(f"{time},1\n" for time in (0, 1, 2, 9, 10, 11, 20, 21, 22))
    assert error(tmp_path, alternating).help.startswith("write `bridge: true` in data")
    empty = "t,y\n" + "".join(f"{time},{'' if time > 2 else 1}\n" for time in range(9))
    assert error(tmp_path, empty).message == "every window in rows.csv has a missing y to predict"


@pytest.mark.parametrize(
    ("options", "message", "help"),
    [
        (
            {"train": "loss: mean_squared_error, validation: {fraction: 0.2, stratify: true}"},
            "a series is never shuffled",
            "remove stratify: the validation part is the last one in time before the test part",
        ),
        (
            {"data": "target: y, history: 3, test: {fraction: 0.2, shuffle: true}"},
            "a series is never shuffled",
            "remove shuffle: the test part is the last one in time",
        ),
        (
            {"input": "[4, 1]"},
            "the input is (4, 1), and series has windows of 3 rows of numbers",
            "write the history and how many numbers a row becomes, as `input: [3, 1]`",
        ),
        (
            {"data": "target: y, history: 3, horizon: 2"},
            "the network ends in (1), and series has (2) to predict",
            "end with `- Dense: {units: 2}`",
        ),
        (
            {
                "train": "loss: sparse_categorical_crossentropy",
                "layers": "Flatten, Dense: {units: 2, activation: softmax}",
            },
            "sparse_categorical_crossentropy takes classes, and series has numbers to predict",
            "use mean_squared_error",
        ),
        (
            {"data": "target: t, history: 3"},
            "'t' is the time, and cannot be the target too",
            "name another column",
        ),
    ],
)
def test_a_spec_that_does_not_fit_a_series_is_refused(tmp_path, options, message, help):
    assert fault(tmp_path, **options) == (message, help)


def test_a_learned_preparation_is_not_learned_again(tmp_path):
    record = load(network(tmp_path, counted())).record
    content = counted().replace(",1", ",9")
    again = load(network(tmp_path, content), learned=record)
    assert again.record.preparation == record.preparation


def test_windows_are_read_as_arrays_are():
    rows = np.arange(12.0).reshape(6, 2)
    some = windows(rows, np.array([0, 3, 1]), 3)
    assert (some.shape, some.ndim, len(some)) == ((3, 3, 2), 3, 3)
    whole = np.stack([rows[:3], rows[3:], rows[1:4]])
    np.testing.assert_array_equal(np.asarray(some), whole)
    np.testing.assert_array_equal(some[np.array([2, 0])], whole[[2, 0]])
    np.testing.assert_array_equal(np.asarray(some[1:].astype(np.float32)), whole[1:])
    np.testing.assert_array_equal(np.asarray(some.reshape(-1, 6)), whole.reshape(3, 6))


def test_many_windows_take_the_memory_of_their_rows(tmp_path):
    content = counted(200_000)
    data, layers = "target: y, history: 100", "Flatten, Dense: {units: 1}"
    dataset = load(network(tmp_path, content, data=data, input="[100, 1]", layers=layers))
    (inputs,) = dataset.train.inputs
    assert isinstance(inputs, Windows)
    assert dataset.train.streamed
    assert inputs.rows.nbytes == 4 * 200_000


def test_stretches_have_separate_windows():
    times = np.array([0, 1, 2, 3, 4, 9, 10, 11, 0, 1, 2, 3.0])
    calendar = Calendar.of(times, np.array([0] * 8 + [1] * 4))
    assert calendar.starts(Cut(2, 0, 1)).tolist() == [0, 1, 2, 5, 8, 9]
    assert calendar.starts(Cut(2, 0, 1, step=2)).tolist() == [0, 2, 5, 8]
    assert calendar.starts(Cut(2, 0, 1, bridge=True)).tolist() == [0, 1, 2, 3, 4, 5, 8, 9]


def test_the_last_windows_follow_the_calendar(tmp_path):
    data = "target: level, group: sensor, history: 6"
    spec = network(tmp_path, sensors(), data=data, input="[6, 1]", time="date")
    preparation = load(spec).record.preparation
    (tmp_path / "new.csv").write_text(sensors(seed=1), encoding="utf-8")
    last = last_windows(spec.spec.data, tmp_path / "new.csv", preparation)
    assert last.groups == ("sensor a", "sensor b")
    assert last.times == ("2025-03-25", "2025-03-25")
    assert last.remarks == ("no 6 rows without a gap at the end, and no prediction: sensor c",)
    days = np.arange(54, 60)
    waves = [np.sin(2 * np.pi * days / 9.3 + 0.2), np.sin(2 * np.pi * days / 14.1 + 1.4)]
    np.testing.assert_allclose(last.values["level"], waves, atol=1e-9)
    assert preparation.apply(last.values)["x"].shape == (2, 6, 1)
    assert last.keys == (("a",), ("b",))


def test_forecasts_follow_in_the_median_distance(tmp_path):
    data = "target: y, group: g, history: 1, gap: 1, horizon: 2, bridge: true"
    rows = "t,g,y\n" + "".join(f"{t},a,1\n" for t in (0, 10, 20, 31, 50, 60)) + "5,b,1\n"
    spec = network(tmp_path, rows, data=data, input="[1, 1]", layers="Flatten, Dense: {units: 2}")
    preparation = load(spec).record.preparation
    last = last_windows(spec.spec.data, tmp_path / "rows.csv", preparation)
    # Distances of 10, 10, 11, 19, 10. One row has no distance: the median of other groups is used.
    assert last.ahead.tolist() == [[80, 90], [25, 35]]
    (tmp_path / "one.csv").write_text("t,g,y\n5,b,1\n", encoding="utf-8")
    with pytest.raises(DataError, match="has one row for each group"):
        last_windows(spec.spec.data, tmp_path / "one.csv", preparation)


@pytest.mark.parametrize(
    ("seconds", "texts"),
    [
        ([86_400.0, 0], ["1970-01-02", "1970-01-01"]),
        ([86_460.0, 0], ["1970-01-02 00:01", "1970-01-01 00:00"]),
        ([1.0, 0], ["1970-01-01 00:00:01", "1970-01-01 00:00:00"]),
        ([0.25], ["1970-01-01 00:00:00.250000"]),
    ],
)
def test_times_of_a_column_have_one_form(seconds, texts):
    assert written_times(np.array(seconds), "time") == texts
    assert written_times(np.array([1440.0, 0.5]), "number") == ["1440", "0.5"]


def test_a_test_part_that_the_spec_does_not_describe_is_reported(tmp_path):
    dataset = load(network(tmp_path, counted()))
    assert dataset.notes == (
        f"the data have no test part: the last fifth of the rows in time, {len(dataset.test)} "
        "windows, is the test part; `test` in data draws another one",
    )
    described = network(tmp_path, data="target: y, history: 3, test: {fraction: 0.2}")
    assert load(described).notes == ()
