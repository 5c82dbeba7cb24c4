//! Delivery ids: positions that only their recipient can hand back.

use agentchat_protocol::delivery::{DeliveryKey, MAX_POSITION};
use agentchat_protocol::id::DeliveryId;
use proptest::prelude::*;

const MOMENT: i64 = 0x019b_c0f0_a4c0;

#[test]
fn it_has_the_shape_of_a_uuid_version_7_of_the_messages_moment() {
    let bytes = DeliveryKey::new([7; 32]).encode(1, MAX_POSITION, MOMENT).bytes();
    assert_eq!(bytes[..6], MOMENT.to_be_bytes()[2..]);
    assert_eq!(bytes[6] >> 4, 7);
    assert_eq!(bytes[8] >> 6, 0b10);
}

#[test]
fn a_foreign_id_is_unknown() {
    let key = DeliveryKey::new([7; 32]);
    let id = key.encode(1, 42, MOMENT);
    assert_eq!(key.decode(1, &id), Some(42));
    assert_eq!(key.decode(2, &id), None);
    assert_eq!(DeliveryKey::new([8; 32]).decode(1, &id), None);
}

#[test]
fn one_changed_bit_makes_it_unknown() {
    let key = DeliveryKey::new([7; 32]);
    let id = u128::from_be_bytes(key.encode(1, 42, MOMENT).bytes());
    for bit in 0..128 {
        let forged = DeliveryId::from_bytes((id ^ 1 << bit).to_be_bytes());
        assert_eq!(key.decode(1, &forged), None, "bit {bit}");
    }
}

proptest! {
    #[test]
    fn every_position_comes_back(secret: [u8; 32], agent: i64, position in 0..=MAX_POSITION, ms in 0i64..1 << 48) {
        let key = DeliveryKey::new(secret);
        prop_assert_eq!(key.decode(agent, &key.encode(agent, position, ms)), Some(position));
    }
}
