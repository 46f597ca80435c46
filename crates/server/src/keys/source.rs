//! Where master keys come from.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use crate::{
    files::{create_private, write_private},
    random::Random,
};

/// Where the master key comes from.
#[derive(Clone)]
pub enum MasterKeySource {
    /// A file with 43 base64url characters, mode 0600.
    File(PathBuf),
    /// The same 43 characters, from the variable `TWINKEY_MASTER_KEY`.
    Value(Zeroizing<String>),
    /// The same 43 characters, from the variable `TWINKEY_PREVIOUS_MASTER_KEY`.
    PreviousValue(Zeroizing<String>),
}

/// Why there is no usable master key; the sentences say which file or variable.
#[derive(Debug, thiserror::Error)]
pub enum MasterKeyError {
    /// The file is not there although there is data that needs it.
    #[error(
        "the master key file {0} is missing, and the database needs the key it was created with; restore the file, or set TWINKEY_MASTER_KEY"
    )]
    Missing(PathBuf),
    /// The file cannot be read or made.
    #[error("cannot read or create the master key file {path}: {source}")]
    File {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The text is not a key.
    #[error("the master key in {0} is not valid: it must be 32 bytes in base64url (43 characters)")]
    Form(String),
    /// It is a key, but not the one that encrypted this database.
    #[error(
        "the master key in {0} is not the one that this database was created with; whoever wants to change the key gives the \
         old one too, with --previous-master-key-file"
    )]
    Wrong(String),
    /// It is the right one for a part of the tokens only.
    #[error(
        "{count} tokens are still under the master key {key}, which was not given; start with --previous-master-key-file (or \
         TWINKEY_PREVIOUS_MASTER_KEY) until `twinkey keys status` says that nothing needs it any longer"
    )]
    StillNeeded {
        /// The missing key's id.
        key: String,
        /// How many tokens would be lost.
        count: u64,
    },
    /// The same key twice.
    #[error(
        "the previous master key in {previous} is the same as the master key in {primary}; leave the previous one out"
    )]
    Same {
        /// Where the one comes from.
        primary: String,
        /// Where the other comes from.
        previous: String,
    },
}

impl From<PathBuf> for MasterKeySource {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

impl MasterKeySource {
    /// What to call it in an error.
    pub fn name(&self) -> String {
        match self {
            Self::File(path) => path.display().to_string(),
            Self::Value(_) => "TWINKEY_MASTER_KEY".to_owned(),
            Self::PreviousValue(_) => "TWINKEY_PREVIOUS_MASTER_KEY".to_owned(),
        }
    }

    /// The 32 bytes of the key. A file that is not there is made if `may_create`.
    pub(super) fn read(&self, may_create: bool, random: &Random) -> Result<Zeroizing<Vec<u8>>, MasterKeyError> {
        let text = self.text(may_create, random)?;
        let form = || MasterKeyError::Form(self.name());
        let key = Zeroizing::new(URL_SAFE_NO_PAD.decode(text.trim()).map_err(|_| form())?);
        if key.len() == 32 { Ok(key) } else { Err(form()) }
    }

    fn text(&self, may_create: bool, random: &Random) -> Result<Zeroizing<String>, MasterKeyError> {
        let path = match self {
            Self::File(path) => path,
            Self::Value(text) | Self::PreviousValue(text) => return Ok(text.clone()),
        };
        let failed = |source| MasterKeyError::File { path: path.clone(), source };
        match fs::read_to_string(path) {
            Ok(text) => Ok(Zeroizing::new(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound && may_create => {
                let text = fresh(random);
                write_private(path, text.as_bytes()).map_err(failed)?;
                Ok(text)
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Err(MasterKeyError::Missing(path.clone())),
            Err(error) => Err(failed(error)),
        }
    }
}

/// Makes a file with a fresh key, mode 0600; a file that is there already is left alone and is an error.
pub fn generate(path: &Path, random: &Random) -> io::Result<()> {
    create_private(path, fresh(random).as_bytes())
}

fn fresh(random: &Random) -> Zeroizing<String> {
    Zeroizing::new(URL_SAFE_NO_PAD.encode(Zeroizing::new(random.bytes::<32>())))
}
