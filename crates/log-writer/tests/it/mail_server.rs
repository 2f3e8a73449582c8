//! A mail server of the test's own: real SMTP over real TLS, with a password; it keeps what it is given.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use mailin::{Action, AuthMechanism, Handler, Response, Session, SessionBuilder, response};
use mailparse::{MailHeaderMap as _, ParsedMail};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use testkit::wait;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::world::LIMIT;

pub(crate) const USER: (&str, &str) = ("coccinelle", "a password");

/// A mail as it was received.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    pub(crate) to: Vec<String>,
    raw: Vec<u8>,
}

impl Mail {
    fn parsed(&self) -> ParsedMail<'_> {
        mailparse::parse_mail(&self.raw).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> String {
        self.parsed().headers.get_first_value(name).unwrap_or_default()
    }

    pub(crate) fn subject(&self) -> String {
        self.header("Subject")
    }

    /// The body of that type, decoded.
    pub(crate) fn part(&self, mime: &str) -> String {
        let parsed = self.parsed();
        let part = parsed.parts().find(|part| part.ctype.mimetype == mime);
        part.unwrap_or_else(|| panic!("no {mime}")).get_body().unwrap()
    }
}

#[derive(Debug, Default)]
struct State {
    mails: Vec<Mail>,
    is_away: bool,
    /// Callers who were sent away.
    turned_away: usize,
}

/// It listens until the test ends.
pub(crate) struct MailServer {
    pub(crate) port: u16,
    /// The certificate that clients have to trust.
    pub(crate) certificate: String,
    state: Arc<Mutex<State>>,
}

impl MailServer {
    /// One that is spoken to in the clear until TLS is asked for.
    pub(crate) async fn start() -> Self {
        Self::listen(false).await
    }

    /// One that speaks nothing but TLS.
    pub(crate) async fn start_wrapped() -> Self {
        Self::listen(true).await
    }

    async fn listen(is_wrapped: bool) -> Self {
        let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let private = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.signing_key.serialize_der()));
        let config = ServerConfig::builder().with_no_client_auth();
        let config = config.with_single_cert(vec![key.cert.der().clone()], private).unwrap();
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.unwrap();
        let (port, state) = (listener.local_addr().unwrap().port(), Arc::<Mutex<State>>::default());
        let kept = Arc::clone(&state);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let is_away = {
                    let mut state = kept.lock().unwrap();
                    state.turned_away += usize::from(state.is_away);
                    state.is_away
                };
                if !is_away {
                    tokio::spawn(serve(stream, (acceptor.clone(), is_wrapped), Arc::clone(&kept)));
                }
            }
        });
        Self { port, certificate: key.cert.pem(), state }
    }

    /// Hangs up on everybody, or no longer does.
    pub(crate) fn set_away(&self, is_away: bool) {
        self.state.lock().unwrap().is_away = is_away;
    }

    pub(crate) async fn turned_away(&self, wanted: usize) {
        wait::until("callers", LIMIT, || async {
            let found = self.state.lock().unwrap().turned_away;
            if found >= wanted { Ok(()) } else { Err(found) }
        })
        .await;
    }

    /// Waits until so many mails came; all that have come by then.
    pub(crate) async fn mails(&self, wanted: usize) -> Vec<Mail> {
        wait::until("mails", LIMIT, || async {
            let mails = self.state.lock().unwrap().mails.clone();
            if mails.len() >= wanted { Ok(mails) } else { Err(mails.len()) }
        })
        .await
    }
}

struct Inbox {
    state: Arc<Mutex<State>>,
    is_known: bool,
    mail: Mail,
}

impl Handler for Inbox {
    fn auth_plain(&mut self, _: &str, user: &str, password: &str) -> Response {
        self.is_known = (user, password) == USER;
        if self.is_known { response::AUTH_OK } else { response::INVALID_CREDENTIALS }
    }

    fn mail(&mut self, _: IpAddr, _: &str, _: &str) -> Response {
        if self.is_known { response::OK } else { response::AUTHENTICATION_REQUIRED }
    }

    fn data_start(&mut self, _: &str, _: &str, _: bool, to: &[String]) -> Response {
        self.mail = Mail { to: to.to_vec(), raw: Vec::new() };
        response::OK
    }

    fn data(&mut self, buffer: &[u8]) -> std::io::Result<()> {
        self.mail.raw.extend_from_slice(buffer);
        Ok(())
    }

    fn data_end(&mut self) -> Response {
        self.state.lock().unwrap().mails.push(self.mail.clone());
        response::OK
    }
}

async fn serve(mut stream: TcpStream, (acceptor, is_wrapped): (TlsAcceptor, bool), state: Arc<Mutex<State>>) {
    let inbox = Inbox { state, is_known: false, mail: Mail { to: Vec::new(), raw: Vec::new() } };
    let mut builder = SessionBuilder::new("localhost");
    builder.enable_start_tls().enable_auth(AuthMechanism::Plain);
    let mut session = builder.build(IpAddr::V4(Ipv4Addr::LOCALHOST), inbox);
    let greeting = session.greeting().buffer().unwrap();
    if !is_wrapped {
        let mut clear = BufReader::new(stream);
        let is_greeted = clear.write_all(&greeting).await.is_ok();
        if !is_greeted || converse(&mut clear, &mut session).await != Action::UpgradeTls {
            return;
        }
        stream = clear.into_inner();
    }
    session.tls_active();
    let accepting = tokio::time::timeout(Duration::from_secs(30), acceptor.accept(stream));
    let Ok(Ok(stream)) = accepting.await else { return };
    let mut stream = BufReader::new(stream);
    // Nobody is greeted twice.
    if !is_wrapped || stream.write_all(&greeting).await.is_ok() {
        converse(&mut stream, &mut session).await;
    }
}

/// Answers line by line until the talk ends or goes on by TLS.
async fn converse<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut BufReader<S>,
    session: &mut Session<Inbox>,
) -> Action {
    loop {
        let mut line = Vec::new();
        if stream.read_until(b'\n', &mut line).await.unwrap_or(0) == 0 {
            return Action::Close;
        }
        let response = session.process(&line);
        if response.action == Action::NoReply {
            continue;
        }
        if stream.write_all(&response.buffer().unwrap()).await.is_err() || response.action != Action::Reply {
            return response.action;
        }
    }
}
