//! Sign controllers: joining, faces, reports, takeover.

use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};
use vlot_model::{Clock, DeviceIx, Reading, RefusalKind, SignFault, Timestamp, Value};
use vlot_proto::sign::v1::join_request::Message as Said;
use vlot_proto::sign::v1::sign_service_client::SignServiceClient;
use vlot_proto::sign::v1::{Face, FaceEncoding, Fault, FaultReport, Hello, JoinRequest, JoinResponse, Shown};

use super::support::*;

/// A sign controller.
struct Controller {
    says: mpsc::Sender<JoinRequest>,
    faces: Streaming<JoinResponse>,
}

fn hello() -> Hello {
    Hello {
        sign_id: "sign-ring".into(),
        firmware: "test 1".into(),
        width_px: 96,
        height_px: 48,
        displayed_version: 0,
        encoding: FaceEncoding::Multi.into(),
    }
}

impl Controller {
    /// Connects without a word: the answer's headers come before the hello.
    async fn silent(house: &House) -> Self {
        Self::over(house.channel().await).await
    }

    async fn over(channel: tonic::transport::Channel) -> Self {
        let (says, said) = mpsc::channel(64);
        let mut client = SignServiceClient::new(channel);
        let faces = within(client.join(ReceiverStream::new(said))).await.unwrap().into_inner();
        Controller { says, faces }
    }

    async fn join(house: &House, hello: Hello) -> Self {
        let controller = Self::silent(house).await;
        controller.say(Said::Hello(hello)).await;
        controller
    }

    async fn say(&self, said: Said) {
        within(self.says.send(JoinRequest { message: Some(said) })).await.unwrap();
    }

    async fn face(&mut self) -> Face {
        within(self.faces.message()).await.unwrap().expect("the stream goes on").face.unwrap()
    }

    async fn end(&mut self) -> Status {
        within(self.faces.message()).await.expect_err("the stream ends")
    }
}

fn said(reading: &Reading) -> (Value, Timestamp) {
    assert_eq!((reading.device, reading.sequence), (DeviceIx(0), None));
    (reading.value.clone(), reading.observed_at)
}

const UP: Value = Value::SignLink { connected: true };
const DOWN: Value = Value::SignLink { connected: false };

fn shows(face_version: u64) -> Value {
    Value::SignShown { face_version }
}

#[tokio::test]
async fn a_sign_gets_its_face_at_once_then_each_new_one_and_each_renewal() {
    let mut house = House::open().await;
    house.publish(1, [face(0, 4, "P1", NOON), face(1, 1, "other", NOON)]);
    let mut sign = Controller::join(&house, Hello { displayed_version: 3, ..hello() }).await;
    let first = sign.face().await;
    assert_eq!((first.sign_id.as_str(), first.version, first.multi.as_str()), ("sign-ring", 4, "P1"));
    assert_eq!(first.time_to_live, Some(prost_types::Duration { seconds: 30, nanos: 0 }));
    assert_eq!(first.multi_crc32c, crc32c::crc32c(b"P1"));
    assert!(first.pages.is_empty());
    let readings = house.reported().await;
    assert_eq!(readings.iter().map(said).collect::<Vec<_>>(), [(UP, NOON), (shows(3), NOON)]);
    assert_eq!(house.meters.signs_connected.get(), 1);

    // A renewal keeps the version and starts the time anew, by the clock at the moment of sending.
    house.clock.forward(seconds(1));
    house.publish(2, [face(0, 4, "P1", NOON)]);
    let renewal = sign.face().await;
    assert_eq!((renewal.version, renewal.time_to_live.unwrap().seconds), (4, 29));
    house.publish(3, [face(1, 2, "of another sign", NOON)]);
    house.publish(4, [face(0, 5, "VOL", NOON)]);
    assert_eq!(sign.face().await.version, 5);

    // It leaves in an orderly way.
    let Controller { says, mut faces } = sign;
    drop(says);
    assert!(within(faces.message()).await.unwrap().is_none());
    assert_eq!(said(&house.reported().await[0]), (DOWN, NOON + seconds(1)));
    assert_eq!(house.meters.signs_connected.get(), 0);
    assert_eq!(house.meters.reports_in.get(), 2);
}

