//! Ids and keys.

use agentchat_protocol::api_key::{ApiKey, hash_key};
use agentchat_protocol::id::{AgentId, ConversationId, ConversationKind, DeliveryId, MessageId, PendingId, version_7};
use agentchat_protocol::timestamp::Timestamp;
use proptest::prelude::*;

const UUID: [u8; 16] = 0x019b_c0f0_a4c0_7a1b_8c2d_3e4f_5061_7283_u128.to_be_bytes();

#[test]
fn the_contracts_uuid_is_spelled_as_it_says() {
    let id = MessageId::from_bytes(UUID);
    assert_eq!(id.to_string(), "msg_01KF0F1960F8DRRB9Y9X862WM3");
    assert_eq!(format!("{id:?}"), id.to_string());
    assert_eq!("msg_01KF0F1960F8DRRB9Y9X862WM3".parse(), Ok(id));
}

#[test]
fn parsing_is_strict() {
    for text in [
        "",
        "msg_",
        "01KF0F1960F8DRRB9Y9X862WM3",
        "agt_01KF0F1960F8DRRB9Y9X862WM3",
        "msg_01KF0F1960F8DRRB9Y9X862WM",
        "msg_01KF0F1960F8DRRB9Y9X862WM30",
        "msg_01kf0f1960f8drrb9y9x862wm3",
        "msg_01KF0F1960F8DRRB9Y9X862WMI",
        "msg_01KF0F1960F8DRRB9Y9X862WMU",
        "msg_81KF0F1960F8DRRB9Y9X862WM3",
        "msg_01KF0F1960F8DRRB9Y9X862Wé",
        " msg_01KF0F1960F8DRRB9Y9X862WM3",
    ] {
        assert!(text.parse::<MessageId>().is_err(), "{text}");
    }
    assert!("msg_7ZZZZZZZZZZZZZZZZZZZZZZZZZ".parse::<MessageId>().is_ok());
}

#[test]
fn a_conversations_kind_is_its_prefix() {
    let direct: ConversationId = "conv_01KF0FV2ENFV1T8ZEF0PGKKP4N".parse().unwrap();
    let group: ConversationId = "grp_01KF0FV2EWF5WA0HM5ZD1QSCP7".parse().unwrap();
    assert_eq!(direct.kind, ConversationKind::Direct);
    assert!(group.is_group());
    assert_eq!(group.to_string(), "grp_01KF0FV2EWF5WA0HM5ZD1QSCP7");
    assert!("convo_01KF0FV2ENFV1T8ZEF0PGKKP4N".parse::<ConversationId>().is_err());
    assert_eq!(ConversationKind::of_id("grp_nonsense"), Some(ConversationKind::Group));
    assert_eq!(ConversationKind::of_id("msg_01KF0FV2ENFV1T8ZEF0PGKKP4N"), None);
    assert_ne!(ConversationId::nowhere(ConversationKind::Group), group);
}

#[test]
fn a_delivery_id_is_lowercase_hex() {
    let id: DeliveryId = "del_019bc0fd89c375e3890289e2955dfaec".parse().unwrap();
    assert_eq!(id.to_string(), "del_019bc0fd89c375e3890289e2955dfaec");
    for text in [
        "del_019BC0FD89C375E3890289E2955DFAEC",
        "del_+19bc0fd89c375e3890289e2955dfaec",
        "del_019bc0fd89c375e3890289e2955dfae",
        "019bc0fd89c375e3890289e2955dfaec",
    ] {
        assert!(text.parse::<DeliveryId>().is_err(), "{text}");
    }
}

#[test]
fn a_fresh_id_is_a_version_7_uuid_of_its_moment() {
    let now = Timestamp::from_millis(0x019b_c0f0_a4c0);
    assert_eq!(version_7(now, [0xff; 10])[..9], [0x01, 0x9b, 0xc0, 0xf0, 0xa4, 0xc0, 0x7f, 0xff, 0xbf]);
    let entropy = UUID[6..].try_into().unwrap();
    assert_eq!(AgentId::new(now, entropy).bytes(), UUID);
    assert_eq!(PendingId::new(now, entropy).to_string(), "pnd_01KF0F1960F8DRRB9Y9X862WM3");
}

#[test]
fn ids_are_json_strings() {
    let id = MessageId::from_bytes(UUID);
    let text = serde_json::to_string(&id).unwrap();
    assert_eq!(text, "\"msg_01KF0F1960F8DRRB9Y9X862WM3\"");
    assert_eq!(serde_json::from_str::<MessageId>(&text).unwrap(), id);
    assert!(serde_json::from_str::<MessageId>("\"grp_01KF0F1960F8DRRB9Y9X862WM3\"").is_err());
    assert!(serde_json::from_str::<MessageId>("7").is_err());
}

#[test]
fn the_contracts_key_is_spelled_as_it_says() {
    let key = ApiKey::from_entropy(std::array::from_fn(|at| at as u8));
    assert_eq!(key.expose(), "ac_live_003aUlTJC7tjlCTQj2uNU3MFagCXG9LRKRcwGkBIDlf45tWMh");
    assert_eq!(format!("{key:?}"), "***");
}

#[test]
fn a_key_is_stored_as_the_sha_256_of_the_whole_string() {
    let hex: String = hash_key("abc").iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

proptest! {
    #[test]
    fn every_id_survives_its_spelling(bytes: [u8; 16]) {
        let message = MessageId::from_bytes(bytes);
        prop_assert_eq!(message.to_string().parse(), Ok(message));
        prop_assert_eq!(message.to_string().len(), 30);
        let delivery = DeliveryId::from_bytes(bytes);
        prop_assert_eq!(delivery.to_string().parse(), Ok(delivery));
        let group = ConversationId::group(bytes);
        prop_assert_eq!(group.to_string().parse(), Ok(group));
    }

    #[test]
    fn spellings_sort_as_the_bytes_do(a: [u8; 16], b: [u8; 16]) {
        let (one, other) = (MessageId::from_bytes(a), MessageId::from_bytes(b));
        prop_assert_eq!(one.cmp(&other), one.to_string().cmp(&other.to_string()));
    }

    #[test]
    fn every_key_has_a_checksum_that_one_changed_character_breaks(
        entropy: [u8; 32], at in 8usize..57, other in proptest::char::ranges(vec!['0'..='9', 'A'..='Z', 'a'..='z'].into()),
    ) {
        let key = ApiKey::from_entropy(entropy);
        prop_assert_eq!(key.expose().len(), 57);
        prop_assert!(ApiKey::checksum_ok(key.expose()));
        let mut changed: Vec<char> = key.expose().chars().collect();
        prop_assume!(changed[at] != other);
        changed[at] = other;
        prop_assert!(!ApiKey::checksum_ok(&changed.into_iter().collect::<String>()));
    }

    #[test]
    fn no_text_upsets_the_checksum(text: String) {
        prop_assert!(!ApiKey::checksum_ok(&text));
    }
}
