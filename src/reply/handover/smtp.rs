//! The conversation with a mail server, in two halves: up to the content, and the content.

use std::time::Duration;

use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{Error, response::Response};
use secrecy::ExposeSecret;
use tokio::time::timeout;

use super::{Outcome, mail};
use crate::reply::settings::{Smtp, Tls};

/// Least bytes a second at which content is handed over.
const LEAST_RATE: u64 = 128 << 10;

/// A server that has taken sender and recipient and waits for the content.
pub struct Ready {
    connection: AsyncSmtpConnection,
    timeout: Duration,
}

/// Connects, secures the connection, says who writes to whom, and asks to send the content.
///
/// # Errors
/// What came of it: the e-mail was surely not taken.
pub async fn prepare(smtp: &Smtp, from: &str, to: &str) -> Result<Ready, Outcome> {
    match timeout(smtp.timeout, converse(smtp, from, to)).await {
        Ok(Ok(connection)) => Ok(Ready { connection, timeout: smtp.timeout }),
        Ok(Err(error)) => Err(not_taken(&error)),
        Err(_) => Err(Outcome::Later(format!("no answer within {} s", smtp.timeout.as_secs()))),
    }
}

async fn converse(smtp: &Smtp, from: &str, to: &str) -> Result<AsyncSmtpConnection, Error> {
    let hello = ClientId::default();
    let secured = (smtp.tls != Tls::None).then(|| parameters(smtp)).transpose()?;
    let at_once = secured.clone().filter(|_| smtp.tls == Tls::Implicit);
    let server = (smtp.host.as_str(), smtp.port);
    let mut connection =
        AsyncSmtpConnection::connect_tokio1(server, Some(smtp.timeout), &hello, at_once, None).await?;
    if let Some(secured) = secured.filter(|_| smtp.tls == Tls::Starttls) {
        // A server that does not offer it is refused: nothing is said in the clear.
        connection.starttls(secured, &hello).await?;
    }
    if let Some((user, password)) = &smtp.user {
        let credentials = Credentials::new(user.clone(), password.expose_secret().to_owned());
        connection.auth(&[Mechanism::Plain, Mechanism::Login], &credentials).await?;
    }
    connection.command(Mail::new(mail::address(from), Vec::new())).await?;
    if let Some(to) = mail::address(to) {
        connection.command(Rcpt::new(to, Vec::new())).await?;
    }
    connection.command(Data).await?;
    Ok(connection)
}

fn parameters(smtp: &Smtp) -> Result<TlsParameters, Error> {
    let mut builder = TlsParameters::builder(smtp.host.clone());
    if let Some(ca) = &smtp.ca {
        builder = builder.add_root_certificate(Certificate::from_pem(ca)?);
    }
    builder.build_rustls()
}

/// What an error before the content means: the server's no for good, or anything that may pass.
fn not_taken(error: &Error) -> Outcome {
    let words = words(error);
    if error.is_permanent() { Outcome::Refused(words) } else { Outcome::Later(words) }
}

/// Time to hand so many bytes over and to be answered: what a step takes, and more for what is large.
pub fn time_for(timeout: Duration, bytes: usize) -> Duration {
    timeout + Duration::from_secs(u64::try_from(bytes).unwrap_or(u64::MAX) / LEAST_RATE)
}

impl Ready {
    /// Sends the content and hears what becomes of it, within [`time_for`] it.
    pub async fn send(mut self, content: &[u8]) -> Outcome {
        let time = time_for(self.timeout, content.len());
        let outcome = match timeout(time, self.connection.message(content)).await {
            Ok(Ok(response)) => Outcome::Taken(said(&response)),
            // Only an answer with a code is the server's no. All else leaves open what it did.
            Ok(Err(error)) if error.status().is_some() => not_taken(&error),
            Ok(Err(error)) => Outcome::Uncertain(words(&error)),
            Err(_) => Outcome::Uncertain(format!("no answer within {} s", time.as_secs())),
        };
        // How the server takes leave changes nothing any more.
        let _ = timeout(Duration::from_secs(1), self.connection.quit()).await;
        outcome
    }

    /// Leaves without sending anything: without its end, the content counts for nothing.
    pub async fn leave(mut self) {
        let _ = timeout(Duration::from_secs(1), self.connection.abort()).await;
    }
}

fn said(response: &Response) -> String {
    format!("{} {}", response.code(), response.message().collect::<Vec<_>>().join(" "))
}

fn words(error: &Error) -> String {
    use std::error::Error as _;
    match error.source() {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_large_has_more_time() {
        let step = Duration::from_secs(30);
        assert_eq!(time_for(step, 4_000), step);
        assert_eq!(time_for(step, 40 << 20), step + Duration::from_secs(320));
    }
}
