//! Sending invitations by e-mail, where the operator has a mail server.

use std::time::Duration;

use lettre::{
    AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor, message::Mailbox, transport::smtp,
    transport::smtp::authentication::Credentials,
};
use zeroize::Zeroizing;

/// How long the mail server may take; the inviter waits for it.
const LIMIT: Duration = Duration::from_secs(10);

/// How to send mail.
#[derive(Clone)]
pub struct MailSettings {
    /// `smtps://HOST[:PORT]`, `smtp://HOST[:PORT]?tls=required` (STARTTLS), or `smtp://…` without encryption.
    pub url: String,
    /// The account on the mail server, if it wants one.
    pub user: Option<String>,
    /// Its password.
    pub password: Option<Zeroizing<String>>,
    /// The sender: an address, or `Name <address>`.
    pub from: String,
}

/// Why mail cannot be sent with these settings.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// Not a URL of a mail server.
    #[error("the mail server's URL cannot be used: {0}; write smtps://HOST or smtp://HOST:PORT?tls=required")]
    Url(#[from] smtp::Error),
    /// Not an address.
    #[error("the sender '{0}' is not an e-mail address: {1}")]
    Sender(String, lettre::address::AddressError),
}

/// A mail server.
pub struct Mail {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Mail {
    /// Nothing is sent yet, and the mail server is not asked.
    pub fn new(settings: &MailSettings) -> Result<Self, MailError> {
        let from = settings.from.parse();
        let from = from.map_err(|error| MailError::Sender(settings.from.clone(), error))?;
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(&settings.url)?.timeout(Some(LIMIT));
        if let (Some(user), Some(password)) = (&settings.user, &settings.password) {
            builder = builder.credentials(Credentials::new(user.clone(), password.to_string()));
        }
        Ok(Self { transport: builder.build(), from })
    }

    /// Sends one text. Tells whether the mail server has taken it; why not stands in the log.
    pub async fn send(&self, to: &str, subject: &str, text: String) -> bool {
        match tokio::time::timeout(LIMIT, self.try_send(to, subject, text)).await {
            Ok(Ok(())) => true,
            Ok(Err(error)) => {
                tracing::warn!(error, "an e-mail was not sent");
                false
            }
            Err(_) => {
                tracing::warn!("an e-mail was not sent: the mail server takes too long");
                false
            }
        }
    }

    async fn try_send(&self, to: &str, subject: &str, text: String) -> Result<(), String> {
        let to: Mailbox = to.parse().map_err(|error: lettre::address::AddressError| error.to_string())?;
        let message = Message::builder().from(self.from.clone()).to(to).subject(subject).body(text);
        let message = message.map_err(|error| error.to_string())?;
        self.transport.send(message).await.map(drop).map_err(|error| error.to_string())
    }
}
