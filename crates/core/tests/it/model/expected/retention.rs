//! What becomes of old messages (extensions.md X8).

use agentchat_protocol::id::MessageId;

use super::{Model, NAMES};

impl Model {
    /// The service emptied these messages, all that it found older than `before`. None of them may wait for anybody; and
    /// those that wait for nobody must be among them, but for what jobs still have to settle.
    pub(in super::super) fn hear_of_emptying(&mut self, emptied: &[MessageId], before: i64) -> Result<(), String> {
        let now = self.now;
        let is_dead: Vec<bool> = (0..NAMES.len()).map(|who| self.agents[who].is_some() && !self.lives(who)).collect();
        for conversation in &mut self.conversations {
            let is_over = conversation.group().is_some_and(|group| group.deleted.is_some());
            for message in conversation.messages.iter_mut().filter(|message| !message.is_empty) {
                let waits = message.envelopes.iter().any(|envelope| message.waits(envelope, now));
                let may = message.created_at < before && !waits;
                let unsettled = is_over || message.envelopes.iter().any(|envelope| is_dead[envelope.to]);
                match (emptied.contains(&message.id), may) {
                    (true, false) => return Err(format!("    {} was emptied too early\n", message.id)),
                    (false, true) if !unsettled => return Err(format!("    {} was not emptied\n", message.id)),
                    (true, true) => {
                        message.is_empty = true;
                        self.touched_in.insert(conversation.id);
                    }
                    _ => {}
                }
            }
        }
        self.touch_everybody();
        Ok(())
    }
}
