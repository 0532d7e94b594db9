//! Vlot's gRPC interfaces.
