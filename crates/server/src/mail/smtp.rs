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
    use super::*;

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
