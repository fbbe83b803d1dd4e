"""Classes and functions that generated modules contain; `netspec.backend.emit.cut` cuts them out.

Nothing here is imported when a module is written. Each file imports only PyTorch, as generated
modules do.
"""
