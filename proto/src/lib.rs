//! Vlot's interfaces. The .proto files beside this crate are the documentation; this is what is generated from them.
//!
//! Without the feature `grpc` there are messages alone.

#![expect(missing_docs, reason = "generated code; the .proto files carry the comments")]
#![allow(unreachable_pub, clippy::all, clippy::pedantic, reason = "generated code")]

/// The compiled .proto files (`google.protobuf.FileDescriptorSet`), for gRPC reflection.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

macro_rules! area {
    ($($area:ident),*) => {$(
        pub mod $area {
            pub mod v1 {
                include!(concat!(env!("OUT_DIR"), "/vlot.", stringify!($area), ".v1.rs"));
            }
        }
    )*};
}

area!(admin, bicycle, common, device, guidance, history, parking, sign, traffic);
