//! The mail server: how it is reached, and what its answers mean.

use std::error::Error as _;
use std::io;

use domain::id::MessageId;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use runtime::config::{AlertSettings, SmtpSecurity};
use secrecy::ExposeSecret as _;
use serde_json::Value;

/// The mail server cannot be used as it is set.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MailError {
    /// The sender's address.
    #[error("the setting `alerts.from` is no address")]
    From(#[from] lettre::address::AddressError),
    /// The certificate's file.
    #[error("the file in `alerts.smtp_ca_file` cannot be read")]
    Certificate(#[from] io::Error),
    /// The server's name or certificate.
    #[error("the mail server's settings cannot be used")]
    Server(#[from] lettre::transport::smtp::Error),
}

/// Why a mail was not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unsent {
    /// The server is not there, or takes nothing from us: no other mail would be taken either.
    #[error("the mail server takes nothing: {0}")]
    Away(#[source] lettre::transport::smtp::Error),
    /// The server does not take this one now.
    #[error("the mail server puts it off: {0}")]
    Later(#[source] lettre::transport::smtp::Error),
    /// The server will never take this one.
    #[error("the mail server refuses it: {0}")]
    Never(#[source] lettre::transport::smtp::Error),
    /// It is no mail.
    #[error("it cannot be made a mail: {0}")]
    Malformed(String),
}

/// A mail server and whom mails are from.
#[derive(Debug)]
pub(super) struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

impl Smtp {
    /// The mail server in the settings; `None` where there is none.
    pub(super) fn new(settings: &AlertSettings) -> Result<Option<Self>, MailError> {
        let from: Mailbox = settings.from.parse()?;
        let Some(host) = &settings.smtp_host else { return Ok(None) };
        let tls = |parameters: TlsParameters| match settings.smtp_security {
            SmtpSecurity::Tls => Tls::Wrapper(parameters),
            SmtpSecurity::Starttls => Tls::Required(parameters),
            SmtpSecurity::None => Tls::None,
        };
        let mut parameters = TlsParameters::builder(host.clone());
        if let Some(file) = &settings.smtp_ca_file {
            parameters = parameters.add_root_certificate(Certificate::from_pem(&std::fs::read(file)?)?);
        }
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(host)
            .port(settings.smtp_port)
            .tls(tls(parameters.build()?))
            .timeout(Some(settings.timeout))
            .hello_name(ClientId::Domain(from.email.domain().to_owned()));
        if let (Some(username), Some(password)) = (&settings.smtp_username, &settings.smtp_password) {
            builder = builder.credentials(Credentials::new(username.clone(), password.expose_secret().to_owned()));
        }
        Ok(Some(Self { transport: builder.build(), from }))
    }

    /// Sends a mail; `id` is the same however often it is sent.
    pub(super) async fn send(&self, id: MessageId, to: &str, content: &Value) -> Result<(), Unsent> {
        let mail = self.compose(id, to, content).map_err(|error| Unsent::Malformed(error.to_string()))?;
        self.transport.send(mail).await.map(drop).map_err(|error| match error.status().map(u16::from) {
            // A mailbox, or what is written to it. Any other refusal is about us.
            Some(550..=554) => Unsent::Never(error),
            Some(450..=452) => Unsent::Later(error),
            // Not every server takes an address beyond ASCII (RFC 6531), and one that does not is not even asked: by these words alone
            // that is told from a server that lacks something else for now.
            None if error.source().is_some_and(|why| why.to_string().contains("SMTPUTF8")) => Unsent::Never(error),
            Some(_) | None => Unsent::Away(error),
        })
    }

    fn compose(
        &self,
        id: MessageId,
        to: &str,
        content: &Value,
    ) -> Result<Message, Box<dyn std::error::Error + Send + Sync>> {
        let part = |name: &str| content.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        // So that nobody's holiday notice answers.
        let automatic = HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".to_owned());
        Ok(Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to.parse()?))
            .subject(part("subject"))
            .message_id(Some(format!("<{id}@{}>", self.from.email.domain())))
            .raw_header(automatic)
            .multipart(MultiPart::alternative_plain_html(part("text"), part("html")))?)
    }
}
