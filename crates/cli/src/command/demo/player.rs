//! The life of an agent: it listens, answers its cues, and acknowledges.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use agentchat::{Delivery, Event, Events, Message, Realtime, SendMessage};
use serde_json::json;
use tokio::task::{JoinHandle, JoinSet};

use super::books::Books;
use super::screenplay::{CAST, DIALOGUES, Line, VOLLEY, pair};
use super::stage::Actor;
use crate::failure::Failure;
use crate::printer::{Printer, Tone, one_line};

const SETTLED_WITHIN: Duration = Duration::from_secs(5);
const ASK_EVERY: Duration = Duration::from_millis(10);

/// What all players share.
pub(super) struct Scene {
    pub(super) books: Arc<Books>,
    pub(super) printer: Printer,
    pub(super) pace: Duration,
    /// Set when the show is to come to its end: no more pauses.
    pub(super) hurry: AtomicBool,
}

impl Scene {
    async fn pause(&self) {
        if !self.hurry.load(Ordering::Relaxed) {
            tokio::time::sleep(self.pace).await;
        }
    }
}

/// An agent that is connected.
pub(super) struct Player {
    role: Role,
    realtime: Realtime,
    listening: JoinHandle<Result<(), Failure>>,
}

/// What an agent needs to speak.
#[derive(Clone)]
struct Role {
    actor: Actor,
    scene: Arc<Scene>,
}

impl Player {
    pub(super) async fn enter(actor: Actor, scene: &Arc<Scene>) -> Result<Self, Failure> {
        let (realtime, events) = actor.client.realtime().connect().await?;
        let role = Role { actor, scene: scene.clone() };
        let listening = tokio::spawn(role.clone().listen(events));
        Ok(Self { role, realtime, listening })
    }

    /// Says the first line of every dialogue that is this agent's to open.
    pub(super) async fn open_dialogues(&self) -> Result<(), Failure> {
        for (index, dialogue) in DIALOGUES.iter().enumerate() {
            if dialogue[0].speaker == self.role.actor.handle {
                self.role.clone().speak(index, 0).await?;
            }
        }
        Ok(())
    }

    /// Numbered messages to everybody else, as fast as they are answered.
    pub(super) async fn fire_volley(&self, players: &[Player]) -> Result<(), Failure> {
        for number in 1..=VOLLEY {
            for other in players.iter().map(|player| player.role.actor.handle) {
                if other != self.role.actor.handle {
                    let text = format!("number {number} of {VOLLEY}");
                    self.role.send(SendMessage::to(other).text(text)).await?;
                }
            }
        }
        Ok(())
    }

    /// Disconnects; how many messages the server still holds for this agent.
    pub(super) async fn leave(self) -> Result<u64, Failure> {
        self.realtime.close().await?;
        self.listening.await.map_err(|error| Failure::failed(error.to_string()))??;
        self.role.unsettled().await
    }
}

impl Role {
    /// The server gathers acknowledgements for a moment before it settles them.
    async fn unsettled(&self) -> Result<u64, Failure> {
        let deadline = Instant::now() + SETTLED_WITHIN;
        loop {
            match self.actor.client.undelivered_count().await? {
                0 => return Ok(0),
                count if Instant::now() > deadline => return Ok(count),
                _ => tokio::time::sleep(ASK_EVERY).await,
            }
        }
    }

    /// Takes what comes; answers are given beside it, so that a pause holds nothing up.
    async fn listen(self, mut events: Events) -> Result<(), Failure> {
        let mut answers = JoinSet::new();
        loop {
            tokio::select! {
                event = events.next() => match event {
                    Some(event) => self.take(event, &mut answers)?,
                    None => return Ok(()),
                },
                Some(answered) = answers.join_next() => {
                    answered.map_err(|error| Failure::failed(error.to_string()))??;
                }
            }
        }
    }

    fn take(&self, event: Event, answers: &mut JoinSet<Result<(), Failure>>) -> Result<(), Failure> {
        match event {
            Event::Message(delivery) => self.receive(delivery, answers)?,
            Event::Terminal(error) => return Err(error.into()),
            Event::Error(error) => self.scene.printer.talk(format!("warning: {error}")),
            _ => {}
        }
        Ok(())
    }

    fn receive(&self, delivery: Delivery, answers: &mut JoinSet<Result<(), Failure>>) -> Result<(), Failure> {
        let message = delivery.message()?.clone();
        delivery.ack();
        if message.is_own == Some(true) {
            return Ok(());
        }
        let took = self.scene.books.delivered(self.actor.handle, &message);
        let Some((dialogue, line)) = cue(&message) else {
            return Ok(());
        };
        self.show(&message, took)?;
        match DIALOGUES[dialogue].get(line + 1) {
            Some(next) if next.speaker == self.actor.handle => {
                answers.spawn(self.clone().speak(dialogue, line + 1));
            }
            Some(_) => {}
            None => self.scene.books.dialogue_over(),
        }
        Ok(())
    }

    /// Says the line and those after it, up to the other's turn.
    async fn speak(self, dialogue: usize, from: usize) -> Result<(), Failure> {
        let own = |(_, line): &(usize, &Line)| line.speaker == self.actor.handle;
        for (number, line) in DIALOGUES[dialogue].iter().enumerate().skip(from).take_while(own) {
            self.scene.pause().await;
            let Some(other) = self.other(dialogue) else { continue };
            let cue = json!({"dialogue": dialogue, "line": number});
            self.send(SendMessage::to(other).text(line.text).metadata(&cue)).await?;
        }
        Ok(())
    }

    async fn send(&self, message: SendMessage) -> Result<(), Failure> {
        let id = message.get_client_msg_id().to_owned();
        self.scene.books.sending(&id);
        self.actor.client.send_message(message).await?;
        self.scene.books.sent(&id);
        Ok(())
    }

    fn other(&self, dialogue: usize) -> Option<&'static str> {
        let (first, second) = pair(DIALOGUES[dialogue])?;
        Some(if first == self.actor.handle { second } else { first })
    }

    fn show(&self, message: &Message, took: Option<Duration>) -> Result<(), Failure> {
        let Scene { printer, .. } = &*self.scene;
        let sender = message.sender.as_str();
        let speaker = CAST.iter().position(|(handle, _)| *handle == sender).unwrap_or(0);
        let who = printer.paint(Tone::Speaker(speaker), &format!("{sender:>8} → {:<8}", self.actor.handle));
        let ms = took.map_or(f64::NAN, |took| took.as_secs_f64() * 1e3);
        let place = printer.paint(Tone::Dim, &format!("#{:<2} {ms:5.1} ms", message.seq));
        let text = one_line(message.content.text.as_deref().unwrap_or_default());
        printer.data(format!("{who} {place}  {text}"), &json!({"type": "message.new", "payload": message}))
    }
}

/// Dialogue and line that a message belongs to.
fn cue(message: &Message) -> Option<(usize, usize)> {
    let metadata: serde_json::Value = message.metadata.parse().ok()?;
    let number = |name: &str| metadata[name].as_u64().and_then(|number| usize::try_from(number).ok());
    let (dialogue, line) = (number("dialogue")?, number("line")?);
    (line < DIALOGUES.get(dialogue)?.len()).then_some((dialogue, line))
}
