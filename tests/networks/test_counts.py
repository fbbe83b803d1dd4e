"""The specs of known networks have the parameter counts of their literature."""

from __future__ import annotations

from pathlib import Path

import pytest

from netspec.graph.summary import summarize
from netspec.network import load

SPECS = Path(__file__).parents[2] / "specs"

COUNTS = {
    # The table of the TensorFlow tutorial "Convolutional Neural Network (CNN)".
    "mnist_cnn": 93_322,
    "mnist_fast": 93_322,  # the same network
    # LeCun et al., 1998, with all maps of the second convolution connected.
    "lenet5": 61_706,
    # keras.io/api/applications, Model.count_params() of keras.applications (3.15).
    "vgg16": 138_357_544,
    "resnet50": 25_636_712,
    "mobilenet_v2": 3_538_984,
    "densenet121": 8_062_504,
    # keras.io/examples/nlp/bidirectional_lstm_imdb
    "imdb_lstm": 2_757_761,
    # keras.io/examples/vision/autoencoder
    "autoencoder": 28_353,
    # tensorflow.org/text/tutorials/text_generation, with its 66 characters
    "character_gru": 4_022_850,
    # Kim, 2014: vectors, 100 filters each of 3, 4 and 5 words, two classes.
    "text_cnn": 18_765 * 300 + sum(100 * (300 * words + 1) for words in (3, 4, 5)) + 300 * 2 + 2,
    # Patches, positions, four blocks (two normalizations, attention, perceptron), and the end.
    "mnist_vit": (
        (49 + 1) * 64
        + 16 * 64
        + 4 * (2 * 2 * 64 + 4 * (64 + 1) * 64 + (64 + 1) * 128 + (128 + 1) * 64)
        + 2 * 64
        + (64 + 1) * 10
    ),
}

FIXED = {
    # The moving statistics, as Model.summary() of keras.applications (3.15) counts them.
    "resnet50": 53_120,
    "mobilenet_v2": 34_112,
    "densenet121": 83_648,
}


@pytest.mark.parametrize("name", COUNTS)
def test_parameter_counts_equal_the_literature(name: str) -> None:
    summary = summarize(load(SPECS / f"{name}.yaml").graph)

    assert summary.parameters == COUNTS[name]
    assert summary.non_trainable == FIXED.get(name, 0)


@pytest.mark.parametrize("name", ["vgg16", "resnet50"])
def test_the_spec_stays_readable(name: str) -> None:
    lines = (SPECS / f"{name}.yaml").read_text(encoding="utf-8").splitlines()

    assert len(lines) < 60
    assert max(map(len, lines)) <= 110


def test_every_spec_of_the_project_has_its_count() -> None:
    # Designed for this project, in no literature.
    project_specs = {
        "digits_cnn",
        "digits_folder",
        "wine",
        "breast_cancer",
        "diabetes",
        "series",
        "reviews",
    }

    assert {path.stem for path in SPECS.glob("*.yaml")} == COUNTS.keys() | project_specs
