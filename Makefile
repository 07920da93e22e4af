# Every command of the project. `make help` lists them; each sets up what it needs and reuses it the next time.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.SUFFIXES:
export PATH := $(CURDIR)/node_modules/.bin:$(CURDIR)/build/venv/bin:$(PATH)
STEP := hack/step.sh
STAMPS := build/stamps

.PHONY: help
help: ## list the commands
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/\1|\2/' | column -t -s '|'

# ---- set-up: one stamp a step, remade when what it was made from changes ----

$(STAMPS)/debian: hack/packages.txt hack/debian-packages.sh
	@$(STEP) "Debian packages" hack/debian-packages.sh hack/packages.txt
	@mkdir -p $(@D) && touch $@

$(STAMPS)/node: package-lock.json
	@$(STEP) "Node packages" npm ci --engine-strict=false
	@mkdir -p $(@D) && touch $@

$(STAMPS)/python: requirements.txt $(STAMPS)/debian
	@$(STEP) "Python packages" hack/python-venv.sh
	@mkdir -p $(@D) && touch $@

$(STAMPS)/torch: requirements-cuda.txt hack/torch-venv.sh
	@$(STEP) "PyTorch and CUDA wheels" hack/torch-venv.sh
	@mkdir -p $(@D) && touch $@

$(STAMPS)/control-plane: $(wildcard test/control-plane/*/go.* test/control-plane/build.sh)
	@$(STEP) "Kubernetes control plane" test/control-plane/build.sh
	@mkdir -p $(@D) && touch $@

$(STAMPS)/chart-tools: $(wildcard test/chart/tools/*/go.* test/chart/tools/*/*.go test/chart/tools/build.sh)
	@$(STEP) "Helm, promtool, status-of" test/chart/tools/build.sh
	@mkdir -p $(@D) && touch $@

build/native/build.ninja: agent-native/CMakeLists.txt $(STAMPS)/debian $(STAMPS)/python
	@$(STEP) "Native configure" cmake -S agent-native -B build/native -G Ninja

.PHONY: native
native: build/native/build.ninja ## build the C++ programs into build/bin
	@$(STEP) "Native build" cmake --build build/native

.PHONY: native-cuda
native-cuda: build/native/build.ninja $(STAMPS)/torch ## build the torch engine too, with or without a GPU
	@$(STEP) "Native configure with torch" cmake -S agent-native -B build/native -DDARIS_TORCH=ON
	@$(STEP) "Native build with torch" cmake --build build/native

# Builds of their own with sanitizers: clang's fuzz targets, and gcc's tests. None of them needs gRPC.
build/fuzz/build.ninja: CONFIGURE := -DDARIS_FUZZ=ON -DCMAKE_CXX_COMPILER=clang++-14
build/tsan/build.ninja: CONFIGURE := -DDARIS_SANITIZE=thread
build/asan/build.ninja: CONFIGURE := -DDARIS_SANITIZE=address,undefined

build/fuzz/build.ninja build/tsan/build.ninja build/asan/build.ninja: build/%/build.ninja: agent-native/CMakeLists.txt $(STAMPS)/debian $(STAMPS)/python
	@$(STEP) "Configure $*" cmake -S agent-native -B build/$* -G Ninja $(CONFIGURE) -DDARIS_BENCH=OFF \
	  -DCMAKE_RUNTIME_OUTPUT_DIRECTORY=$(CURDIR)/build/$*/bin

.PHONY: fuzz-targets
fuzz-targets: build/fuzz/build.ninja
	@$(STEP) "Fuzz targets" cmake --build build/fuzz --target fuzz

.PHONY: queues-tsan
queues-tsan: build/tsan/build.ninja
	@$(STEP) "Queues with ThreadSanitizer" cmake --build build/tsan --target queues

build/models/digests.txt: $(wildcard models/daris_package/*.py models/daris_package/*/*.py) $(STAMPS)/python
	@$(STEP) "Example models" hack/example-models.sh

.PHONY: setup
setup: $(STAMPS)/debian $(STAMPS)/node $(STAMPS)/python $(STAMPS)/control-plane native build/models/digests.txt ## everything that demo and test need

# ---- what people and CI run ----

.PHONY: generate
generate: $(STAMPS)/node $(STAMPS)/debian ## regenerate types, protocol code, references, the dashboard, the figures of README, docs/gpu.md, docs/paper.md and docs/choosing.md
	@cp crds/*.yaml helm/daris/files/crds/ # a link would be left out where Flux or helm fetch the chart
	@node hack/generate-types.ts
	@hack/generate-proto.sh
	@node hack/crd-reference.ts
	@node hack/values-reference.ts
	@node hack/metrics-reference.ts
	@node hack/benchmark-table.ts
	@node hack/gpu-page.ts
	@node bench/paper/page.ts
	@node bench/paper/guide/page.ts

.PHONY: verify
verify: $(STAMPS)/node $(STAMPS)/debian $(STAMPS)/python ## generated code, format, lint, types, import rules, cycles
	@hack/verify.sh

.PHONY: test
test: setup native-cuda fuzz-targets queues-tsan $(STAMPS)/chart-tools ## all tests that need no GPU
	@node test/run.ts

.PHONY: chart
chart: setup $(STAMPS)/chart-tools ## the tests of the Helm chart, alerts and GitOps alone
	@npm test -- test/chart 'test/integration/(chart|gitops|alerts)'

.PHONY: fuzz
fuzz: fuzz-targets $(STAMPS)/node ## fuzz, the scheduler core for five minutes or FUZZ_TIME=seconds
	@node test/fuzz/run.ts $(or $(FUZZ_TIME),300)

.PHONY: sanitize
sanitize: build/tsan/build.ninja build/asan/build.ninja ## C++ tests under ThreadSanitizer, then AddressSanitizer and UBSan
	@$(STEP) "Tests with ThreadSanitizer" cmake --build build/tsan --target sanitized
	@hack/sanitize.sh tsan
	@$(STEP) "Tests with AddressSanitizer" cmake --build build/asan --target sanitized
	@hack/sanitize.sh asan

.PHONY: demo
demo: setup ## the whole system on this machine, act by act; KEEP=1 leaves it up
	@exec node test/e2e/demo.ts $(if $(KEEP),--keep)

# ---- images, and a cluster with a real node to run them on ----

IMAGE_SOURCES := Dockerfile.operator Dockerfile.agent .dockerignore package.json package-lock.json requirements.txt \
  hack/images.sh hack/local-base.sh hack/javascript-bundle.sh hack/native-bundle.sh hack/production-modules.mjs \
  $(shell git ls-files 'api/*.ts' 'kube/*.ts' 'operator/*.ts' 'node-agent/*.ts' agent-native/src agent-native/proto | grep -v '\.test\.ts$$')

$(STAMPS)/images: $(IMAGE_SOURCES) $(STAMPS)/node
	@$(STEP) "Images" hack/images.sh
	@mkdir -p $(@D) && touch $@

$(STAMPS)/client-image: $(wildcard test/cluster/client/*) test/e2e/client.py requirements.txt hack/images.sh $(STAMPS)/images
	@$(STEP) "Image of the acts' client" hack/images.sh client
	@mkdir -p $(@D) && touch $@

.PHONY: images
images: $(STAMPS)/images ## the images of operator and agent, and their sizes against the limits
	@node hack/image-sizes.ts

.PHONY: image-cuda
image-cuda: $(STAMPS)/node ## the agent's image with the torch engine, and its size; needs 25 GB of disk and no GPU
	@$(STEP) "Image with torch" hack/images.sh agent-cuda
	@node hack/image-sizes.ts agent-cuda

$(STAMPS)/node-of-cluster: $(wildcard test/control-plane/*/go.* test/control-plane/build.sh)
	@$(STEP) "Kubelet, scheduler, proxy, DNS" test/control-plane/build.sh node
	@mkdir -p $(@D) && touch $@

