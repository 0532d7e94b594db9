//! Whom a client's certificate names.
//!
//! The chain has been verified when this is asked; here its first certificate is only read.

use std::sync::Arc;

use tokio_rustls::rustls::pki_types::CertificateDer;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::ask::{ACTOR_CHARS, is_line};

/// A client that has shown a certificate; kept with each of its requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CertifiedClient {
    /// The subject's common name, else the first alternative name; `None`: it has neither that fits a line.
    pub(crate) name: Option<Arc<str>>,
}

impl CertifiedClient {
    /// Of a verified chain; `None` where no certificate was shown.
    pub(crate) fn of(chain: Option<&[CertificateDer<'_>]>) -> Option<CertifiedClient> {
        let shown = chain?.first()?;
        let read = X509Certificate::from_der(shown);
        Some(CertifiedClient { name: read.ok().and_then(|(_, certificate)| name(&certificate)) })
    }
}

fn name(certificate: &X509Certificate<'_>) -> Option<Arc<str>> {
    let common =
        certificate.subject().iter_common_name().find_map(|name| name.as_str().ok()).and_then(fitting);
    common.or_else(|| {
        let alternatives = certificate.subject_alternative_name().ok().flatten()?;
        alternatives.value.general_names.iter().find_map(|name| match name {
            GeneralName::RFC822Name(name) | GeneralName::DNSName(name) | GeneralName::URI(name) => {
                fitting(name)
            }
            _ => None,
        })
    })
}

fn fitting(name: &str) -> Option<Arc<str>> {
    let name = name.trim();
    is_line(name, ACTOR_CHARS).then(|| name.into())
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};

    use super::*;

    fn named(common: Option<&str>, alternatives: &[&str]) -> Option<String> {
        let alternatives: Vec<String> = alternatives.iter().map(|&a| a.to_owned()).collect();
        let mut params = CertificateParams::new(alternatives).unwrap();
        params.distinguished_name = DistinguishedName::new();
        if let Some(name) = common {
            params.distinguished_name.push(DnType::CommonName, name);
        }
        let certificate = params.self_signed(&KeyPair::generate().unwrap()).unwrap();
        let client = CertifiedClient::of(Some(&[certificate.der().clone()])).unwrap();
        client.name.map(|name| name.to_string())
    }

    #[test]
    fn a_certificate_names_its_subject_else_its_first_alternative() {
        let long = "x".repeat(81);
        for (common, alternatives, expected) in [
            (Some("Mia Peeters"), &["mia.example.org"][..], Some("Mia Peeters")),
            (Some("  Zoé  "), &[], Some("Zoé")),
            (None, &["mia.example.org", "b.example.org"], Some("mia.example.org")),
            (Some("two\nlines"), &["mia.example.org"], Some("mia.example.org")),
            (Some(&long), &[], None),
            (Some(""), &[], None),
            (None, &["192.0.2.1"], None),
        ] {
            assert_eq!(named(common, alternatives).as_deref(), expected, "{common:?} {alternatives:?}");
        }
    }

    #[test]
    fn without_a_certificate_nobody_is_named_and_rubbish_names_nobody() {
        assert_eq!(CertifiedClient::of(None), None);
        assert_eq!(CertifiedClient::of(Some(&[])), None);
        let rubbish = CertificateDer::from(vec![0x30, 0x82, 0xff, 0xff, 0x00]);
        assert_eq!(CertifiedClient::of(Some(&[rubbish])), Some(CertifiedClient { name: None }));
    }
}
