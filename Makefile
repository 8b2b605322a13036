# `make sim` and `make test` install what they need; `make help` lists all targets.
SHELL := /bin/bash
PY := .venv/bin/python
JOBS ?= 2
SPEED ?= 8
N ?= 100000
# Python's own variables could put other packages before those of the environment; PYTHON is ours.
unexport $(filter-out PYTHON,$(filter PYTHON%,$(.VARIABLES)))

.PHONY: help setup sim sim-frame sim-board check test test-all lint fuzz mutants verilog synth explore vectors hls hls-synth coding bench compare train figures clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1	/' | expand -t 18

.venv/.complete: requirements.lock pyproject.toml scripts/setup.sh
	@bash scripts/setup.sh

setup: .venv/.complete ## virtual environment with the command spiking-dncnn, locked packages, Icarus

sim: .venv/.complete ## denoise a photograph in golden model, Verilator and Icarus, and compare
	$(PY) -m sim run -o build/sim

sim-frame: .venv/.complete ## simulate best-s25 on 256x256 pixels, maps in external memory, in Verilator (five to ten minutes)
	$(PY) -m sim frame --deployment best-s25 -o build/sim-frame

sim-board: .venv/.complete ## simulate the board's top, serial pins to SDRAM: 256x256 pixels, a network of four channels (minutes)
	$(PY) -m tests.rtl.board.boards 256 256

check: lint ## lint, types, and the tests that need no simulator, synthesis or C++ compiler (two minutes)
	$(PY) -m pytest -n $(JOBS) -m "not tools and not long"

test: lint ## lint, types, and all tests except the long ones
	$(PY) -m pytest -n $(JOBS) -m "not long"

test-all: lint ## the same with the long tests: shipped networks in all simulators, full recipes, place and route
	$(PY) -m pytest -n $(JOBS)

lint: .venv/.complete ## ruff and mypy
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy

fuzz: .venv/.complete ## corrupted files, command lines and board answers: N= inputs; SEED= and INDEX= repeat one (a quarter of an hour)
	$(PY) -m tests.fuzz --number $(N) --jobs $(JOBS) $(if $(SEED),--seed $(SEED)) $(if $(INDEX),--index $(INDEX))

mutants: .venv/.complete ## seed faults into the RTL; each must make a bench fail
	$(PY) -m pytest -n $(JOBS) tests/cross/test_mutants.py

verilog: .venv/.complete ## Verilog of the shipped network into build/rtl
	$(PY) -m rtl generate -o build/rtl

synth: .venv/.complete ## place and route the accelerator of best-s25 on an ECP5, three seeds (an hour; SPEED=6 for speed grade 6)
	@mkdir -p build
	$(PY) -m sim frame --predict --deployment best-s25 --figures build/frame.json
	$(PY) -m rtl synth --deployment best-s25 --frame build/frame.json --speed $(SPEED) --seeds 0,1,2 --jobs $(JOBS) -o build/synth-$(SPEED).json

explore: .venv/.complete ## sweep engines, T, groups and map memories: area, speed, energy (half an hour; reuses earlier results)
	@mkdir -p build
	$(PY) -m sw_model spikes --deployment best-s25 --crop 130,232,64,64 -o build/spikes-64.json
	$(PY) -m rtl explore --spikes build/spikes-64.json --group 8 --timesteps 8,4 --jobs $(JOBS) -o build/explore-64
	$(PY) -m sw_model spikes --deployment best-s25 -o build/spikes-256.json
	$(PY) -m rtl explore --spikes build/spikes-256.json --maps memory --group 8,16 --jobs $(JOBS) -o build/explore-256
	$(PY) -m sw_model spikes --deployment compact --crop 130,232,64,64 -o build/spikes-compact.json
	$(PY) -m rtl explore --deployment compact --spikes build/spikes-compact.json --jobs $(JOBS) -o build/explore-compact

vectors: .venv/.complete ## plain-file test vectors and a plain Verilog bench into build/vectors
	rm -rf build/vectors # and the simulations built there
	$(PY) -m sim vectors -o build/vectors

hls: .venv/.complete ## hls4ml project of the compact network into build/hls, and its C simulation
	$(PY) -m hls build --deployment compact --size 16,16 -o build/hls
	$(PY) -m sim run --target hls -o build/hls-sim

hls-synth: .venv/.complete ## latency and resources from Vitis HLS, if it is installed
	$(PY) -m hls synth --deployment compact --size 16,16 -o build/hls-synth

coding: .venv/.complete ## the paper's analysis of neural coding into build/coding
	$(PY) -m sw_model coding -o build/coding

bench: .venv/.complete requirements-bench.lock ## time and memory compared with PyTorch, snnTorch, SpikingJelly into build/bench
	$(PY) -m pip install --quiet --no-deps -r requirements-bench.lock
	$(PY) -m sw_model bench -o build/bench

compare: .venv/.complete requirements-bench.lock ## PSNR and CPU time beside BM3D and others into build/compare (hours; SET=set12 LIMIT=4 for a part)
	$(PY) -m pip install --quiet --no-deps -r requirements-bench.lock
	$(PY) -m sw_model compare $(if $(SET),--set $(SET)) $(if $(LIMIT),--limit $(LIMIT)) -o build/compare

# By default, waiting OpenMP threads spin and take processor time from other programs.
train: export OMP_WAIT_POLICY ?= passive
train: .venv/.complete ## train and freeze the network RECIPE=compact|best|paper|baseline (hours; resumes)
	$(PY) -m sw_model train --recipe $(or $(RECIPE),compact) $(if $(SHORTEN),--shorten $(SHORTEN)) -o build/train/$(or $(RECIPE),compact)

figures: .venv/.complete ## train for the paper's figures 3 and 4, and draw them (hours; resumes)
	bash scripts/figures.sh build/points
	$(PY) -m sw_model figures --points build/points -o build/figures

clean: ## remove build, keep .venv
	rm -rf build
