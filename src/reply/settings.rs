//! What an operator sets about replies.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use secrecy::SecretString;
use serde::Deserialize;

use crate::render::{Fonts, fonts};
use crate::secret;
use crate::template::gather::Company;

/// Most bytes of all files of one reply, unless it is set: larger ones few mail servers take.
const ATTACHMENT_BYTES: usize = 30 << 20;

/// Replies to channels, as they are set.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ReplySettings {
    /// The company's name, for templates.
    pub company: Option<String>,
    /// How to reach it, for templates.
    pub contact: Option<String>,
    /// Fonts that PDFs are written with.
    pub fonts: Vec<PathBuf>,
    /// Most bytes of all files of one reply.
    pub attachment_bytes: usize,
    /// The mail server.
    pub smtp: SmtpSettings,
}

impl Default for ReplySettings {
    fn default() -> Self {
        Self {
            company: None,
            contact: None,
            fonts: fonts::DEFAULT.map(Into::into).to_vec(),
            attachment_bytes: ATTACHMENT_BYTES,
            smtp: SmtpSettings::default(),
        }
    }
}

/// How the connection to the mail server is secured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Tls {
    /// Begins in the clear and has to be secured before anything is said.
    #[default]
    Starttls,
    /// Secured from the first byte.
    Implicit,
    /// In the clear: for a server on a loopback address alone.
    None,
}

/// The mail server, as it is set.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SmtpSettings {
    /// Its name; none when no e-mail is sent.
    pub host: Option<String>,
    /// Its port.
    pub port: u16,
    /// How the connection is secured.
    pub tls: Tls,
    /// User, where it wants one.
    pub user: Option<String>,
    /// File with the user's password.
    pub password_file: Option<PathBuf>,
    /// Address that e-mails come from.
    pub from: Option<String>,
    /// File with a further certificate that is trusted.
    pub ca_file: Option<PathBuf>,
    /// Time for each step.
    pub timeout_seconds: u16,
}

impl Default for SmtpSettings {
    fn default() -> Self {
        Self {
            host: None,
            port: 587,
            tls: Tls::default(),
            user: None,
            password_file: None,
            from: None,
            ca_file: None,
            timeout_seconds: 30,
        }
    }
}

/// What replies are written and sent with.
#[derive(Clone, Debug)]
pub struct Replies {
    /// Who answers.
    pub company: Company,
    /// Fonts of PDFs.
    pub fonts: Fonts,
    /// Most bytes of all files of one reply.
    pub attachment_bytes: usize,
    /// The mail server; none when no e-mail is sent.
    pub smtp: Option<Smtp>,
}

/// Text and HTML alone, by hand or to a platform.
impl Default for Replies {
    fn default() -> Self {
        Self {
            company: Company::default(),
            fonts: Fonts::default(),
            attachment_bytes: ATTACHMENT_BYTES,
            smtp: None,
        }
    }
}

/// The mail server, ready to be asked.
#[derive(Clone, Debug)]
pub struct Smtp {
    /// Its name.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is secured.
    pub tls: Tls,
    /// User and password.
    pub user: Option<(String, SecretString)>,
    /// Address that e-mails come from.
    pub from: Option<String>,
    /// A further certificate in PEM that is trusted.
    pub ca: Option<Vec<u8>>,
    /// Time for each step.
    pub timeout: Duration,
}

impl ReplySettings {
    /// Reads the files that the settings name.
    ///
    /// # Errors
    /// When one cannot be read, or settings contradict each other.
    pub fn read(&self) -> anyhow::Result<Replies> {
        Ok(Replies {
            company: Company { name: self.company.clone(), contact: self.contact.clone() },
            fonts: Fonts::load(&self.fonts),
            attachment_bytes: self.attachment_bytes,
            smtp: self.smtp.read()?,
        })
    }
}

impl SmtpSettings {
    fn read(&self) -> anyhow::Result<Option<Smtp>> {
        let Some(host) = &self.host else { return Ok(None) };
        let is_loopback =
            host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        if self.tls == Tls::None && !is_loopback {
            bail!(
                "replies.smtp.tls = \"none\" is for a server on a loopback address: set starttls or implicit"
            );
        }
        if self.timeout_seconds == 0 {
            bail!("replies.smtp.timeout_seconds is at least 1");
        }
        if let Some(from) = &self.from {
            crate::channel::email("replies.smtp.from", from)
                .map_err(|_| anyhow::anyhow!("replies.smtp.from is no e-mail address"))?;
        }
        let user = match (&self.user, &self.password_file) {
            (None, None) => None,
            (Some(user), Some(file)) => Some((user.clone(), secret::read_text(file)?)),
            _ => bail!("replies.smtp.user and replies.smtp.password_file belong together"),
        };
        let read = |file: &PathBuf| std::fs::read(file).with_context(|| file.display().to_string());
        Ok(Some(Smtp {
            host: host.clone(),
            port: self.port,
            tls: self.tls,
            user,
            from: self.from.clone(),
            ca: self.ca_file.as_ref().map(read).transpose()?,
            timeout: Duration::from_secs(self.timeout_seconds.into()),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clear_is_for_this_machine_alone() {
        let at =
            |host: &str, tls| SmtpSettings { host: Some(host.to_owned()), tls, ..SmtpSettings::default() };
        assert!(at("127.0.0.1", Tls::None).read().unwrap().is_some());
        assert!(at("mail.example.com", Tls::None).read().is_err());
        assert!(at("mail.example.com", Tls::Starttls).read().unwrap().is_some());
        assert!(SmtpSettings::default().read().unwrap().is_none(), "no host, no mail");
        let half = SmtpSettings { user: Some("u".to_owned()), ..at("localhost", Tls::Implicit) };
        assert!(half.read().is_err(), "a user without a password");
    }
}
