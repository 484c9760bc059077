# Kihon: an agent, initrd and kernel for Kata VMs, and a tool to boot them. `make` alone explains the targets.
#
# Rules with a file as target run only when one of their sources is newer; the programs behind the others cache by content.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
# What `make test` does before its suites is done two at a time.
ifndef IS_BESIDE
.NOTPARALLEL:
endif
MAKEFLAGS += --no-builtin-rules --no-print-directory

ARCH ?= $(shell uname -m)
CONFIG ?= lean
SERIES ?= 6.12
# Series of the newer source package that the set-up finds.
NEWER ?= 7.2
PREFIX ?= /usr/local
DESTDIR ?=
KIHON_CACHE ?= $(CURDIR)/.cache
export KIHON_CACHE

out := build/$(ARCH)
# Set-up for an architecture that is not this machine's.
cross := $(if $(filter-out $(shell uname -m),$(ARCH)),cross-$(ARCH))
tsx := node_modules/.bin/tsx
vitest := node_modules/.bin/vitest run
installed := node_modules/.kihon-lock

# A folder's time changes when a file in it comes or goes, so folders are sources too. What is generated is not.
sources = $(shell find $(1) -mindepth 1 \( -name node_modules -o -name generated -o -name gen \) -prune -o -print 2>/dev/null)
agent_sources := $(call sources,agent proto) $(installed)
builder_sources := $(call sources,rootfs-builder/src)
host_sources := $(call sources,host agent/src/base agent/src/codec proto) $(installed)

# What `make demo` boots until a kernel was built here: Debian's packaged cloud kernel, whose drivers are modules.
packaged := $(KIHON_CACHE)/debs/linux-image-cloud/current
built_kernel := $(wildcard $(out)/vmlinux $(out)/vmlinuz)

# say NAME,TEXT: one progress line. took NAME: how long this recipe's shell has lived.
say = printf '%-8s %s\n' '$(1)' '$(2)'
took = printf '%-8s %s\n' '$(1)' "done in $$SECONDS s"

.PHONY: help setup packages generate agent initrd initrd-packaged kernel kernels host all demo
.PHONY: cross-aarch64
.PHONY: image rootfs list-distros image-of-recipe initrd-of-recipe rootfs-of-recipe image-confidential initrd-confidential
.PHONY: test check lint lint-rules lint-imports lint-format typecheck format test-unit test-engine test-integration test-conformance test-vm test-waiting test-agent fuzz bench soak
.PHONY: test-dropin test-images test-kernels
.PHONY: install picture clean distclean

help:
	@printf '%s\n' \
	  'Kihon: containers in lightweight VMs, TypeScript down to the system call.' \
	  '' \
	  '  make demo                  install what is needed, build, boot a VM, run a container in it (2 to 3 minutes the first time)' \
	  '  make test                  everything that checks itself: lint, types, unit, engine, integration, conformance, VM' \
	  '' \
	  'Building (each target builds what it needs first; a second run is quick)' \
	  '  make setup                 Debian and npm packages; engine source and guest kernel under .cache; generated code' \
	  '  make agent                 $(out)/kihon-agent: the agent, one static ELF; kihon-oci beside it: the same as an OCI runtime, ready in memory' \
	  '  make initrd                $(out)/kihon-initrd.img: a guest whose /init is the agent' \
	  '  make kernel [CONFIG=lean|kata|debug|confidential] [ARCH=...] [SERIES=6.12]   build/ARCH/vmlinuz and vmlinux; 4 to 12 minutes, cached' \
	  '  make kernels               all configurations, architectures and series, for make test-kernels; an hour and a half the first time' \
  '  make image                 $(out)/kihon-image.img: the same guest as a disk, which Firecracker needs' \
	  '  make image | initrd | rootfs RECIPE=NAME   a guest from a recipe: `build/kihon build --list`, docs/images.md' \
	  '  make image-confidential | initrd-confidential   a guest for hosts that are not trusted: measured, no shell, with a policy' \
	  '  make image-debian | rootfs-alpine | ...    targets and variables of osbuilder: docs/osbuilder.md' \
	  '  make host                  build/kihon: the host command; try build/kihon --help' \
	  '  make all                   agent, initrd and host' \
	  '  make install PREFIX=DIR    command, kernel, initrd, image if there is one, and Kata drop-ins below DIR (default /usr/local)' \
	  '  make agent initrd ARCH=aarch64   the same for aarch64, with a cross compiler' \
	  '' \
	  'Checking' \
	  '  make test-unit | test-engine | test-integration | test-conformance | test-vm | test-waiting    one suite; ONLY="file or words" narrows it' \
	  '  make lint | typecheck | format' \
	  '  make test-images           a VM from every base, format and machine type; its short form is part of make test' \
	  '  make test-kernels          boots the kernels of make kernels besides lean; not part of make test; COMPARE=1 proves precompiled headers' \
  '  make test-dropin           kihon-oci called by containerd, podman and Docker, where they are installed; not part of make test' \
	  '  make bench                 speed and size, beside Node and runc' \
	  '  make soak                  what a sandbox must survive, for minutes: latencies and memory over time; SOAK="--long NAME"' \
	  '  make fuzz                  decoders against random bytes, 20 s each; not part of make test' \
	  '' \
	  '  make clean                 remove build/ and generated code; make distclean also .cache/ and node_modules/' \
	  '' \
	  'Variables: KIHON_CACHE=DIR keeps downloads and built kernels elsewhere (now $(KIHON_CACHE)); ARCH=$(ARCH).'

