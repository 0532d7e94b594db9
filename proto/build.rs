//! Compiles the .proto files with `protox`, so that nobody needs `protoc`.

use std::path::PathBuf;

use prost::Message;

const FILES: &[&str] = &[
    "vlot/admin/v1/admin.proto",
    "vlot/bicycle/v1/garage.proto",
    "vlot/common/v1/common.proto",
    "vlot/device/v1/device.proto",
    "vlot/parking/v1/acts.proto",
    "vlot/device/v1/health.proto",
    "vlot/parking/v1/forecast.proto",
    "vlot/guidance/v1/advise.proto",
    "vlot/guidance/v1/guidance.proto",
    "vlot/history/v1/history.proto",
    "vlot/parking/v1/parking.proto",
    "vlot/parking/v1/zone.proto",
    "vlot/sign/v1/sign.proto",
    "vlot/traffic/v1/traffic.proto",
    "vlot/traffic/v1/situations.proto",
    "vlot/traffic/v1/roads.proto",
    "vlot/traffic/v1/roadside.proto",
    "vlot/traffic/v1/route.proto",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    for file in FILES {
        println!("cargo::rerun-if-changed={file}");
    }
    let descriptors = protox::compile(FILES, ["."])?;
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    std::fs::write(out.join("descriptors.bin"), descriptors.encode_to_vec())?;
    let services = std::env::var_os("CARGO_FEATURE_GRPC").is_some();
    tonic_prost_build::configure().build_client(services).build_server(services).compile_fds(descriptors)?;
    Ok(())
}
