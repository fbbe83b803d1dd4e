"""The parameter table of the tutorial's network, by torchinfo."""

from torchinfo import summary

from benchmarks.by_hand.torch_tutorial import Net

if __name__ == "__main__":
    summary(Net(), input_size=(1, 1, 28, 28))
