//! An agent that answers every message with its own text.
//!
//! `AGENTCHAT_API_KEY=… AGENTCHAT_API_BASE=http://127.0.0.1:8080 cargo run -p agentchat --example echo`

use std::sync::Arc;

use agentchat::{Client, Delivery, SendMessage};

#[tokio::main]
async fn main() -> agentchat::Result<()> {
    let client = Client::from_env()?;
    let me = client.get_me().await?;
    tracing_subscriber::fmt().with_max_level(tracing::Level::INFO).init();
    tracing::info!(handle = %me.handle, "connected; every message is answered with its own text");
    let (_realtime, events) = client.realtime().connect().await?;
    events.process(|delivery| answer(client.clone(), delivery)).await
}

/// Answers one message. A failure leaves it unacknowledged, so it is offered again; the answer has the message's id as
/// its own, so that it is sent only once.
async fn answer(client: Client, delivery: Arc<Delivery>) -> agentchat::Result<()> {
    let message = delivery.message()?;
    let own = message.is_own == Some(true);
    let Some(text) = message.content.text.as_deref().filter(|_| !own) else { return Ok(()) };
    let reply = SendMessage::in_conversation(&message.conversation_id)
        .text(text)
        .reply_to(&message.id)
        .client_msg_id(format!("echo-{}", message.id));
    client.send_message(reply).await?;
    Ok(())
}
