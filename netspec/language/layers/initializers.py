"""The initial values of weights, under Keras's names and with its arguments.

Here they are only described; `netspec.numerics.weights` draws them. The formulas come from
keras/src/initializers/random_initializers.py (3.15).
"""

from __future__ import annotations

from math import sqrt
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import Field

from netspec.language.layers.tagged import OneKey, Tagged

LARGEST = 3.4e38  # of float32
Float32: TypeAlias = Annotated[float, Field(ge=-LARGEST, le=LARGEST)]
Positive: TypeAlias = Annotated[float, Field(gt=0, le=LARGEST)]
NotNegative: TypeAlias = Annotated[float, Field(ge=0, le=LARGEST)]


class Zeros(Tagged):
    """All 0."""

    tag = "zeros"


class Ones(Tagged):
    """All 1."""

    tag = "ones"


class Constant(Tagged):
    """All `value`."""

    tag = "constant"
    value: Float32 = 0.0


class RandomNormal(Tagged):
    """A normal distribution."""

    tag = "random_normal"
    mean: Float32 = 0.0
    stddev: NotNegative = 0.05


class RandomUniform(Tagged):
    """A uniform distribution over [minval, maxval)."""

    tag = "random_uniform"
    minval: Float32 = -0.05
    maxval: Float32 = 0.05


class TruncatedNormal(Tagged):
    """A normal distribution whose values beyond two standard deviations are drawn again."""

    tag = "truncated_normal"
    mean: Float32 = 0.0
    stddev: NotNegative = 0.05


class VarianceScaling(Tagged):
    """A distribution whose variance is `scale` divided by a fan of the weight."""

    tag = "variance_scaling"
    scale: Positive = 1.0
    mode: Literal["fan_in", "fan_out", "fan_avg"] = "fan_in"
    distribution: Literal["uniform", "truncated_normal", "untruncated_normal"] = "truncated_normal"


class Scaled(Tagged):
    """A variance scaling with a separate name."""

    scaling: ClassVar[VarianceScaling]


class GlorotUniform(Scaled):
    """Uniform within ±sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010)."""

    tag = "glorot_uniform"
    scaling = VarianceScaling(scale=1.0, mode="fan_avg", distribution="uniform")


class GlorotNormal(Scaled):
    """Truncated normal with stddev sqrt(2 / (fan_in + fan_out)) (Glorot and Bengio, 2010)."""

    tag = "glorot_normal"
    scaling = VarianceScaling(scale=1.0, mode="fan_avg", distribution="truncated_normal")


class HeUniform(Scaled):
    """Uniform within ±sqrt(6 / fan_in) (He et al., 2015)."""

    tag = "he_uniform"
    scaling = VarianceScaling(scale=2.0, mode="fan_in", distribution="uniform")


class HeNormal(Scaled):
    """Truncated normal with stddev sqrt(2 / fan_in) (He et al., 2015)."""

    tag = "he_normal"
    scaling = VarianceScaling(scale=2.0, mode="fan_in", distribution="truncated_normal")


class LecunUniform(Scaled):
    """Uniform within ±sqrt(3 / fan_in) (LeCun et al., 1998)."""

    tag = "lecun_uniform"
    scaling = VarianceScaling(scale=1.0, mode="fan_in", distribution="uniform")


class LecunNormal(Scaled):
    """Truncated normal with stddev sqrt(1 / fan_in) (LeCun et al., 1998)."""

    tag = "lecun_normal"
    scaling = VarianceScaling(scale=1.0, mode="fan_in", distribution="truncated_normal")


class Orthogonal(Tagged):
    """`gain` times an orthogonal matrix: all axes but the last, flattened, by the last."""

    tag = "orthogonal"
    gain: Float32 = 1.0


class Identity(Tagged):
    """`gain` times the identity matrix. For weights with two axes."""

    tag = "identity"
    gain: Float32 = 1.0


Initializer: TypeAlias = (
    Zeros
    | Ones
    | Constant
    | RandomNormal
    | RandomUniform
    | TruncatedNormal
    | VarianceScaling
    | GlorotUniform
    | GlorotNormal
    | HeUniform
    | HeNormal
    | LecunUniform
    | LecunNormal
    | Orthogonal
    | Identity
)
InitializerField: TypeAlias = Annotated[Initializer, OneKey("initializer")]


class UnitForgetBias(Tagged):
    """The bias of an LSTM: 1 for the forget gate, the second of four, and `others` elsewhere.

    No spec names it: `unit_forget_bias` selects it. The parts before and after that gate are drawn
    as separate weights (keras/src/layers/rnn/lstm.py, 3.15).
    """

    tag = "unit_forget_bias"
    others: InitializerField

    @staticmethod
    def parts(size: int) -> tuple[slice, slice, slice]:
        """The part before the forget gate, the gate, and the part after it."""
        units = size // 4
        return slice(0, units), slice(units, 2 * units), slice(2 * units, size)


# The standard deviation of a normal distribution that is cut off at two standard deviations.
TRUNCATED_STDDEV = 0.87962566103423978


def resolve(
    initializer: Initializer | UnitForgetBias, fans: tuple[int, int]
) -> (
    Zeros
    | Ones
    | Constant
    | RandomNormal
    | RandomUniform
    | TruncatedNormal
    | Orthogonal
    | Identity
    | UnitForgetBias
):
    """The initializer with the numbers that follow from the fans of its weight."""
    if isinstance(initializer, Scaled):
        initializer = initializer.scaling
    if not isinstance(initializer, VarianceScaling):
        return initializer
    fan_in, fan_out = fans
    fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}
    variance = initializer.scale / max(1.0, fan[initializer.mode])
    match initializer.distribution:
        case "uniform":
            limit = sqrt(3.0 * variance)
            return RandomUniform(minval=-limit, maxval=limit)
        case "truncated_normal":
            return TruncatedNormal(stddev=sqrt(variance) / TRUNCATED_STDDEV)
        case "untruncated_normal":
            return RandomNormal(stddev=sqrt(variance))
