"""The parameter table of the tutorial's network, by Keras."""

from benchmarks.by_hand.keras_tutorial import compiled_model

if __name__ == "__main__":
    compiled_model().summary()
