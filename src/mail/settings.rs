//! What an operator sets about inbound mail.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, bail};
use secrecy::SecretString;
use serde::Deserialize;

use crate::reply::settings::Tls;
use crate::secret;

/// Most bytes of a mail, unless it is set: one with 25 MiB of attachments, as it travels.
const MESSAGE_BYTES: usize = 36 << 20;

/// How reports come in.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IntakeSettings {
    /// By mail.
    pub mail: MailSettings,
}

/// Inbound mail, as it is set.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MailSettings {
    /// Most bytes of a mail.
    pub message_bytes: usize,
    /// Mail servers whose `Authentication-Results` are believed, by the name that they write there.
    pub trusted_servers: Vec<String>,
    /// `List-Id`s of mailing lists that lead to us.
    pub lists: Vec<String>,
    /// Addresses of ours besides those that replies come from.
    pub own_addresses: Vec<String>,
    /// A mailbox that is read again and again.
    pub imap: ImapSettings,
}

impl Default for MailSettings {
    fn default() -> Self {
        Self {
            message_bytes: MESSAGE_BYTES,
            trusted_servers: Vec::new(),
            lists: Vec::new(),
            own_addresses: Vec::new(),
            imap: ImapSettings::default(),
        }
    }
}

/// A mailbox, as it is set.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ImapSettings {
    /// Name of its server; none when none is read.
    pub host: Option<String>,
    /// Port of its server.
    pub port: u16,
    /// How the connection is secured.
    pub tls: Tls,
    /// User.
    pub user: Option<String>,
    /// File with the user's password.
    pub password_file: Option<PathBuf>,
    /// File with a further certificate that is trusted.
    pub ca_file: Option<PathBuf>,
    /// The folder that is read.
    pub folder: String,
    /// The folder that mails are moved to once they are recorded; without one they stay and are marked as seen.
    pub done_folder: Option<String>,
    /// Key of the channel whose mailbox it is.
    pub channel: Option<String>,
    /// Pause between two looks.
    pub poll_seconds: u16,
    /// Time for each step.
    pub timeout_seconds: u16,
}

impl Default for ImapSettings {
    fn default() -> Self {
        Self {
            host: None,
            port: 993,
            tls: Tls::Implicit,
            user: None,
            password_file: None,
            ca_file: None,
            folder: "INBOX".to_owned(),
            done_folder: None,
            channel: None,
            poll_seconds: 60,
            timeout_seconds: 30,
        }
    }
}

/// What inbound mail is judged by.
#[derive(Clone, Debug)]
pub struct Mailroom {
    /// Most bytes of a mail.
    pub message_bytes: usize,
    /// Mail servers whose `Authentication-Results` are believed.
    pub trusted_servers: Vec<String>,
    /// `List-Id`s of mailing lists that lead to us.
    pub lists: Vec<String>,
    /// Addresses of ours besides those that replies come from.
    pub own_addresses: Vec<String>,
    /// A mailbox that is read again and again.
    pub imap: Option<Imap>,
}

impl Default for Mailroom {
    fn default() -> Self {
        let MailSettings { message_bytes, trusted_servers, lists, own_addresses, .. } =
            MailSettings::default();
        Self { message_bytes, trusted_servers, lists, own_addresses, imap: None }
    }
}

/// A mailbox, ready to be read.
#[derive(Clone, Debug)]
pub struct Imap {
    /// Name of its server.
    pub host: String,
    /// Port of its server.
    pub port: u16,
    /// How the connection is secured.
    pub tls: Tls,
    /// User.
    pub user: String,
    /// The user's password.
    pub password: SecretString,
    /// A further certificate in PEM that is trusted.
    pub ca: Option<Vec<u8>>,
    /// The folder that is read.
    pub folder: String,
    /// The folder that mails are moved to once they are recorded.
    pub done_folder: Option<String>,
    /// Key of the channel whose mailbox it is.
    pub channel: String,
    /// Pause between two looks.
    pub poll: Duration,
    /// Time for each step.
    pub timeout: Duration,
}

impl MailSettings {
    /// Reads the files that the settings name.
    ///
    /// # Errors
    /// When one cannot be read, or settings contradict each other.
    pub fn read(&self) -> anyhow::Result<Mailroom> {
        if self.message_bytes == 0 {
            bail!("intake.mail.message_bytes is at least 1");
        }
        Ok(Mailroom {
            message_bytes: self.message_bytes,
            trusted_servers: self.trusted_servers.clone(),
            lists: self.lists.clone(),
            own_addresses: self.own_addresses.clone(),
            imap: self.imap.read()?,
        })
    }
}

impl ImapSettings {
    fn read(&self) -> anyhow::Result<Option<Imap>> {
        let Some(host) = &self.host else { return Ok(None) };
        let is_loopback =
            host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
        if self.tls == Tls::None && !is_loopback {
            bail!(
                "intake.mail.imap.tls = \"none\" is for a server on a loopback address: set implicit or starttls"
            );
        }
        if self.poll_seconds == 0 || self.timeout_seconds == 0 {
            bail!("intake.mail.imap.poll_seconds and timeout_seconds are at least 1");
        }
        let needed = |name: &str| anyhow::anyhow!("intake.mail.imap.host needs intake.mail.imap.{name}");
        let file = self.password_file.as_ref().ok_or_else(|| needed("password_file"))?;
        let read = |file: &PathBuf| std::fs::read(file).with_context(|| file.display().to_string());
        Ok(Some(Imap {
            host: host.clone(),
            port: self.port,
            tls: self.tls,
            user: self.user.clone().ok_or_else(|| needed("user"))?,
            password: secret::read_text(file)?,
            ca: self.ca_file.as_ref().map(read).transpose()?,
            folder: self.folder.clone(),
            done_folder: self.done_folder.clone(),
            channel: self.channel.clone().ok_or_else(|| needed("channel"))?,
            poll: Duration::from_secs(self.poll_seconds.into()),
            timeout: Duration::from_secs(self.timeout_seconds.into()),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mailbox_needs_a_channel_and_is_read_in_the_clear_on_this_machine_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        std::fs::write(&file, "secret\n").unwrap();
        let whole = ImapSettings {
            host: Some("127.0.0.1".to_owned()),
            user: Some("psirt".to_owned()),
            password_file: Some(file),
            channel: Some("mail".to_owned()),
            tls: Tls::None,
            ..ImapSettings::default()
        };
        let read = whole.read().unwrap().unwrap();
        assert_eq!((read.port, read.folder.as_str()), (993, "INBOX"));
        assert!(ImapSettings { host: Some("mail.example.com".to_owned()), ..whole.clone() }.read().is_err());
        assert!(ImapSettings { channel: None, ..whole.clone() }.read().is_err());
        assert!(ImapSettings { password_file: None, ..whole }.read().is_err());
        assert!(ImapSettings::default().read().unwrap().is_none(), "no host, no mailbox");
    }
}
