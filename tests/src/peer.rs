//! Shell: peers that are no brokers, on ports that the system chose.

#![expect(
    clippy::disallowed_methods,
    reason = "a shell: listens on a port and misbehaves there"
)]

use std::fmt;
use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;

use crate::failure::Failure;

/// What a client can meet instead of a broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misbehaviour {
    /// Nobody listens.
    Refuses,
    /// Connections are accepted, and nothing is ever answered.
    IsSilent,
    /// Whatever is asked, the answer announces two gigabytes.
    AnnouncesTooMuch,
    /// Whatever is asked, the answer has a negative length.
    AnnouncesNegative,
    /// Whatever is asked, the answer is a frame of bytes that mean nothing.
    TalksNonsense,
    /// The port belongs to a web server.
    SpeaksHttp,
    /// Connections are accepted and closed at once.
    HangsUp,
}

impl Misbehaviour {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Refuses,
        Self::IsSilent,
        Self::AnnouncesTooMuch,
        Self::AnnouncesNegative,
        Self::TalksNonsense,
        Self::SpeaksHttp,
        Self::HangsUp,
    ];
}

impl fmt::Display for Misbehaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

/// A peer that misbehaves until the process ends.
#[derive(Debug)]
pub struct Peer {
    address: SocketAddr,
    /// Held, so that nobody else gets the port, although nothing listens there.
    _reserved: Option<TcpStream>,
}

impl Peer {
    /// Starts a peer.
    ///
    /// # Errors
    ///
    /// If there is no port or no thread for it.
    pub fn start(misbehaviour: Misbehaviour) -> Result<Self, Failure> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        if misbehaviour == Misbehaviour::Refuses {
            return Self::refusing(&listener);
        }
        thread::Builder::new()
            .name(format!("peer that {misbehaviour}"))
            .spawn(move || {
                for stream in listener.incoming().map_while(Result::ok) {
                    serve(misbehaviour, stream);
                }
            })?;
        Ok(Self {
            address,
            _reserved: None,
        })
    }

    /// A port is refused and yet taken while it is the local end of a connection to elsewhere.
    fn refusing(elsewhere: &TcpListener) -> Result<Self, Failure> {
        let stream = TcpStream::connect(elsewhere.local_addr()?)?;
        Ok(Self {
            address: stream.local_addr()?,
            _reserved: Some(stream),
        })
    }

    /// Its `host:port`.
    pub fn address(&self) -> String {
        self.address.to_string()
    }
}

fn serve(misbehaviour: Misbehaviour, mut stream: TcpStream) {
    let answer: &[u8] = match misbehaviour {
        Misbehaviour::Refuses => return,
        Misbehaviour::HangsUp => {
            // The other side may be gone already.
            let _ = stream.shutdown(Shutdown::Both);
            return;
        }
        Misbehaviour::IsSilent => &[],
        Misbehaviour::AnnouncesTooMuch => &[0x7f, 0xff, 0xff, 0xff, 1, 2, 3, 4],
        Misbehaviour::AnnouncesNegative => &[0xff, 0xff, 0xff, 0xf0, 1, 2, 3, 4],
        Misbehaviour::TalksNonsense => &[0, 0, 0, 8, 0xde, 0xad, 0xbe, 0xef, 1, 2, 3, 4],
        Misbehaviour::SpeaksHttp => b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
    };
    let talk = move || {
        let mut request = [0; 4096];
        while stream.read(&mut request).is_ok_and(|length| length > 0) {
            if stream.write_all(answer).is_err() {
                break;
            }
        }
    };
    // Without a thread this connection is closed, which is misbehaviour as well.
    let _ = thread::Builder::new().name("peer".into()).spawn(talk);
}
