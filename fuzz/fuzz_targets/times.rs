//! Moments: what can be read is printed in the one spelling of answers, and that is the same moment.
#![no_main]

use agentchat_protocol::timestamp::Timestamp;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let Ok(moment) = text.parse::<Timestamp>() else { return };
    let printed = moment.to_string();
    // An offset may lead out of the years that have four digits.
    if (-62_167_219_200_000..253_402_300_800_000).contains(&moment.as_millis()) {
        assert_eq!(printed.len(), 24, "{printed}");
        assert_eq!(printed.parse(), Ok(moment), "{text:?}");
    }
});
