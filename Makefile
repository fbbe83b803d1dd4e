# Every target installs what it needs. BACKEND is keras or torch.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BACKEND ?= keras
BIN := .venv/bin
READY := .venv/ready
BENCH_READY := .venv/ready-bench

.PHONY: train test pytest lint style types nightly processors bench golden clean gpu gpu-wheels gpu-constraints

train: $(READY)
	$(BIN)/netspec summary specs/mnist_cnn.yaml
	$(BIN)/netspec train specs/mnist_cnn.yaml --backend $(BACKEND)
	$(BIN)/netspec export --onnx

# pyright takes one core for a minute, while pytest runs.
test: style
	$(MAKE) --jobs 2 types pytest

pytest: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist worksteal --durations 20

lint: style types

style: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports

types: $(READY)
	$(BIN)/pyright --pythonpath $(BIN)/python

# The tests of values, once for every setting in which the frameworks compute as on another processor.
# int8 files also run on an emulated Haswell, which needs qemu-x86_64 (apt-get install qemu-user).
processors: $(READY)
	$(BIN)/python tests/processors/run.py

# A thousand random specs of each kind. Then the tests that take minutes: the tutorial with three seeds on
# both backends, a short run of every benchmark, and the extras for GPU machines as pip resolves them.
nightly: processors
	NETSPEC_HYPOTHESIS_PROFILE=nightly $(BIN)/python -m pytest tests/properties --timeout=0
	$(BIN)/python -m pytest -m nightly --timeout=0

# Every benchmark that this machine can run. It writes the results into benchmarks/results/, and from them
# the page docs/benchmarks.md.
bench: $(BENCH_READY)
	$(BIN)/python -m benchmarks.start --json
	$(BIN)/python -m benchmarks.large_specs --json
	$(BIN)/python -m benchmarks.inference --json
	$(BIN)/python -m benchmarks.tables --json
	$(BIN)/python -m benchmarks.table_quality --json
	for backend in keras torch; do \
		for question in first_step steps training streaming images time_to_99; do \
			$(BIN)/python -m benchmarks.$$question $$backend --json || exit; \
		done; \
	done
	$(BIN)/python -m benchmarks.training lightning --json
	$(BIN)/python -m benchmarks.training keras_backends --json
	$(BIN)/python -m benchmarks.gpu --json
	$(BIN)/python -m benchmarks.page

# Rewrites the golden files from the output of the code. Read the difference before the commit.
golden: $(READY)
	$(BIN)/python -m pytest --update tests/golden tests/core/test_invalid.py

# Everything that needs a GPU, in nine minutes, with the machine's Python: no network, no .venv.
# PYTHON=... names another interpreter, REHEARSE=1 runs a part on the CPU, RESULTS=... another folder.
gpu:
	$(if $(filter file,$(origin PYTHON)),python3,$(PYTHON)) tests/gpu/run.py \
		$(if $(REHEARSE),--rehearse) $(if $(RESULTS),--results '$(RESULTS)')

# Downloads the packages for `make gpu` on a machine without a network into .gpu.
gpu-wheels: $(READY)
	$(BIN)/python tests/gpu/wheels.py $(or $(PYTHON_VERSION),3.12)

# Rewrites the versions for GPU machines as pip resolves them. Run it with Python 3.11 on Linux.
gpu-constraints: $(READY)
	$(BIN)/python tests/gpu_wheels.py

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[keras,torch,onnx,digits,data,dev]'
	touch $(READY)

$(BENCH_READY): $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[keras,torch,onnx,digits,data,dev,bench]'
	touch $(BENCH_READY)

clean:
	rm -rf .venv build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
