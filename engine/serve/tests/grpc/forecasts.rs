//! Forecasts: on arrival, without history, outlived, and watched.

use tonic::Code;
use vlot_model::{FacilityForecast, FacilityIx, ForecastBasis, ForecastPoint, Product, Timestamp};
use vlot_proto::parking::v1::forecast_service_client::ForecastServiceClient;
use vlot_proto::parking::v1::get_forecast_request::When;
use vlot_proto::parking::v1::{self as wire, FacilityFilter, GetForecastRequest, WatchForecastsRequest};

use super::support::*;

type Client = ForecastServiceClient<tonic::transport::Channel>;

fn forecast(ix: u32, made_at: Timestamp) -> Product {
    let point = |ahead_s, free_low, free, free_high| ForecastPoint { ahead_s, free_low, free, free_high };
    Product::Forecast(FacilityForecast {
        facility: FacilityIx(ix),
        made_at,
        valid_until: made_at + seconds(600),
        basis: ForecastBasis::OwnHistory { days: 23 },
        points: vec![
            point(0, 80, 80, 80),
            point(900, 60, 70, 74),
            point(1800, 40, 50, 66),
            point(3600, 0, 20, 60),
        ],
    })
}

async fn get(client: &mut Client, when: Option<When>) -> Result<wire::GetForecastResponse, tonic::Status> {
    let request = GetForecastRequest { facility_id: "ladeuze".into(), when };
    within(client.get_forecast(request)).await.map(tonic::Response::into_inner)
}

fn free(answer: &wire::GetForecastResponse) -> Option<[u32; 3]> {
    answer.on_arrival.as_ref().map(|p| [p.free_low, p.free, p.free_high])
}

#[tokio::test]
async fn on_arrival_it_lies_between_two_points_counted_from_now() {
    let house = House::open().await;
    house.publish(3, [forecast(0, NOON)]);
    let mut client = Client::new(house.channel().await);
    let all = get(&mut client, None).await.unwrap();
    assert_eq!(free(&all), None);
    let told = all.forecast.unwrap();
    assert_eq!((told.basis(), told.history_days, told.version), (wire::ForecastBasis::OwnHistory, 23, 3));
    let noon = NOON.micros() / 1_000_000;
    let times: Vec<_> = told.points.iter().map(|p| p.at.unwrap().seconds - noon).collect();
    assert_eq!(times, [0, 900, 1800, 3600]);

    house.clock.forward(seconds(300));
    // Ten minutes from now are fifteen from when it was made.
    let soon = get(&mut client, Some(When::AheadS(600))).await.unwrap();
    assert_eq!(free(&soon), Some([60, 70, 74]));
    assert_eq!(soon.on_arrival.unwrap().at.unwrap().seconds, noon + 900);
    let at = |s: i64| Some(When::Arrival(prost_types::Timestamp { seconds: noon + s, nanos: 0 }));
    assert_eq!(free(&get(&mut client, at(1350)).await.unwrap()), Some([50, 60, 70]));
    // After the last point, that one, as long as it is within an hour.
    assert_eq!(free(&get(&mut client, Some(When::AheadS(3600))).await.unwrap()), Some([0, 20, 60]));
    for wrong in [at(299), at(3901), Some(When::AheadS(3601)), at(i64::MAX - noon)] {
        assert_eq!(get(&mut client, wrong).await.unwrap_err().code(), Code::InvalidArgument, "{wrong:?}");
    }
    let unknown = GetForecastRequest { facility_id: "nowhere".into(), when: None };
    assert_eq!(within(client.get_forecast(unknown)).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn without_history_and_after_its_time_nothing_is_said() {
    let house = House::open().await;
    let mut client = Client::new(house.channel().await);
    let none = get(&mut client, Some(When::AheadS(60))).await.unwrap();
    assert_eq!(free(&none), None);
    let told = none.forecast.unwrap();
    assert_eq!((told.basis(), told.made_at, told.points.len()), (wire::ForecastBasis::NoHistory, None, 0));

    house.publish(1, [forecast(0, NOON)]);
    house.clock.forward(seconds(600));
    let late = get(&mut client, Some(When::AheadS(60))).await.unwrap();
    assert_eq!(free(&late), None);
    assert_eq!(late.forecast.unwrap().points, []);
}

#[tokio::test]
async fn a_watch_tells_of_new_forecasts_of_its_facilities_and_resumes() {
    let house = House::open().await;
    house.publish(1, [forecast(1, NOON)]);
    let mut client = Client::new(house.channel().await);
    let filter = Some(FacilityFilter { ids: vec!["ladeuze".into(), "bodart".into()], kinds: vec![] });
    let request = WatchForecastsRequest { filter: filter.clone(), resume_after: None };
    let mut stream = within(client.watch_forecasts(request)).await.unwrap().into_inner();
    let first = within(stream.message()).await.unwrap().unwrap().forecast.unwrap();
    assert_eq!((first.facility_id.as_str(), first.basis()), ("ladeuze", wire::ForecastBasis::NoHistory));
    let second = within(stream.message()).await.unwrap().unwrap();
    assert_eq!(second.forecast.unwrap().facility_id, "bodart");
    // Another's forecast, and another product of the same facility, are no news here.
    house.publish(2, [facility(0, 9, NOON), forecast(2, NOON)]);
    house.publish(3, [forecast(0, NOON)]);
    let news = within(stream.message()).await.unwrap().unwrap();
    assert_eq!(news.forecast.map(|f| (f.facility_id, f.version)), Some(("ladeuze".into(), 3)));
    let request = WatchForecastsRequest { filter, resume_after: second.position };
    let mut again = within(client.watch_forecasts(request)).await.unwrap().into_inner();
    let resumed = within(again.message()).await.unwrap().unwrap();
    assert_eq!(resumed.forecast.map(|f| f.version), Some(3));
}
