//! Generates the server's side of the interfaces, with the messages that many readers share as ready-made bytes.
//!
//! On the wire an embedded message and a field of bytes are the same. So each facility is converted and encoded once,
//! and every response that carries it copies the bytes, in code that is generated from the same .proto files.

use prost::Message;
use prost_types::field_descriptor_proto::Type;
use prost_types::{DescriptorProto, FileDescriptorSet};

/// Messages whose field is ready-made, as (message, field).
const READY_MADE: &[(&str, &str)] = &[
    ("vlot.bicycle.v1.ListGaragesResponse", "garages"),
    ("vlot.bicycle.v1.WatchGarageResponse", "garage"),
    ("vlot.bicycle.v1.WatchGarageResponse", "face"),
    ("vlot.parking.v1.GetFacilityResponse", "facility"),
    ("vlot.parking.v1.ListFacilitiesResponse", "facilities"),
    ("vlot.parking.v1.WatchFacilitiesResponse", "facility"),
    ("vlot.parking.v1.WatchForecastsResponse", "forecast"),
    ("vlot.sign.v1.JoinResponse", "face"),
    ("vlot.sign.v1.Sign", "commanded"),
    ("vlot.traffic.v1.ListStationsResponse", "stations"),
    ("vlot.traffic.v1.WatchCountsResponse", "station"),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let mut descriptors = FileDescriptorSet::decode(vlot_proto::DESCRIPTORS)?;
    for (message, field) in READY_MADE {
        let field = descriptors
            .file
            .iter_mut()
            .flat_map(|file| {
                let package = file.package().to_owned();
                file.message_type.iter_mut().map(move |m| (format!("{package}.{}", m.name()), m))
            })
            .find(|(name, _)| name == message)
            .and_then(|(_, m): (_, &mut DescriptorProto)| m.field.iter_mut().find(|f| f.name() == *field))
            .ok_or_else(|| format!("the .proto files have no {message}.{field}"))?;
        field.set_type(Type::Bytes);
        field.type_name = None;
    }
    tonic_prost_build::configure()
        .build_client(false)
        .build_server(true)
        .bytes(".")
        .codec_path("crate::codec::Codec")
        .compile_fds(descriptors)?;
    Ok(())
}
