//! `twinkey completions`.

use std::io::Write;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

/// Print the completions of a shell
#[derive(Args)]
#[command(
    after_help = "Examples:\n  source <(twinkey completions bash)                                   # in ~/.bashrc\n  \
    twinkey completions zsh > \"${fpath[1]}/_twinkey\"\n  \
    twinkey completions fish > ~/.config/fish/completions/twinkey.fish"
)]
pub struct Completions {
    /// The shell
    shell: Shell,
}

impl Completions {
    pub fn run<C: CommandFactory>(&self) -> anyhow::Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut C::command(), "twinkey", &mut script);
        Ok(std::io::stdout().write_all(&script)?)
    }
}
