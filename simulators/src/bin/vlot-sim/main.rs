//! `vlot-sim`: the city's devices and signs on the command line, as clients of the public interfaces.

mod city;
mod common;
mod load;
mod picture;
mod replay;
mod send;
mod signs;
mod sumo;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Field devices, signs and recordings for trying out a Vlot engine.
#[derive(Parser)]
#[command(name = "vlot-sim", version, about, max_term_width = 120)]
struct Args {
    /// Log what happens to standard error: error, warn, info, debug or trace.
    #[arg(long, global = true, default_value = "warn", value_name = "LEVEL")]
    log: common::Level,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Let a whole city's devices publish to a broker.
    City(city::CityArgs),
    /// Connect a city's signs and garage guidance to an engine, and tell what they show.
    Signs(signs::SignsArgs),
    /// Publish one message of one device.
    Send(send::SendArgs),
    /// Publish at an even high rate and count the acknowledgements.
    Load(load::LoadArgs),
    /// Draw what a sign is to show, in the terminal or as a PNG.
    Picture(picture::PictureArgs),
    /// Play a real recording to a broker.
    ReplayRecording(replay::ReplayArgs),
    /// Let what a run of SUMO has seen speak as a city's devices.
    Sumo(sumo::SumoArgs),
}

fn main() -> ExitCode {
    let args = Args::parse();
    args.log.start();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => return common::failed(&e),
    };
    let outcome = runtime.block_on(async {
        match args.command {
            Command::City(args) => city::run(args).await,
            Command::Signs(args) => signs::run(args).await,
            Command::Send(args) => send::run(args).await,
            Command::Load(args) => load::run(args).await,
            Command::Picture(args) => picture::run(args).await,
            Command::ReplayRecording(args) => replay::run(args).await,
            Command::Sumo(args) => sumo::run(args).await,
        }
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => common::failed(e.as_ref()),
    }
}
