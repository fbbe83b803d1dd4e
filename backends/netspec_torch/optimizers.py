"""The optimizers of generated PyTorch modules: Keras's rules, which PyTorch's own do not follow."""

from __future__ import annotations

from netspec.spec import Adam, Optimizer, Sgd

_ADAM = '''
class Adam(torch.optim.Adam):
    """Adam with Keras's epsilon, which stands outside the bias correction."""

    def __init__(self, parameters, learning_rate, beta_1, beta_2, epsilon, amsgrad) -> None:
        betas = (beta_1, beta_2)
        super().__init__(parameters, learning_rate, betas, amsgrad=amsgrad, fused=True)
        self.epsilon = epsilon
        self.steps = 0

    def step(self, closure=None):
        self.steps += 1
        for group in self.param_groups:
            group["eps"] = self.epsilon / (1 - group["betas"][1] ** self.steps) ** 0.5
        return super().step(closure)
'''

_SGD = '''
class SGD(torch.optim.Optimizer):
    """Gradient descent with Keras's velocity, which holds the learning rate."""

    def __init__(self, parameters, learning_rate, momentum, nesterov) -> None:
        defaults = {"lr": learning_rate, "momentum": momentum, "nesterov": nesterov}
        super().__init__(parameters, defaults)

    @torch.no_grad()
    def step(self, closure=None) -> None:
        for group in self.param_groups:
            rate, momentum = group["lr"], group["momentum"]
            for w in group["params"]:
                if momentum == 0:
                    w.sub_(w.grad, alpha=rate)
                    continue
                state = self.state[w]
                velocity = state.setdefault("velocity", torch.zeros_like(w))
                velocity.mul_(momentum).sub_(w.grad, alpha=rate)
                if group["nesterov"]:
                    w.add_(velocity, alpha=momentum).sub_(w.grad, alpha=rate)
                else:
                    w.add_(velocity)
'''

PARTS = {"Adam": _ADAM, "SGD": _SGD}
"""The class of every optimizer, by its name."""


def class_name(optimizer: Optimizer) -> str:
    """The class of the module that is this optimizer."""
    match optimizer:
        case Adam():
            return "Adam"
        case Sgd():
            return "SGD"
