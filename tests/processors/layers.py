"""Compares transposed convolutions of Keras with the NumPy backend: `layers.py`, under any setting.

Without oneDNN TensorFlow computes them with other kernels. It has none for a dilation.
"""

from __future__ import annotations

from netspec.backend import find
from netspec.testing.cases import CASES
from netspec.testing.checks import check_outputs, prepare
from netspec_numpy import BACKEND as NUMPY

if __name__ == "__main__":
    exact, keras = NUMPY.declaration().exact, find("keras")
    assert exact is not None
    for case in CASES["Conv2DTranspose"]:
        if "dilation_rate" not in str(case):
            network, weights, inputs = prepare(case)
            check_outputs(keras, network, weights, inputs, exact(network, weights, inputs, False))
            print(case)
