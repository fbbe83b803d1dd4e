"""The parts of generated PyTorch modules that do not depend on the network."""

from __future__ import annotations

import keyword

from netspec_torch import optimizers

IMPORTS = """\
import torch
import torch.nn.functional as F
from torch import Tensor, nn"""

_AVERAGE_POOL = '''
def average_pool2d_padded(x: Tensor, kernel_size, stride, padding) -> Tensor:
    """The mean of the real cells of every window; padding does not count."""
    cells = F.pad(torch.ones_like(x[:1, :1]), padding)
    counts = F.avg_pool2d(cells, kernel_size, stride)
    return F.avg_pool2d(F.pad(x, padding), kernel_size, stride) / counts
'''

_SELU = '''
def selu(x: Tensor) -> Tensor:
    """SELU, with the slope of the positive side at 0, as Keras has it."""
    negative = 1.6732632423543772 * torch.expm1(x.clamp(max=0))
    return 1.0507009873554805 * torch.where(x >= 0, x, negative)
'''

_BATCH_NORMALIZATION = '''
class BatchNormalization(nn.Module):
    """Keras's batch normalization of axis 1; its moving variance is the biased one."""

    def __init__(
        self,
        size: int,
        momentum: float,
        epsilon: float,
        scale: bool = True,
        center: bool = True,
    ) -> None:
        super().__init__()
        self.momentum = momentum
        self.epsilon = epsilon
        self.gamma = nn.Parameter(torch.ones(size)) if scale else None
        self.beta = nn.Parameter(torch.zeros(size)) if center else None
        self.register_buffer("moving_mean", torch.zeros(size))
        self.register_buffer("moving_variance", torch.ones(size))

    def forward(self, x: Tensor) -> Tensor:
        weights = self.gamma, self.beta
        if not self.training:
            moving = self.moving_mean, self.moving_variance
            return torch.batch_norm(x, *weights, *moving, False, 0, self.epsilon, True)
        batch = torch.zeros_like(self.moving_mean), torch.ones_like(self.moving_variance)
        y = torch.batch_norm(x, *weights, *batch, True, 1, self.epsilon, True)
        mean, unbiased = batch
        n = x.numel() // x.shape[1]
        variance = unbiased * ((n - 1) / n) if n > 1 else torch.zeros_like(unbiased)
        self.moving_mean.lerp_(mean, 1 - self.momentum)
        self.moving_variance.lerp_(variance, 1 - self.momentum)
        return y

    def along(self, x: Tensor, axis: int) -> Tensor:
        """The same for another axis."""
        x = x.movedim(axis, 1)
        # With four axes, PyTorch 2.13 gives wrong gradients where some have size 1.
        return self(x.flatten(2)).reshape(x.shape).movedim(1, axis)
'''

PARTS = {
    "average_pool2d_padded": _AVERAGE_POOL,
    "selu": _SELU,
    "BatchNormalization": _BATCH_NORMALIZATION,
    **optimizers.PARTS,
}
"""Definitions that a module holds only where it needs them, in their order."""

SET_WEIGHTS = '''
def set_weights(model: nn.Module, weights: dict) -> None:
    """Fill the model from a weights file: safetensors.torch.load_file("weights.safetensors")."""
    tensors = model.state_dict()
    for key, (name, axes) in WEIGHTS.items():
        tensors[name].copy_(torch.as_tensor(weights[key]).permute(axes))
'''


def main(name: str) -> str:
    """What the module does when it is run."""
    return f'if __name__ == "__main__":\n    print({name}())'


_MODULE_ATTRIBUTES = """
T_destination add_module apply bfloat16 buffers call_super_init children compile cpu cuda
double dump_patches eval extra_repr float forward get_buffer get_extra_state get_parameter
get_submodule half ipu load_state_dict modules mtia named_buffers named_children named_modules
named_parameters parameters register_backward_hook register_buffer register_forward_hook
register_forward_pre_hook register_full_backward_hook register_full_backward_pre_hook
register_load_state_dict_post_hook register_load_state_dict_pre_hook register_module
register_parameter register_state_dict_post_hook register_state_dict_pre_hook requires_grad_
set_extra_state set_submodule share_memory state_dict to to_empty train training type xpu
zero_grad
"""

RESERVED = frozenset({*_MODULE_ATTRIBUTES.split(), *keyword.kwlist, "logits", "reset_parameters"})
"""Names that a layer's attribute cannot have: those of nn.Module (PyTorch 2.13) and of Python."""

USED = frozenset({"F", "None", "True", "False", "Tensor", "WEIGHTS", *PARTS})
"""Names that the class of a network cannot have: the module uses them otherwise."""
