//! `vlot`: a real-time traffic and parking management engine.

mod advise_cmd;
mod check;
mod cli;
mod clock;
mod demo;
mod engine;
mod facility;
mod faults;
mod feeds;
mod follow;
mod history_cmd;
mod home;
mod import_cmd;
mod past;
mod recovery;
mod replay;
mod route_cmd;
mod run;
mod situation;
mod situation_folder;
mod summary;
mod table;
mod watch;
mod watch_guidance;
mod watch_roads;
mod watch_sensors;
mod watch_zones;
mod when;
mod why_cmd;
mod wiring;

use std::io::IsTerminal;
use std::process::ExitCode;

use clap::Parser;
use tracing_subscriber::EnvFilter;

use crate::cli::{Cli, Command, LogFormat};

/// Products are made on one thread and let go on others, which the system's allocator is slow at.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let Some(command) = cli.command.or_else(|| Cli::parse_from(["vlot", "demo"]).command) else {
        return ExitCode::from(2);
    };
    // The demo's picture is its output, which a log would tear.
    let default = match &command {
        Command::Demo(_) if std::io::stdout().is_terminal() => "error",
        Command::Run(_) | Command::Replay(_) => "info",
        _ => "warn",
    };
    if let Err(error) = start_log(cli.log.as_deref(), cli.log_format, default) {
        complain(&error);
        return ExitCode::from(2);
    }
    let result = match command {
        Command::Check(options) => return check::check(&options),
        Command::Facility(options) => {
            return in_runtime(facility::facility(options)).unwrap_or_else(|error| {
                complain(&error);
                ExitCode::FAILURE
            });
        }
        Command::Situation(options) => {
            return in_runtime(situation::situation(options)).unwrap_or_else(|error| {
                complain(&error);
                ExitCode::FAILURE
            });
        }
        Command::Replay(options) => replay::replay(&options),
        Command::Demo(options) => in_runtime(demo::demo(options)),
        Command::Run(options) => in_runtime(run::run(options)),
        Command::Watch(options) => in_runtime(watch::watch(options)),
        Command::Route(options) => in_runtime(route_cmd::route(options)),
        Command::Advise(options) => in_runtime(advise_cmd::advise(options)),
        Command::Why(options) => in_runtime(why_cmd::why(options)),
        Command::History(options) => in_runtime(history_cmd::history(options)),
        Command::Import(options) => import_cmd::import(&options),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

/// The error and what lies beneath it, on one line each. Many errors repeat their cause, which is said once.
#[expect(clippy::print_stderr, reason = "this is what standard error is for")]
pub(crate) fn complain(error: &anyhow::Error) {
    eprintln!("error: {error}");
    let mut said = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !said.contains(&cause) {
            eprintln!("  because: {cause}");
            said = cause;
        }
    }
}

fn in_runtime<T>(future: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("vlot-async").build()?;
    let result = runtime.block_on(future);
    // Nothing that is still running may hold up the end: what had to be finished was awaited.
    runtime.shutdown_background();
    result
}

fn start_log(filter: Option<&str>, format: LogFormat, default: &str) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(filter.unwrap_or(default)).map_err(|e| {
        anyhow::anyhow!("--log {:?}: {e} (hint: info, or vlot_ingest=debug)", filter.unwrap_or(default))
    })?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match format {
        LogFormat::Text => log.with_ansi(std::io::stderr().is_terminal()).init(),
        LogFormat::Json => log.json().init(),
    }
    Ok(())
}
