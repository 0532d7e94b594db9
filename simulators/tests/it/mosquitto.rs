//! A real Mosquitto, and a subscriber that counts.

use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS};
use vlot_simulators::mqtt::Broker;

pub(crate) struct Mosquitto {
    child: Child,
    pub(crate) port: u16,
    _dir: tempfile::TempDir,
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        self.child.kill().unwrap_or_default();
        self.child.wait().map(|_| ()).unwrap_or_default();
    }
}

impl Mosquitto {
    /// Starts on a free port below the range that clients' own ports come from.
    pub(crate) async fn start() -> Mosquitto {
        for _ in 0..20 {
            let port = rand::random_range(20_000..32_000);
            if std::net::TcpListener::bind(("127.0.0.1", port)).is_err() {
                continue;
            }
            let dir = tempfile::tempdir().unwrap();
            let config = dir.path().join("mosquitto.conf");
            let text = format!(
                "listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\nmax_inflight_messages 0\n"
            );
            std::fs::write(&config, text).unwrap();
            let mut child = Command::new("/usr/sbin/mosquitto")
                .arg("-c")
                .arg(&config)
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("/usr/sbin/mosquitto (Debian's package mosquitto) is needed for this test");
            for _ in 0..400 {
                if tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok() {
                    return Mosquitto { child, port, _dir: dir };
                }
                if child.try_wait().unwrap().is_some() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            child.kill().unwrap_or_default();
            child.wait().unwrap();
        }
        panic!("mosquitto did not start on any of twenty ports");
    }

    pub(crate) fn broker(&self) -> Broker {
        Broker::new("127.0.0.1", self.port)
    }

    /// Collects everything that is published from now on.
    pub(crate) async fn subscribe(&self) -> Subscriber {
        let mut options = MqttOptions::new("test-subscriber", "127.0.0.1", self.port);
        options.set_max_packet_size(1 << 20, 1 << 20);
        let (client, mut events) = AsyncClient::new(options, 16);
        client.subscribe("#", QoS::AtLeastOnce).await.unwrap();
        let messages = Arc::new(Mutex::new(Vec::new()));
        let sink = Arc::clone(&messages);
        let (ready, subscribed) = tokio::sync::oneshot::channel();
        let task = tokio::spawn(async move {
            let mut ready = Some(ready);
            while let Ok(event) = events.poll().await {
                match event {
                    Event::Incoming(Packet::SubAck(_)) => {
                        if let Some(ready) = ready.take() {
                            ready.send(()).unwrap_or_default();
                        }
                    }
                    Event::Incoming(Packet::Publish(p)) => {
                        sink.lock().unwrap().push((p.topic, p.payload.to_vec()))
                    }
                    _ => {}
                }
            }
        });
        tokio::time::timeout(crate::BOUND, subscribed).await.expect("subscribed in time").unwrap();
        Subscriber { messages, task, _client: client }
    }
}

/// A topic and a payload.
type Message = (String, Vec<u8>);

pub(crate) struct Subscriber {
    messages: Arc<Mutex<Vec<Message>>>,
    task: tokio::task::JoinHandle<()>,
    _client: AsyncClient,
}

impl Drop for Subscriber {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Subscriber {
    pub(crate) fn len(&self) -> usize {
        self.messages.lock().unwrap().len()
    }

    pub(crate) fn messages(&self) -> Vec<Message> {
        self.messages.lock().unwrap().clone()
    }
}
