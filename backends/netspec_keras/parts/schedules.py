"""Schedules of the learning rate that Keras does not have."""

import math

import keras


class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """Up to the largest rate and down far below the first (Smith and Topin, 2018).

    Each phase has its last step and the change of the rate within it.
    """

    def __init__(self, first, phases, cosine):
        super().__init__()
        self.first = first
        self.phases = phases
        self.cosine = cosine

    def __call__(self, step):
        step, begin, rate = keras.ops.cast(step, "float32"), 0, self.first
        for end, change in self.phases:
            p = keras.ops.clip((step - begin) / (end - begin), 0, 1)
            if self.cosine:
                p = (1 - keras.ops.cos(math.pi * p)) / 2
            begin, rate = end, rate + change * p
        return rate
