//! A mail server on the loopback that behaves as it is told.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// What it does with the next e-mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Behaviour {
    /// Takes it.
    Take,
    /// Says no to the recipient, for good.
    NoSuchRecipient,
    /// Says that it is busy.
    Busy,
    /// Says no to the content, for good.
    RefuseContent,
    /// Takes the content, and goes away without a word.
    Vanish,
}

/// The server, with the e-mails of which it got the whole content.
pub(crate) struct MailServer {
    pub(crate) port: u16,
    behaviour: Arc<Mutex<Behaviour>>,
    got: Arc<Mutex<Vec<String>>>,
}

impl MailServer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (behaviour, got) = (Arc::new(Mutex::new(Behaviour::Take)), Arc::<Mutex<Vec<String>>>::default());
        let (told, list) = (Arc::clone(&behaviour), Arc::clone(&got));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let now = *told.lock().unwrap();
                // One that breaks off the conversation ends it.
                tokio::spawn(converse(stream, now, Arc::clone(&list)));
            }
        });
        Self { port, behaviour, got }
    }

    pub(crate) fn behave(&self, behaviour: Behaviour) {
        *self.behaviour.lock().unwrap() = behaviour;
    }

    /// The e-mails so far.
    pub(crate) fn got(&self) -> Vec<String> {
        self.got.lock().unwrap().clone()
    }
}

async fn converse(
    stream: TcpStream,
    behaviour: Behaviour,
    got: Arc<Mutex<Vec<String>>>,
) -> std::io::Result<()> {
    let (reader, mut writer) = stream.into_split();
    let mut lines = BufReader::new(reader);
    writer.write_all(b"220 mail.example.org\r\n").await?;
    let mut line = String::new();
    loop {
        line.clear();
        if lines.read_line(&mut line).await? == 0 {
            return Ok(());
        }
        let word = line.split([' ', ':', '\r']).next().unwrap_or_default().to_ascii_uppercase();
        let answer = match word.as_str() {
            "EHLO" => "250 mail.example.org",
            "MAIL" if behaviour == Behaviour::Busy => "451 later",
            "RCPT" if behaviour == Behaviour::NoSuchRecipient => "550 no such user",
            "MAIL" | "RCPT" => "250 ok",
            "DATA" => {
                writer.write_all(b"354 go on\r\n").await?;
                let mut content = String::new();
                loop {
                    line.clear();
                    if lines.read_line(&mut line).await? == 0 {
                        return Ok(());
                    }
                    if line == ".\r\n" {
                        break;
                    }
                    content.push_str(line.strip_prefix('.').unwrap_or(&line));
                }
                got.lock().unwrap().push(content);
                match behaviour {
                    Behaviour::Vanish => return Ok(()),
                    Behaviour::RefuseContent => "554 not wanted",
                    _ => "250 queued as 1",
                }
            }
            "QUIT" => {
                writer.write_all(b"221 bye\r\n").await?;
                return Ok(());
            }
            _ => "502 unknown",
        };
        writer.write_all(format!("{answer}\r\n").as_bytes()).await?;
    }
}