#[tokio::test]
async fn a_wrong_hello_is_refused_with_its_reason() {
    let mut house = House::open().await;
    house.publish(1, [face(0, 4, "P1", NOON)]);
    let cases = [
        (Said::Shown(Shown::default()), Code::InvalidArgument, "hello"),
        (Said::Hello(Hello { sign_id: "nowhere".into(), ..hello() }), Code::NotFound, "\"nowhere\""),
        (Said::Hello(Hello { width_px: 48, height_px: 96, ..hello() }), Code::FailedPrecondition, "48 x 96"),
        (Said::Hello(Hello { encoding: 77, ..hello() }), Code::InvalidArgument, "encoding"),
        (Said::Hello(Hello { firmware: "x".repeat(65), ..hello() }), Code::InvalidArgument, "firmware"),
    ];
    for (first, code, named) in cases {
        let mut sign = Controller::silent(&house).await;
        sign.say(first).await;
        let refused = sign.end().await;
        assert_eq!(refused.code(), code, "{refused}");
        assert!(refused.message().contains(named), "{refused}");
    }
    let mut sign = Controller::silent(&house).await;
    drop(std::mem::replace(&mut sign.says, mpsc::channel(1).0));
    assert_eq!(sign.end().await.code(), Code::InvalidArgument, "it left without a word");
    // None of them was ever connected.
    assert_eq!((house.meters.signs_connected.get(), house.inbox.try_recv().is_err()), (0, true));

    let mut sign = Controller::join(&house, hello()).await;
    sign.face().await;
    sign.say(Said::Hello(hello())).await;
    assert_eq!(sign.end().await.code(), Code::InvalidArgument, "hello is said once");
}

#[tokio::test]
async fn a_silent_connection_ends() {
    let house = House::open_with(|o| o.request_timeout = std::time::Duration::from_millis(50)).await;
    let mut sign = Controller::silent(&house).await;
    assert_eq!(sign.end().await.code(), Code::DeadlineExceeded);
}

#[tokio::test]
async fn the_newest_connection_of_a_sign_takes_its_place() {
    let mut house = House::open().await;
    house.publish(1, [face(0, 4, "P1", NOON)]);
    let mut first = Controller::join(&house, hello()).await;
    first.face().await;
    let mut second = Controller::join(&house, Hello { displayed_version: 4, ..hello() }).await;
    assert_eq!(second.face().await.version, 4);
    let ended = first.end().await;
    assert_eq!(ended.code(), Code::Aborted, "{ended}");
    house.publish(2, [face(0, 5, "P2", NOON)]);
    assert_eq!(second.face().await.version, 5);
    // The first one's end is no end of the sign's connection.
    assert_eq!(house.reported().await.iter().map(|r| r.value.clone()).collect::<Vec<_>>(), [UP, shows(0)]);
    assert_eq!(house.reported().await.iter().map(|r| r.value.clone()).collect::<Vec<_>>(), [UP, shows(4)]);
    assert_eq!(house.meters.signs_connected.get(), 1);
    second.say(Said::Shown(Shown { face_version: 5, shown_at: None })).await;
    assert_eq!(house.reported().await[0].value, shows(5));
}

