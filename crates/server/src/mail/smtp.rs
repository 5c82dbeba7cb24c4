//! Mail by SMTP, with TLS by rustls.

use std::time::Duration;

use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};

use super::{Mail, MailError};

const TIMEOUT: Duration = Duration::from_secs(10);

/// A pool of connections to one mail server.
#[derive(Debug)]
pub(crate) struct Smtp {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
}

/// Looks at a URL without using it.
pub(super) fn check(url: &str) -> Result<(), MailError> {
    let (bare, from) = split_from(url)?;
    AsyncSmtpTransport::<Tokio1Executor>::from_url(&bare).map_err(|_| MailError::Target)?;
    sender(from.as_deref(), &bare).map(|_| ())
}

impl Smtp {
    /// Prepares the pool. `smtps://` is TLS from the start; `smtp://…?tls=required` is STARTTLS;
    /// `from=ADDRESS` sets the sender.
    pub(super) fn open(url: &str) -> Result<Self, MailError> {
        let (bare, from) = split_from(url)?;
        let from = sender(from.as_deref(), &bare)?;
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(&bare).map_err(|_| MailError::Target)?;
        Ok(Self { transport: builder.timeout(Some(TIMEOUT)).build(), from })
    }

    pub(super) async fn deliver(&self, mail: &Mail) -> Result<(), MailError> {
        let message = message(&self.from, mail)?;
        self.transport.send(message).await.map_err(|error| MailError::Smtp(error.to_string()))?;
        Ok(())
    }
}

/// The mail as RFC 5322 has it.
pub(super) fn message(from: &Mailbox, mail: &Mail) -> Result<Message, MailError> {
    let malformed = |error: &dyn std::fmt::Display| MailError::Message(error.to_string());
    Message::builder()
        .from(from.clone())
        .to(mail.to.parse().map_err(|error| malformed(&error))?)
        .subject(mail.subject.clone())
        .header(ContentType::TEXT_PLAIN)
        .body(mail.text.clone())
        .map_err(|error| malformed(&error))
}

/// The sender: `from=` of the URL, else a name at the mail server's host.
fn sender(from: Option<&str>, url: &str) -> Result<Mailbox, MailError> {
    let address = match from {
        Some(address) => address.to_owned(),
        None => format!("agentchat@{}", host(url).ok_or(MailError::Target)?),
    };
    let address = address.parse().map_err(|_| MailError::Message(format!("`{address}` is not an address")))?;
    Ok(Mailbox::new(Some("AgentChat".to_owned()), address))
}

fn host(url: &str) -> Option<String> {
    let uri: http::Uri = url.parse().ok()?;
    Some(uri.host()?.to_owned())
}

/// Takes `from=…` out of the query; the rest is lettre's.
fn split_from(url: &str) -> Result<(String, Option<String>), MailError> {
    let Some((base, query)) = url.split_once('?') else { return Ok((url.to_owned(), None)) };
    let (from, rest): (Vec<&str>, Vec<&str>) = query.split('&').partition(|pair| pair.starts_with("from="));
    let from = from.last().map(|pair| percent_encoding::percent_decode_str(&pair[5..]).decode_utf8());
    let from = from.transpose().map_err(|_| MailError::Target)?.map(|address| address.into_owned());
    let bare = if rest.is_empty() { base.to_owned() } else { format!("{base}?{}", rest.join("&")) };
    Ok((bare, from))
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
    use tokio::net::TcpListener;
    use tokio::task::JoinHandle;

    use super::*;

    /// A mail server that takes one mail and hands back every line it was sent.
    async fn mail_server(refuse: bool) -> (String, JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}?from=bot%40example.com", listener.local_addr().unwrap());
        let serving = tokio::spawn(async move {
            let mut stream = BufReader::new(listener.accept().await.unwrap().0);
            stream.write_all(b"220 test\r\n").await.unwrap();
            let (mut lines, mut line, mut in_data) = (Vec::new(), String::new(), false);
            while stream.read_line(&mut line).await.unwrap() > 0 {
                let said = std::mem::take(&mut line).trim_end().to_owned();
                let answer = match said.as_str() {
                    "." => Some("250 taken"),
                    _ if in_data => None,
                    "DATA" => Some("354 go on"),
                    _ if refuse && said.starts_with("RCPT") => Some("550 nobody here"),
                    _ => Some("250 fine"),
                };
                in_data = (in_data || said == "DATA") && said != ".";
                lines.push(said);
                if let Some(answer) = answer {
                    stream.write_all(format!("{answer}\r\n").as_bytes()).await.unwrap();
                }
                if lines.last().is_some_and(|last| last == "." || last == "QUIT") {
                    break;
                }
            }
            lines
        });
        (url, serving)
    }

    fn mail() -> Mail {
        Mail { to: "ops@example.com".into(), subject: "Your code".into(), text: "Your code is 493027".into() }
    }

    #[tokio::test]
    async fn a_mail_reaches_the_mail_server() {
        let (url, serving) = mail_server(false).await;
        Smtp::open(&url).unwrap().deliver(&mail()).await.unwrap();
        let lines = serving.await.unwrap();
        for expected in [
            "MAIL FROM:<bot@example.com>",
            "RCPT TO:<ops@example.com>",
            "From: AgentChat <bot@example.com>",
            "Subject: Your code",
            "Your code is 493027",
        ] {
            assert!(lines.iter().any(|line| line == expected), "{expected} is not in {lines:#?}");
        }
    }

    #[tokio::test]
    async fn a_refused_mail_is_an_error_that_says_why() {
        let (url, _serving) = mail_server(true).await;
        let error = Smtp::open(&url).unwrap().deliver(&mail()).await.unwrap_err().to_string();
        assert!(error.contains("nobody here"), "{error}");
    }

    #[test]
    fn the_sender_comes_from_the_url() {
        let (bare, from) = split_from("smtp://u:p@mail.example.com:587?tls=required&from=bot%40example.com").unwrap();
        assert_eq!(bare, "smtp://u:p@mail.example.com:587?tls=required");
        assert_eq!(sender(from.as_deref(), &bare).unwrap().to_string(), "AgentChat <bot@example.com>");
    }

    #[test]
    fn without_one_it_is_named_after_the_host() {
        let (bare, from) = split_from("smtps://u:p@mail.example.com").unwrap();
        assert_eq!(sender(from.as_deref(), &bare).unwrap().to_string(), "AgentChat <agentchat@mail.example.com>");
    }
}
