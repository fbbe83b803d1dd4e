"""Losses that Keras does not have."""

import keras


class SmoothedSparseCategoricalCrossentropy(keras.losses.Loss):
    """Cross-entropy of class indices, a part of which is spread over all classes."""

    def __init__(self, label_smoothing):
        super().__init__()
        self.label_smoothing = label_smoothing

    def call(self, y_true, y_pred):
        labels = keras.ops.one_hot(keras.ops.cast(y_true, "int32"), y_pred.shape[-1])
        return keras.losses.categorical_crossentropy(
            labels, y_pred, from_logits=True, label_smoothing=self.label_smoothing
        )


class MaskedSmoothedSparseCategoricalCrossentropy(SmoothedSparseCategoricalCrossentropy):
    """The same, whose mean is over the class indices that are not `ignore_class`.

    Without such an index it is 0.
    """

    def __init__(self, label_smoothing, ignore_class):
        super().__init__(label_smoothing)
        self.ignore_class = ignore_class

    def call(self, y_true, y_pred):
        mask = keras.ops.not_equal(y_true, self.ignore_class)
        values = super().call(keras.ops.where(mask, y_true, 0), y_pred)
        weights = keras.ops.cast(mask, values.dtype)
        return keras.ops.divide_no_nan(values * weights, keras.ops.mean(weights))
