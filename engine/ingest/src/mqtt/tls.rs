//! Encryption towards a broker.

use std::path::Path;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, RootCertStore};

use super::link::LinkError;
use super::options::Tls;

/// Reads the files and makes a configuration of them.
pub(super) async fn client_config(tls: &Tls) -> Result<Arc<ClientConfig>, LinkError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&tls.ca_file).await? {
        roots.add(certificate).map_err(|e| unusable(&tls.ca_file, e))?;
    }
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| unusable(&tls.ca_file, e))?
        .with_root_certificates(roots);
    let config = match &tls.client {
        None => builder.with_no_client_auth(),
        Some(client) => {
            let chain = certificates(&client.cert_file).await?;
            let pem = read(&client.key_file).await?;
            let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|e| unusable(&client.key_file, e))?;
            builder.with_client_auth_cert(chain, key).map_err(|e| unusable(&client.cert_file, e))?
        }
    };
    Ok(Arc::new(config))
}

async fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, LinkError> {
    let pem = read(file).await?;
    let found =
        CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>().map_err(|e| unusable(file, e))?;
    if found.is_empty() { Err(unusable(file, "it holds no certificate in PEM")) } else { Ok(found) }
}

/// Reads a small file that the configuration names.
pub(super) async fn read(file: &Path) -> Result<Vec<u8>, LinkError> {
    tokio::fs::read(file).await.map_err(|e| unusable(file, e))
}

fn unusable(file: &Path, why: impl ToString) -> LinkError {
    LinkError::File { file: file.to_owned(), why: why.to_string() }
}