# --- Building ---------------------------------------------------------------------------------------------------------

setup: packages $(installed) generate

# What another architecture needs: a cross compiler, its musl, and QEMU and a kernel to try it with.
cross-aarch64:
	@$(call say,setup,cross compiler and VM for aarch64)
	@bash rootfs-builder/setup/install.sh aarch64

packages:
	@$(call say,setup,Debian packages and the cache under $(KIHON_CACHE))
	@bash rootfs-builder/setup/install.sh

# npm's own check of an unchanged tree takes seconds; the digest of the lock file takes none.
$(installed): package-lock.json
	@if [ "$$(cat $@ 2>/dev/null)" != "$$(sha256sum <package-lock.json)" ]; then \
	  $(call say,setup,npm packages); npm ci --no-progress --loglevel=error; sha256sum <package-lock.json >$@; $(call took,setup); \
	fi; touch $@

generate: proto/gen/agent.js $(foreach arch,x86_64 aarch64,agent/src/abi/generated/$(arch)/constants.ts)

proto/gen/agent.js: $(wildcard proto/*.proto proto/build/*.ts) $(installed) | packages
	@$(call say,setup,API messages from proto/)
	@$(tsx) proto/build/generate.ts; touch $@

agent/src/abi/generated/%/constants.ts: $(wildcard agent/build/*abi*.ts agent/build/arch.ts) $(installed) | packages
	@$(call say,setup,ABI tables of $* from the kernel headers)
	@$(tsx) agent/build/abi-main.ts $*; touch $@

agent: $(out)/kihon-agent
$(out)/kihon-agent: $(agent_sources) | setup $(cross)
	@$(call say,agent,engine and bytecode: about 40 s the first time and seconds later)
	@$(tsx) agent/build/build.ts --arch $(ARCH); touch $@; $(call took,agent)

# With RECIPE or DISTRO in the environment or on the command line, `initrd` is that of the recipe or of osbuilder's variables.
ifneq ($(RECIPE),)
initrd: initrd-of-recipe
else ifneq ($(DISTRO),)
initrd: initrd-$(DISTRO)
else
initrd: $(out)/kihon-initrd.img
endif
$(out)/kihon-initrd.img: $(out)/kihon-agent $(builder_sources)
	@$(call say,initrd,$@)
	@$(tsx) rootfs-builder/src/main.ts initrd --agent $< --output $@; $(call took,initrd)

initrd-packaged: $(out)/kihon-initrd-packaged.img
$(out)/kihon-initrd-packaged.img: $(out)/kihon-agent $(builder_sources)
	@$(call say,initrd,$@ with the modules of the packaged kernel)
	@cp "$$(ls $(packaged)/boot/vmlinuz-* | tail -n 1)" $(out)/vmlinuz-packaged
	@$(tsx) rootfs-builder/src/main.ts initrd --agent $< --output $@ --modules $(packaged)/lib/modules; $(call took,initrd)

# Guests from a recipe (docs/images.md): make image RECIPE=debian, OUTPUT=FILE names the result.
initrd-of-recipe image-of-recipe rootfs-of-recipe: agent
	@$(tsx) rootfs-builder/src/main.ts build $(@:-of-recipe=) '$(RECIPE)' $(if $(OUTPUT),--output '$(OUTPUT)')

# Targets of Kata's osbuilder with its variables (docs/osbuilder.md); DISTRO's default is its own.
# `image` with neither RECIPE nor DISTRO is ours, the disk beside the initrd that `make install` takes.
ifneq ($(RECIPE),)
image: image-of-recipe
rootfs: rootfs-of-recipe
else
ifneq ($(DISTRO),)
image: agent
	@$(tsx) rootfs-builder/src/main.ts osbuilder $@
else
image: agent
	@ARCH=$(ARCH) IMAGE="$${IMAGE:-$(out)/kihon-image.img}" $(tsx) rootfs-builder/src/main.ts osbuilder image-none
endif
rootfs: agent
	@$(tsx) rootfs-builder/src/main.ts osbuilder $@
endif
osbuilder_distros := alpine busybox debian none ubuntu centos cbl-mariner devkit nvidia
$(foreach kind,image initrd rootfs,$(addprefix $(kind)-,$(osbuilder_distros))): agent
	@$(tsx) rootfs-builder/src/main.ts osbuilder $@
list-distros: $(installed)
	@$(tsx) rootfs-builder/src/main.ts osbuilder list-distros

# For hosts that are not trusted (docs/images.md): measured, no shell, a policy that keeps the host out. osbuilder's variables go before
# what is set here; with DISTRO the agent is a service of systemd in that distribution.
confidential_policy := $(CURDIR)/rootfs-builder/policies/confidential.rego
confidential_run = ARCH=$(ARCH) CONFIDENTIAL_GUEST=yes AGENT_POLICY=yes AGENT_POLICY_FILE="$${AGENT_POLICY_FILE:-$(confidential_policy)}"
image-confidential: agent
	@$(confidential_run) MEASURED_ROOTFS=yes BUILD_VARIANT=confidential SKIP_DAX_HEADER=yes FS_TYPE="$${FS_TYPE:-erofs}" \
	  IMAGE="$${IMAGE:-$(out)/kihon-image-confidential.img}" $(tsx) rootfs-builder/src/main.ts osbuilder image-$(or $(DISTRO),none)
initrd-confidential: agent
	@$(confidential_run) INITRD_IMAGE="$${INITRD_IMAGE:-$(out)/kihon-initrd-confidential.img}" \
	  $(tsx) rootfs-builder/src/main.ts osbuilder initrd-$(or $(DISTRO),none)

kernel: setup
	@bash rootfs-builder/setup/install.sh kernel-$(ARCH) $(if $(filter debug,$(CONFIG)),kernel-debug) $(if $(filter-out 6.12,$(SERIES)),kernel-newer)
	@$(call say,kernel,$(CONFIG) for $(ARCH): 4 to 12 minutes on 2 cores unless it was built before)
	@$(tsx) kernel-config/src/main.ts build --config $(CONFIG) --arch $(ARCH) --series $(SERIES) $(if $(OUTPUT),--output '$(OUTPUT)')

# Every kernel that is checked, one after the other: an hour and a half on 2 idle cores, and nothing where they are in the cache.
kernels:
	@for config in lean kata confidential debug; do $(MAKE) kernel CONFIG=$$config; done
	@for arch in aarch64 riscv64 s390x ppc64le; do $(MAKE) kernel ARCH=$$arch; done
	@$(MAKE) kernel CONFIG=kata ARCH=aarch64
	@$(MAKE) kernel SERIES=$(NEWER) OUTPUT=$(out)/newer

host: build/kihon
build/kihon: $(host_sources) | setup
	@$(call say,host,$@)
	@$(tsx) host/build/bundle.ts $(CURDIR)/$@ >/dev/null; $(call took,host)

all: agent initrd host

# The kernel decides which initrd it needs: a built one has its drivers inside.
ifneq ($(built_kernel),)
demo: setup agent initrd host
	@$(call say,demo,with the kernel that was built here)
	@build/kihon demo
else
demo: setup agent initrd initrd-packaged host
	@$(call say,demo,with the packaged kernel of Debian (`make kernel` builds a smaller and faster one))
	@build/kihon demo
endif

# The picture in the README, from a real run.
picture: all
	@$(tsx) test/support/picture/main.ts

install: all
	@$(tsx) host/build/install.ts '$(PREFIX)' $(if $(DESTDIR),'$(DESTDIR)') --arch $(ARCH) $(if $(DEFAULT_NAMES),--default-names)

# --- Checking ---------------------------------------------------------------------------------------------------------

check: lint typecheck

# The longest first, for those who run them beside other things.
lint: lint-rules lint-imports lint-format

lint-rules: setup
	@$(call say,lint,rules); node_modules/.bin/eslint .; $(call took,lint)

lint-imports: setup
	@$(call say,lint,import directions)
	@node_modules/.bin/depcruise --config .dependency-cruiser.cjs --output-type err agent host kernel-config proto rootfs-builder test

lint-format: setup
	@$(call say,lint,format); node_modules/.bin/prettier --check --log-level warn .; $(call took,lint)

typecheck: setup
	@$(call say,types,tsc)
	@node_modules/.bin/tsc --noEmit -p tsconfig.json
	@node_modules/.bin/tsc --noEmit -p agent/tsconfig.json; $(call took,types)

format: setup
	@node_modules/.bin/prettier --write --log-level warn .

# The agent with failpoints, for tests only; after the other one, whose interpreter it shares.
test-agent: $(out)/kihon-agent-failpoints
$(out)/kihon-agent-failpoints: $(agent_sources) | setup $(out)/kihon-agent
	@$(call say,agent,test build with failpoints)
	@$(tsx) agent/build/build.ts --arch $(ARCH) --failpoints; touch $@; $(call took,agent)

suite = $(tsx) test/support/run-suites.ts $(1) $(if $(ONLY),-- $(ONLY))

# Each lane takes little more than one processor, for about as long as the other; the last one hardly takes any.
all_suites := unit,conformance,integration+engine,vm+waiting

# The kernel first: what is installed and booted is tested with it.
test: setup
	@$(MAKE) kernel CONFIG=lean
	@$(MAKE) IS_BESIDE=1 -j2 --output-sync=target lint-rules all test-agent check
	@$(call suite,$(all_suites))

test-unit: setup
	@$(call suite,unit)

test-engine: setup agent
	@$(call suite,engine)

test-integration: all test-agent
	@$(call suite,integration)

test-conformance: all
	@$(call suite,conformance)

test-vm: all test-agent
	@$(call suite,vm)

test-waiting: all test-agent
	@$(call suite,waiting)

# Every base, format and machine, aarch64 included; about ten minutes without hardware virtualization, and what the kernels take that were
# not built before. make test has a row for each way to attach a root.
test-images: all
	@for config in lean kata; do $(MAKE) kernel CONFIG=$$config; done
	@$(MAKE) agent kernel CONFIG=lean ARCH=aarch64
	@$(vitest) --project images $(ONLY)

# Boots what `make kernels` or `make kernel` has made besides lean; names what is missing.
test-kernels: all
	@bash rootfs-builder/setup/install.sh foreign-vm
	@$(vitest) --project kernels $(ONLY)

# Needs root, and skips what is not installed: containerd, podman with conmon, docker.io. They are not part of the set-up.
test-dropin: agent
	@$(tsx) test/dropin/run.ts $(out)/kihon-agent

bench: all
	@bash rootfs-builder/setup/install.sh bench
	@$(tsx) test/bench/main.ts

# Options and names of scenarios: `npx tsx test/soak/main.ts --help`.
soak: all
	@$(tsx) test/soak/main.ts $(SOAK)

fuzz: setup
	@$(call suite,fuzz)

# --- Removing ---------------------------------------------------------------------------------------------------------

clean:
	rm -rf build agent/src/abi/generated proto/gen

distclean: clean
	rm -rf .cache node_modules
