"""The parts of generated PyTorch modules that do not depend on the network."""

from __future__ import annotations

import re

_FUNCTIONAL = "import torch.nn.functional as F"


def imports(body: str) -> str:
    """What a module imports for its body."""
    functional = [_FUNCTIONAL] if re.search(r"\bF\.", body) else []
    return "\n".join(["import torch", *functional, "from torch import Tensor, nn"])


SET_WEIGHTS = '''
def set_weights(model: nn.Module, weights: dict) -> None:
    """Fill the model from a weights file: safetensors.torch.load_file("weights.safetensors").

    Raises ValueError where the weights are not the ones of the network.
    """
    if mismatch := find_mismatch(weights, AXES):
        raise ValueError(": ".join(mismatch))
    tensors = model.state_dict()
    for key, (name, axes) in WEIGHTS.items():
        value = torch.as_tensor(weights[key]).permute(axes)
        tensors[name].copy_(value.reshape(tensors[name].shape))
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

_METHODS = ("constrain", "logits", "regularization", "reset_parameters")

ATTRIBUTES = frozenset({*_MODULE_ATTRIBUTES.split(), *_METHODS})
"""Names that a layer's attribute cannot have: those of nn.Module (PyTorch 2.13) and the class."""

NAMES = frozenset(
    {"F", "None", "True", "False", "Tensor", "AXES", "WEIGHTS", "nn", "self", "torch"}
)
"""Names that a module uses whatever the network is."""
