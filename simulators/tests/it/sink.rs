//! A broker in a few lines that does as the test says: it acknowledges, drops connections, or refuses them.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// How the broker behaves.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Manners {
    /// Answer to CONNECT.
    pub(crate) connack: u8,
    /// Drops each connection but the last after this many messages, the last half of them unacknowledged.
    pub(crate) drop_after: Option<usize>,
    /// How many connections it drops so.
    pub(crate) drops: usize,
}

/// A message that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Arrived {
    pub(crate) topic: String,
    pub(crate) payload: Vec<u8>,
    pub(crate) qos: u8,
}

pub(crate) struct Sink {
    pub(crate) addr: SocketAddr,
    arrived: Arc<Mutex<Vec<Arrived>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Sink {
    pub(crate) async fn start(manners: Manners) -> Sink {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let arrived = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&arrived);
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            let mut n = 0;
            while let Ok((stream, _)) = listener.accept().await {
                let drop_after = manners.drop_after.filter(|_| n < manners.drops);
                n += 1;
                connections.spawn(serve(stream, manners.connack, drop_after, Arc::clone(&seen)));
            }
        });
        Sink { addr, arrived, task }
    }

    pub(crate) fn broker(&self) -> vlot_simulators::mqtt::Broker {
        vlot_simulators::mqtt::Broker::new("127.0.0.1", self.addr.port())
    }

    pub(crate) fn arrived(&self) -> Vec<Arrived> {
        self.arrived.lock().unwrap().clone()
    }
}

/// Serves a connection until it ends, or until it is to be dropped.
async fn serve(
    mut stream: TcpStream,
    connack: u8,
    drop_after: Option<usize>,
    arrived: Arc<Mutex<Vec<Arrived>>>,
) {
    let mut n = 0;
    while let Some((first, body)) = packet(&mut stream).await {
        let answer = match first >> 4 {
            1 => vec![0x20, 2, 0, connack],
            3 => {
                let qos = (first >> 1) & 3;
                let topic_len = usize::from(u16::from_be_bytes([body[0], body[1]]));
                let topic = String::from_utf8(body[2..2 + topic_len].to_vec()).unwrap();
                let rest = &body[2 + topic_len..];
                let (id, payload) = if qos > 0 { rest.split_at(2) } else { rest.split_at(0) };
                arrived.lock().unwrap().push(Arrived { topic, payload: payload.to_vec(), qos });
                n += 1;
                match drop_after {
                    Some(limit) if n >= limit => return,
                    Some(limit) if n > limit / 2 => continue,
                    _ if qos == 0 => continue,
                    _ => vec![0x40, 2, id[0], id[1]],
                }
            }
            12 => vec![0xD0, 0],
            _ => return,
        };
        if stream.write_all(&answer).await.is_err() {
            return;
        }
    }
}

async fn packet(stream: &mut TcpStream) -> Option<(u8, Vec<u8>)> {
    let first = stream.read_u8().await.ok()?;
    let mut len = 0;
    for i in 0..4 {
        let byte = stream.read_u8().await.ok()?;
        len |= usize::from(byte & 0x7F) << (7 * i);
        if byte & 0x80 == 0 {
            break;
        }
    }
    let mut body = vec![0; len];
    stream.read_exact(&mut body).await.ok()?;
    Some((first, body))
}
