//! A line between the services and a server: it carries, is silent as a pulled cable is, refuses, or leads to another server.

use std::net::Ipv4Addr;
use std::pin::pin;

use anyhow::Context as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Carries,
    /// Connections stay, and nothing passes.
    Silent,
    /// Connections are closed, new ones at once.
    Refuses,
}

/// It, as long as this is kept.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) port: u16,
    state: watch::Sender<State>,
    server: watch::Sender<u16>,
    accepting: JoinHandle<()>,
}

impl Line {
    /// A line to the server that listens on this port; it carries at first.
    pub(super) async fn to(server: u16) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context("a line finds no port")?;
        let port = listener.local_addr()?.port();
        let (state, seen) = watch::channel(State::Carries);
        let (server, end) = watch::channel(server);
        let accepting = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = *end.borrow();
                tokio::spawn(carry(client, server, seen.clone()));
            }
        });
        Ok(Self { port, state, server, accepting })
    }

    pub(super) fn becomes(&self, state: State) {
        self.state.send_replace(state);
    }

    /// Connections that are made from now on reach the server that listens on this port.
    pub(super) fn leads_to(&self, server: u16) {
        self.server.send_replace(server);
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn carry(mut client: TcpStream, server: u16, mut state: watch::Receiver<State>) {
    let Ok(mut server) = TcpStream::connect((Ipv4Addr::LOCALHOST, server)).await else { return };
    let mut flow = pin!(tokio::io::copy_bidirectional(&mut client, &mut server));
    loop {
        let now = *state.borrow_and_update();
        match now {
            State::Refuses => return,
            State::Silent => {
                if state.changed().await.is_err() {
                    return;
                }
            }
            State::Carries => tokio::select! {
                _ = &mut flow => return,
                changed = state.changed() => {
                    if changed.is_err() {
                        return;
                    }
                }
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn a_line_carries_keeps_what_it_was_given_while_silent_and_refuses() {
        let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let line = Line::to(server.local_addr().unwrap().port()).await.unwrap();
        let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, line.port)).await.unwrap();
        let (mut end, _) = server.accept().await.unwrap();
        client.write_all(b"a").await.unwrap();
        assert_eq!(end.read_u8().await.unwrap(), b'a');
        line.becomes(State::Silent);
        client.write_all(b"b").await.unwrap();
        line.becomes(State::Carries);
        assert_eq!(end.read_u8().await.unwrap(), b'b');
        line.becomes(State::Refuses);
        assert!(client.read_u8().await.is_err());
    }
    #[tokio::test]
    async fn a_line_leads_to_another_server_once_the_first_is_gone() {
        let first = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let second = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let line = Line::to(first.local_addr().unwrap().port()).await.unwrap();
        drop(first);
        let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, line.port)).await.unwrap();
        assert!(client.read_u8().await.is_err());
        line.leads_to(second.local_addr().unwrap().port());
        let mut client = TcpStream::connect((Ipv4Addr::LOCALHOST, line.port)).await.unwrap();
        let (mut end, _) = second.accept().await.unwrap();
        client.write_all(b"a").await.unwrap();
        assert_eq!(end.read_u8().await.unwrap(), b'a');
    }
}