.PHONY: cluster-parts
cluster-parts: $(STAMPS)/control-plane $(STAMPS)/node-of-cluster $(STAMPS)/chart-tools $(STAMPS)/images $(STAMPS)/client-image build/models/digests.txt
	@:

# Installs what a node needs, where that can be; where there can be no node, test/cluster/possible.ts says why, status 77.
CLUSTER_POSSIBLE = mkdir -p build/logs; { [ "$$(id -u)" != 0 ] || hack/debian-packages.sh test/cluster/packages.txt || true; } \
  > build/logs/debian-packages-of-a-node.log 2>&1; node test/cluster/possible.ts
# By a variable, so that `make -n` only shows it.
SUBMAKE = $(MAKE) --no-print-directory

.PHONY: cluster-up
cluster-up: $(STAMPS)/node ## a control plane and a real node on this machine, with our images; needs root
	@$(CLUSTER_POSSIBLE) cluster || { [ $$? = 77 ] && exit 0 || exit 1; }; \
	  $(SUBMAKE) cluster-parts && node test/cluster/up.ts

.PHONY: cluster-down
cluster-down: $(STAMPS)/node ## end it, and what a killed one has left
	@node test/cluster/down.ts

.PHONY: e2e
e2e: $(STAMPS)/node ## the chart and our images on a real kubelet, act by act; where there can be none, it is skipped; RECORD=1 keeps the figures
	@$(CLUSTER_POSSIBLE) e2e || { [ $$? = 77 ] && exit 0 || exit 1; }; \
	  $(SUBMAKE) cluster-parts && exec node test/cluster/e2e.ts $(if $(RECORD),--record)

.PHONY: bench
bench: setup ## measure, and write JSON under bench/results
	@node bench/run.ts

.PHONY: paper
paper: build/native/build.ninja $(STAMPS)/node ## the paper's experiments, simulated, and docs/paper.md and docs/choosing.md from them; RECORD=1 records how long it took
	@$(STEP) "Simulator" cmake --build build/native --target daris-sim
	@node bench/paper/run.ts $(if $(RECORD),--record)
	@node bench/paper/page.ts
	@node bench/paper/guide/page.ts

.PHONY: format
format: $(STAMPS)/node $(STAMPS)/debian $(STAMPS)/python ## format all code
	@prettier --write --log-level warn .
	@git ls-files 'agent-native/*.cpp' 'agent-native/*.hpp' | xargs clang-format -i
	@ruff format models

.PHONY: clean
clean: ## remove all that was built
	rm -rf build dist node_modules
