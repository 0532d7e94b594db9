//! Encryption towards a server.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use super::request::RequestError;

/// Trusts the system's issuers, and those in the file.
pub(super) async fn client_config(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, RequestError> {
    let mut roots = RootCertStore::empty();
    let system = tokio::task::spawn_blocking(rustls_native_certs::load_native_certs).await;
    let (added, _unusable) =
        roots.add_parsable_certificates(system.map(|found| found.certs).unwrap_or_default());
    if let Some(file) = ca_file {
        let pem = tokio::fs::read(file).await.map_err(|e| unusable(file, e))?;
        let mut found = 0;
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let certificate = certificate.map_err(|e| unusable(file, e))?;
            roots.add(certificate).map_err(|e| unusable(file, e))?;
            found += 1;
        }
        if found == 0 {
            return Err(unusable(file, "it holds no certificate in PEM"));
        }
    } else if added == 0 {
        return Err(RequestError::Tls("the system names no issuers (hint: install ca-certificates)".into()));
    }
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| RequestError::Tls(e.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

fn unusable(file: &Path, why: impl ToString) -> RequestError {
    RequestError::Tls(format!("{}: {}", file.display(), why.to_string()))
}
