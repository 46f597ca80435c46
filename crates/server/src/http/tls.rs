//! TLS for the API: the operator's certificate and key, read again when they change.
//!
//! The two files are looked at every ten seconds, and at once when the process is asked to (SIGHUP). Looking at their content
//! needs no notifications of the file system, which do not see what certbot and Kubernetes do: they swing a symbolic link
//! further up. A renewal that is half written, certificate and key not belonging together, is refused and tried again ten
//! seconds later; until then the old certificate is shown.

use std::{
    path::PathBuf,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use rustls::{
    ServerConfig,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use sha2::{Digest, Sha256};
use tokio::{sync::Notify, time::MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Where the operator keeps certificate and key, both PEM.
#[derive(Debug, Clone)]
pub struct TlsFiles {
    /// The server's certificate, and behind it those that lead to the CA.
    pub certificate: PathBuf,
    /// The private key of the first certificate.
    pub key: PathBuf,
}

/// Why certificate and key cannot be used; the sentences name the file.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {0}, which the API's TLS needs: {1}")]
    Read(PathBuf, String),
    /// No certificate in it.
    #[error("{0} holds no certificate in PEM form (-----BEGIN CERTIFICATE-----): {1}")]
    Certificate(PathBuf, String),
    /// No private key in it.
    #[error("{0} holds no private key in PEM form (-----BEGIN PRIVATE KEY-----): {1}")]
    Key(PathBuf, String),
    /// They are what they should be, but do not belong together, or are of a kind that is not supported.
    #[error("the certificate in {0} and the key in {1} cannot be used together: {2}")]
    Pair(PathBuf, PathBuf, String),
}

/// The certificate that the API shows at the moment.
#[derive(Debug)]
pub struct ApiTls {
    files: TlsFiles,
    current: RwLock<Loaded>,
    look: Notify,
}

#[derive(Debug, Clone)]
struct Loaded {
    pair: Arc<CertifiedKey>,
    /// Of both files, to notice a change without keeping the key's text.
    digest: [u8; 32],
}

impl ApiTls {
    /// Reads the files for the first time.
    pub async fn load(files: TlsFiles) -> Result<Arc<Self>, TlsError> {
        let loaded = read(&files).await?;
        Ok(Arc::new(Self { files, current: RwLock::new(loaded), look: Notify::new() }))
    }

    /// A listener's settings, which always show the newest certificate. HTTP/1.1 is all that is spoken behind it.
    pub fn server_config(self: &Arc<Self>) -> Arc<ServerConfig> {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .expect("ring supports the versions that are the default")
            .with_no_client_auth()
            .with_cert_resolver(self.clone());
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Arc::new(config)
    }

    /// The server's own certificate (DER in base64), by which the command line on this machine recognises it.
    pub fn certificate(&self) -> String {
        STANDARD.encode(self.current().pair.cert.first().map_or(&[][..], |certificate| certificate))
    }

    /// Looks at the files now rather than within ten seconds.
    pub fn look_now(&self) {
        self.look.notify_one();
    }

    /// Follows the files until `shutdown`; `changed` is called after each change.
    pub async fn follow(self: Arc<Self>, shutdown: CancellationToken, changed: impl Fn() + Send) {
        let mut ticks = tokio::time::interval(LOOK_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut complaint = None;
        loop {
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = self.look.notified() => {}
                _ = ticks.tick() => {}
            }
            match read(&self.files).await {
                Ok(loaded) if loaded.digest == self.current().digest => complaint = None,
                Ok(loaded) => {
                    *self.current.write().unwrap_or_else(PoisonError::into_inner) = loaded;
                    complaint = None;
                    tracing::info!(certificate = %self.files.certificate.display(), "the API shows a new certificate");
                    changed();
                }
                // Said once, not every ten seconds.
                Err(error) if complaint.as_ref() == Some(&error) => {}
                Err(error) => {
                    tracing::error!(%error, "the API goes on with the certificate it had");
                    complaint = Some(error);
                }
            }
        }
    }

    fn current(&self) -> Loaded {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ResolvesServerCert for ApiTls {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current().pair)
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

async fn read(files: &TlsFiles) -> Result<Loaded, TlsError> {
    let TlsFiles { certificate, key } = files;
    let text = async |path: &PathBuf| {
        let read = tokio::fs::read(path).await;
        read.map(Zeroizing::new).map_err(|error| TlsError::Read(path.clone(), error.to_string()))
    };
    let (chain_text, key_text) = (text(certificate).await?, text(key).await?);
    let chain = CertificateDer::pem_slice_iter(&chain_text).collect::<Result<Vec<_>, _>>();
    let chain = chain.map_err(|error| TlsError::Certificate(certificate.clone(), error.to_string()))?;
    if chain.is_empty() {
        return Err(TlsError::Certificate(certificate.clone(), "there is none in it".into()));
    }
    let key_der = PrivateKeyDer::from_pem_slice(&key_text);
    let key_der = key_der.map_err(|error| TlsError::Key(key.clone(), error.to_string()))?;
    // This compares the public keys, so a pair of two different renewals is noticed here.
    let pair = CertifiedKey::from_der(chain, key_der, &provider())
        .map_err(|error| TlsError::Pair(certificate.clone(), key.clone(), error.to_string()))?;
    let digest = Sha256::new().chain_update(Sha256::digest(&*chain_text)).chain_update(Sha256::digest(&*key_text));
    Ok(Loaded { pair: Arc::new(pair), digest: digest.finalize().into() })
}
