"""The parts of generated PyTorch modules that do not depend on the network."""

from __future__ import annotations

from pathlib import Path

from netspec.backend.emit.cut import Folder

IMPORTS = (
    "import math",
    "import torch",
    "import torch.nn.functional as F",
    "from torch import Tensor",
    "from torch import nn",
)
"""What a module may import, one name each."""

PARTS = Folder(Path(__file__).with_name("parts"))
"""The classes and functions that a module may contain."""


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
"""Names that a layer's attribute cannot have, of nn.Module (PyTorch 2.13) and the class."""

NAMES = frozenset(
    {"F", "None", "True", "False", "Tensor", "AXES", "WEIGHTS", "nn", "self", "torch"}
)
"""Names that a module uses whatever the network is."""
