# The two commands: `make run` and `make test`. Everything else is for those who change Twinkey.

# Outside the checkout, so that the next clone on this machine builds only what changed.
export CARGO_TARGET_DIR ?= $(HOME)/.cache/twinkey/target

.PHONY: help run test check openapi format

help:
	@echo "make run      build and start Twinkey with the embedded broker and SQLite (ARGS='--listen …' for settings)"
	@echo "make test     pass every test, installing what the tests need"
	@echo "make check    formatting, lints, licences, generated files"
	@echo "make openapi  write openapi.json anew from the handlers"
	@echo "make format   format the code"

run:
	@scripts/setup build
	@cargo build --release --locked --package twinkey
	@exec "$(CARGO_TARGET_DIR)/release/twinkey" serve $(ARGS)

test:
	@scripts/setup test
	@scripts/test

check:
	@scripts/setup build
	cargo fmt --all -- --check
	cargo clippy --locked --workspace --all-targets -- --deny warnings
	scripts/licences
	cargo run --quiet --locked --package twinkey -- openapi | diff --brief - openapi.json

openapi:
	cargo run --quiet --package twinkey -- openapi > openapi.json

format:
	cargo fmt --all