#[tokio::test]
async fn reports_become_readings_dated_by_the_sign_where_its_clock_is_sane() {
    let mut house = House::open().await;
    let sign = Controller::join(&house, hello()).await;
    house.reported().await;
    house.clock.forward(seconds(100));
    let now = house.clock.now();
    let at = |micros: i64| prost_types::Timestamp {
        seconds: (NOON.micros() + micros).div_euclid(1_000_000),
        nanos: i32::try_from((NOON.micros() + micros).rem_euclid(1_000_000) * 1_000).unwrap(),
    };
    let cases = [
        (Some(at(99_500_000)), NOON + std::time::Duration::from_millis(99_500)),
        (Some(at(-1_000_000)), Timestamp::from_micros(NOON.micros() - 1_000_000)),
        (None, now),
        // Ahead of us, an hour behind us, no time at all: ours.
        (Some(at(100_000_001)), now),
        (Some(at(-3_600_000_000)), now),
        (Some(prost_types::Timestamp { seconds: i64::MAX, nanos: -1 }), now),
    ];
    for (shown_at, observed_at) in cases {
        sign.say(Said::Shown(Shown { face_version: 7, shown_at })).await;
        let readings = house.reported().await;
        assert_eq!(said(&readings[0]), (shows(7), observed_at), "{shown_at:?}");
        assert_eq!(readings[0].received_at, now);
    }
    let faults = [
        (Fault::None, SignFault::None),
        (Fault::Pixel, SignFault::Pixel),
        (Fault::Power, SignFault::Power),
        (Fault::Temperature, SignFault::Temperature),
        (Fault::Photocell, SignFault::Photocell),
        (Fault::Controller, SignFault::Controller),
        (Fault::FaceRejected, SignFault::FaceRejected),
    ];
    for (wire, fault) in faults {
        sign.say(Said::Fault(FaultReport { fault: wire.into(), observed_at: None })).await;
        assert_eq!(said(&house.reported().await[0]), (Value::SignFault { fault }, now));
    }
}

#[tokio::test]
async fn a_report_that_makes_no_sense_costs_itself_alone() {
    let mut house = House::open().await;
    let sign = Controller::join(&house, hello()).await;
    house.reported().await;
    for fault in [0, 99] {
        sign.say(Said::Fault(FaultReport { fault, observed_at: None })).await;
    }
    within(sign.says.send(JoinRequest { message: None })).await.unwrap();
    sign.say(Said::Shown(Shown { face_version: 1, shown_at: None })).await;
    assert_eq!(house.reported().await[0].value, shows(1));
    assert_eq!(house.meters.refused(RefusalKind::OutOfRange), 2);
    assert_eq!(house.meters.refused(RefusalKind::Unsupported), 1);
    let kept = house.quarantine.newest(10);
    assert_eq!(kept.len(), 3);
    assert_eq!((kept[1].topic.as_str(), kept[1].payload.is_empty()), ("grpc/sign/sign-ring", false));
    assert_eq!(house.meters.reports_in.get(), 5);
}

#[tokio::test]
async fn while_the_inbox_is_full_signs_are_held_back_and_nothing_is_dropped() {
    let mut house = House::open_with(|o| o.sign_messages_per_s = 1_000).await;
    house.publish(1, [face(0, 1, "P1", NOON)]);
    let mut sign = Controller::join(&house, hello()).await;
    sign.face().await;
    // The inbox holds four, the connection one more; the rest waits on the way.
    for version in 1..=50 {
        sign.say(Said::Shown(Shown { face_version: version, shown_at: None })).await;
    }
    // A sign that is held back still gets its faces.
    house.publish(2, [face(0, 2, "P2", NOON)]);
    assert_eq!(sign.face().await.version, 2);
    assert!(house.meters.reports_in.get() <= 6, "{}", house.meters.messages_in.get());
    assert_eq!(house.reported().await[0].value, UP);
    for version in 1..=50 {
        assert_eq!(house.reported().await[0].value, shows(version));
    }
    // Its end is not lost either, though the inbox is full when it comes.
    for version in 51..=60 {
        sign.say(Said::Shown(Shown { face_version: version, shown_at: None })).await;
    }
    while house.meters.reports_in.get() < 56 {
        tokio::task::yield_now().await;
    }
    drop(sign);
    let mut last = Vec::new();
    while last.last() != Some(&DOWN) {
        last.push(house.reported().await[0].value.clone());
    }
    assert_eq!(last[..5], [shows(51), shows(52), shows(53), shows(54), shows(55)]);
}

