# The two commands: `make run` and `make test`. Everything else is for those who change Twinkey.

# Outside the checkout, so that the next clone on this machine builds only what changed.
export CARGO_TARGET_DIR ?= $(HOME)/.cache/twinkey/target

# What the portal is made of; its tests are not.
PORTAL := $(shell find portal/src portal/public portal/snippets -type f 2>/dev/null) portal/index.html portal/package.json \
  portal/vite.config.ts portal/tsconfig.json openapi.json

.PHONY: help run test check openapi format portal screenshots

help:
	@echo "make run      build and start Twinkey with the embedded broker and SQLite (ARGS='--listen …' for settings)"
	@echo "make test     pass every test, installing what the tests need"
	@echo "make check    formatting, lints, licences, generated files"
	@echo "make portal   build the portal's pages (make run does it as well)"
	@echo "make screenshots  pictures of every page of the portal, in portal/screenshots"
	@echo "make openapi  write openapi.json anew from the handlers"
	@echo "make format   format the code"

run:
	@scripts/setup build
	@$(MAKE) --no-print-directory portal
	@cargo build --release --locked --package twinkey
	@exec "$(CARGO_TARGET_DIR)/release/twinkey" serve $(ARGS)

test:
	@scripts/setup test
	@$(MAKE) --no-print-directory portal
	@scripts/test

check:
	@scripts/setup build
	@$(MAKE) --no-print-directory portal
	cd portal && npm run --silent check
	cargo fmt --all -- --check
	cargo clippy --locked --workspace --all-targets -- --deny warnings
	scripts/licences
	cargo run --quiet --locked --package twinkey -- openapi | diff --brief - openapi.json

portal: portal/dist/index.html

portal/node_modules/.package-lock.json: portal/package-lock.json
	@echo "twinkey: fetching what the portal is built with" >&2
	@cd portal && npm ci --no-progress --loglevel=error
	@touch $@

portal/dist/index.html: portal/node_modules/.package-lock.json $(PORTAL)
	@echo "twinkey: building the portal" >&2
	@cd portal && npm run --silent build -- --logLevel warn
	@touch $@

screenshots:
	@scripts/setup test
	@$(MAKE) --no-print-directory portal
	cargo build --locked --package twinkey
	cd portal && TWINKEY_BIN="$(CARGO_TARGET_DIR)/debug/twinkey" npx playwright test --project screenshots

openapi:
	cargo run --quiet --package twinkey -- openapi > openapi.json

format:
	cargo fmt --all
	cd portal && npm run --silent format
