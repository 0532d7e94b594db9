//! An integrator's first hour: a client made from the .proto files with grpcio-tools, as docs/integrators.md says.

mod common;

use std::process::Command;
use std::time::Duration;

use common::{Running, root, vlot};

#[test]
fn a_python_client_lists_and_watches_facilities() {
    let python = std::env::var("VLOT_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let has_tools =
        Command::new(&python).args(["-c", "import grpc_tools"]).output().is_ok_and(|o| o.status.success());
    assert!(has_tools, "scripts/test installs grpcio-tools; by hand set VLOT_PYTHON to a Python that has it");
    let dir = tempfile::tempdir().unwrap();

    let mut demo = Running::start(
        vlot()
            .args(["demo", "--speed", "60", "--listen", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--data"])
            .arg(dir.path().join("data")),
    );
    let line = demo.wait_for("gRPC     http", Duration::from_secs(60));
    let address = line.split_whitespace().nth(1).unwrap().trim_start_matches("http://");
    let mut client = Running::start(
        Command::new(&python)
            .arg(root().join("docs/examples/watch_facilities.py"))
            .args(["--address", address, "--changes", "20"])
            .current_dir(dir.path())
            .env("PYTHONUNBUFFERED", "1"),
    );
    assert_eq!(client.wait_exit(Duration::from_secs(60)), Some(0), "{}", client.output());
    assert!(client.output().contains("Ladeuze"), "{}", client.output());
}
