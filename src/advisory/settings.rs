//! What an operator sets about advisories.

use anyhow::ensure;
use serde::{Deserialize, Serialize};
use url::Url;
use uuid::Uuid;

/// Who publishes advisories, as it is set.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdvisorySettings {
    /// The publisher's name.
    pub publisher: Option<String>,
    /// A URL under its control, which makes its document ids unique.
    pub namespace: Option<Url>,
    /// What it is to the products.
    pub category: Category,
    /// How to reach it.
    pub contact: Option<String>,
    /// What authority it has over the products, in words.
    pub issuing_authority: Option<String>,
    /// Where documents are published: the file's name follows.
    pub base_url: Option<Url>,
    /// Its id as a CVE numbering authority.
    pub cve_organization: Option<Uuid>,
    /// Its short name as a CVE numbering authority.
    pub cve_short_name: Option<String>,
    /// Its prefix in OSV.
    pub osv_prefix: Option<String>,
}

/// What a publisher is to the products that it writes about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Category {
    /// It coordinates between others.
    Coordinator,
    /// It found the vulnerability.
    Discoverer,
    /// Something else.
    Other,
    /// It makes the products.
    #[default]
    Vendor,
}

impl AdvisorySettings {
    /// Checks what is set.
    ///
    /// # Errors
    /// When a value is none that a document may have: it is named.
    pub fn read(&self) -> anyhow::Result<Self> {
        for (name, text) in [
            ("publisher", &self.publisher),
            ("contact", &self.contact),
            ("issuing_authority", &self.issuing_authority),
            ("cve_short_name", &self.cve_short_name),
        ] {
            ensure!(text.as_ref().is_none_or(|text| !text.trim().is_empty()), "advisories.{name} is empty");
        }
        for (name, url) in [("namespace", &self.namespace), ("base_url", &self.base_url)] {
            let https = url.as_ref().is_none_or(|url| url.scheme() == "https");
            ensure!(https, "advisories.{name} has to be an https URL");
        }
        let prefix = self.osv_prefix.as_deref().unwrap_or("OSV");
        let fits = !prefix.is_empty() && prefix.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        ensure!(fits, "advisories.osv_prefix has letters, digits and hyphens alone");
        Ok(self.clone())
    }

    /// Where the file of this name is published.
    pub(super) fn place_of(&self, file: &str) -> Option<Url> {
        let mut url = self.base_url.clone()?;
        url.path_segments_mut().ok()?.pop_if_empty().push(file);
        Some(url)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_document_may_have_is_refused_by_name() {
        let fault = |settings: AdvisorySettings| settings.read().unwrap_err().to_string();
        let url = |text: &str| Some(text.parse().unwrap());
        assert!(AdvisorySettings::default().read().is_ok());
        let plain = AdvisorySettings { namespace: url("http://example.com"), ..AdvisorySettings::default() };
        assert!(fault(plain).contains("advisories.namespace"));
        let empty = AdvisorySettings { publisher: Some(" ".to_owned()), ..AdvisorySettings::default() };
        assert!(fault(empty).contains("advisories.publisher"));
        let prefix = AdvisorySettings { osv_prefix: Some("a b".to_owned()), ..AdvisorySettings::default() };
        assert!(fault(prefix).contains("advisories.osv_prefix"));
    }

    #[test]
    fn a_file_stands_below_the_base() {
        for base in ["https://example.com/advisories", "https://example.com/advisories/"] {
            let settings =
                AdvisorySettings { base_url: Some(base.parse().unwrap()), ..AdvisorySettings::default() };
            let place = settings.place_of("ve-2026-000001.json").unwrap();
            assert_eq!(place.as_str(), "https://example.com/advisories/ve-2026-000001.json");
        }
    }
}
