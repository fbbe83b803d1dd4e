"""The conformance tests of a backend: one table of cases, and what must be equal on every backend.

A backend declares the layers that it has, its known gaps with their reasons, and how to compute
gradients (`netspec.backend.declaration`). Its author writes one file of tests:

    from netspec.testing.suite import BackendTests

    class TestMine(BackendTests):
        backend = "mine"

pytest then runs every case of the table. The NumPy backend computes the expected values, so no
framework is needed. It is in `tests/reference` of netspec's repository. Only `suite` needs pytest.
"""