#[tokio::test]
async fn a_sign_that_talks_too_much_costs_neither_its_connection_nor_its_neighbours() {
    const LIMIT: u64 = 50;
    const SAID: u64 = 3_000;
    const NONSENSE: u64 = 200;
    let mut house = House::open_with(|o| o.sign_messages_per_s = u32::try_from(LIMIT).unwrap()).await;
    let channel = house.channel().await;
    let mut sign = Controller::over(channel.clone()).await;
    sign.say(Said::Hello(hello())).await;
    let mut neighbour = Controller::over(channel).await;
    neighbour.say(Said::Hello(Hello { sign_id: "sign-garage".into(), ..hello() })).await;
    let talk = async {
        for version in 0..SAID {
            // Nonsense is counted, and beyond the limit it fills no quarantine.
            let makes_sense = !(SAID - 1 - NONSENSE..SAID - 1).contains(&version);
            let fault = if makes_sense { Fault::Pixel.into() } else { 99 };
            sign.say(Said::Shown(Shown { face_version: version, shown_at: None })).await;
            sign.say(Said::Fault(FaultReport { fault, observed_at: None })).await;
        }
    };
    let last = Value::SignFault { fault: SignFault::Pixel };
    let hear = async {
        let mut heard = Vec::new();
        while heard.last() != Some(&shows(SAID - 1)) || !heard.contains(&last) {
            heard.extend(
                house.reported().await.into_iter().filter(|r| r.device == DeviceIx(0)).map(|r| r.value),
            );
        }
        heard
    };
    let ((), heard) = tokio::join!(talk, hear);
    let heard = heard.iter().filter(|v| !matches!(v, Value::SignLink { .. })).count() as u64;
    let refused = house.meters.refused(RefusalKind::Overload);
    // What the limit allowed came first and whole; of the rest the newest.
    assert!(heard >= LIMIT && refused > SAID, "{heard} heard, {refused} refused");
    assert_eq!(house.meters.refused(RefusalKind::OutOfRange), NONSENSE);
    // Some of it falls into what each second allows anew.
    let kept = house.quarantine.newest(1_000).len() as u64;
    assert!(kept < NONSENSE, "{kept} kept");
    house.publish(1, [face(0, 7, "P1", NOON), face(1, 8, "P2", NOON)]);
    assert_eq!((sign.face().await.version, neighbour.face().await.version), (7, 8));
    assert_eq!(house.meters.signs_connected.get(), 2);
}

#[tokio::test]
async fn a_face_past_its_end_is_not_sent() {
    let house = House::open().await;
    house.publish(1, [face(0, 4, "P1", NOON)]);
    house.clock.forward(seconds(30));
    // The engine lives on: it has only nothing to renew.
    house.publish(2, []);
    let mut sign = Controller::join(&house, hello()).await;
    house.publish(3, [face(0, 5, "P2", house.clock.now())]);
    assert_eq!(sign.face().await.version, 5);
}

#[tokio::test]
async fn an_engine_that_stands_still_renews_nothing() {
    let mut house = House::open().await;
    house.publish(1, [face(0, 4, "P1", NOON)]);
    // Six seconds without a tick: the face still has 24, but nobody knows whether it is true.
    house.clock.forward(seconds(6));
    let mut sign = Controller::join(&house, hello()).await;
    house.reported().await;
    house.publish(2, [face(0, 5, "P2", NOON)]);
    let first = sign.face().await;
    assert_eq!((first.version, first.time_to_live.unwrap().seconds), (5, 24));
}

#[tokio::test]
async fn a_sign_that_asks_for_pixels_gets_its_pages() {
    let house = House::open().await;
    let pages = "[pt30o0]P1[np]P2";
    house.publish(1, [face(0, 4, pages, NOON)]);
    let mut sign = Controller::join(&house, Hello { encoding: FaceEncoding::Png.into(), ..hello() }).await;
    let first = sign.face().await;
    assert_eq!((first.multi.as_str(), first.pages.len()), (pages, 2));
    for page in &first.pages {
        assert!(page.png.starts_with(b"\x89PNG"));
        // Width and height of the image header.
        assert_eq!(
            (&page.png[16..20], &page.png[20..24]),
            (&96_u32.to_be_bytes()[..], &48_u32.to_be_bytes()[..])
        );
        assert_eq!(page.duration, Some(prost_types::Duration { seconds: 3, nanos: 0 }));
    }
    house.publish(2, [face(0, 5, "P3", NOON)]);
    let only = sign.face().await;
    assert_eq!((only.pages.len(), only.pages[0].duration), (1, None));
    // What cannot be drawn is not sent.
    house.publish(3, [face(0, 6, "[fo99]no such font", NOON)]);
    house.publish(4, [face(0, 7, "P4", NOON)]);
    assert_eq!(sign.face().await.version, 7);
}
