//! The agents, and who writes to whom.

use std::collections::BTreeSet;

use clap::Args;

use crate::process::Service;
use crate::setup::{self, Agent, Conversation};

/// How many agents talk in which way.
#[derive(Args, Clone, Debug)]
pub(crate) struct Company {
    /// Pairs of a sender and a receiver
    #[arg(long, default_value_t = 24)]
    pub pairs: usize,
    /// Senders who all write to the same receiver
    #[arg(long, default_value_t = 8)]
    pub crowd: usize,
    /// Conversations in which both sides send
    #[arg(long, default_value_t = 8)]
    pub dialogues: usize,
}

/// One direction of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Flow {
    /// Who sends, as an index into the agents.
    pub(crate) from: usize,
    /// Who receives.
    pub(crate) to: usize,
    /// Where, as an index into the conversations.
    pub(crate) conversation: usize,
}

/// Everybody, with conversations that were established before.
#[derive(Debug)]
pub(crate) struct Cast {
    pub(crate) agents: Vec<Agent>,
    pub(crate) conversations: Vec<Conversation>,
    pub(crate) flows: Vec<Flow>,
}

/// Two agents of a conversation, and whether both send.
type Couple = (usize, usize, bool);

impl Cast {
    pub(crate) async fn gather(service: &Service, company: &Company) -> anyhow::Result<Self> {
        let (count, couples) = couples(company);
        let agents = setup::seed(service, "agent", count).await?;
        let both = couples.iter().map(|&(one, other, _)| (agents[one].clone(), agents[other].clone())).collect();
        let conversations = setup::introduce(service, both).await?;
        Ok(Self { agents, conversations, flows: flows(&couples) })
    }

    /// Everybody who is written to.
    pub(crate) fn receivers(&self) -> BTreeSet<usize> {
        self.flows.iter().map(|flow| flow.to).collect()
    }
}

/// The number of agents, and the couples among them.
fn couples(company: &Company) -> (usize, Vec<Couple>) {
    let mut couples: Vec<Couple> = Vec::new();
    couples.extend((0..company.pairs).map(|number| (2 * number, 2 * number + 1, false)));
    let popular = 2 * company.pairs;
    couples.extend((1..=company.crowd).map(|number| (popular + number, popular, false)));
    let first = popular + if company.crowd > 0 { company.crowd + 1 } else { 0 };
    couples.extend((0..company.dialogues).map(|number| (first + 2 * number, first + 2 * number + 1, true)));
    (first + 2 * company.dialogues, couples)
}

fn flows(couples: &[Couple]) -> Vec<Flow> {
    let mut flows = Vec::new();
    for (conversation, &(one, other, both)) in couples.iter().enumerate() {
        flows.push(Flow { from: one, to: other, conversation });
        if both {
            flows.push(Flow { from: other, to: one, conversation });
        }
    }
    flows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_agent_has_a_part_and_every_flow_its_conversation() {
        let (count, couples) = couples(&Company { pairs: 2, crowd: 3, dialogues: 1 });
        assert_eq!(couples, [(0, 1, false), (2, 3, false), (5, 4, false), (6, 4, false), (7, 4, false), (8, 9, true)]);
        assert_eq!(count, 10);
        let flows = flows(&couples);
        assert_eq!(flows.len(), 7);
        assert_eq!(flows[6], Flow { from: 9, to: 8, conversation: 5 });
    }

    #[test]
    fn there_may_be_no_crowd() {
        assert_eq!(couples(&Company { pairs: 0, crowd: 0, dialogues: 1 }), (2, vec![(0, 1, true)]));
    }
}
