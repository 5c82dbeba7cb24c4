//! Moments.

use agentchat_protocol::timestamp::Timestamp;
use proptest::prelude::*;

const MOMENT: i64 = 1_768_469_400_000;

#[test]
fn a_moment_is_spelled_with_three_digits_and_z() {
    assert_eq!(Timestamp::from_millis(MOMENT).to_string(), "2026-01-15T09:30:00.000Z");
    assert_eq!(Timestamp::from_millis(MOMENT + 7).to_string(), "2026-01-15T09:30:00.007Z");
    assert_eq!(Timestamp::from_millis(0).to_string(), "1970-01-01T00:00:00.000Z");
    assert_eq!(Timestamp::from_millis(-1).to_string(), "1969-12-31T23:59:59.999Z");
}

#[test]
fn any_offset_of_rfc_3339_is_read() {
    for text in [
        "2026-01-15T09:30:00Z",
        "2026-01-15T09:30:00.000Z",
        "2026-01-15t09:30:00z",
        "2026-01-15 09:30:00Z",
        "2026-01-15T11:30:00+02:00",
        "2026-01-15T03:45:00.0-05:45",
        "2026-01-15T09:30:00.0009999999999Z",
        "2026-01-15T09:30:00-00:00",
    ] {
        assert_eq!(text.parse(), Ok(Timestamp::from_millis(MOMENT)), "{text}");
    }
}

#[test]
fn what_rfc_3339_does_not_know_is_refused() {
    for text in [
        "",
        "2026-01-15",
        "2026-01-15T09:30:00",
        "2026-01-15T09:30Z",
        "2026-01-15T09:30:00+0200",
        "20260115T093000Z",
        "2026-01-15T09:30:00.Z",
        "2026-01-15T09:30:00,5Z",
        "2026-02-30T09:30:00Z",
        "2026-01-15T25:30:00Z",
        "2026-01-15T09:30:00Z[UTC]",
        "2026-01-15T09:30:00+02",
        "+2026-01-15T09:30:00Z",
        "2026-01-15T09:30:0éZ",
        "1768469400000",
    ] {
        assert!(text.parse::<Timestamp>().is_err(), "{text}");
    }
}

#[test]
fn a_moment_out_of_the_calendar_still_prints() {
    assert!(Timestamp::from_millis(i64::MAX).to_string().starts_with("9999-12-"));
    assert!(Timestamp::from_millis(i64::MIN).to_string().ends_with('Z'));
}

proptest! {
    #[test]
    fn every_moment_survives_its_spelling(millis in -62_135_596_800_000i64..253_402_207_200_000) {
        let moment = Timestamp::from_millis(millis);
        prop_assert_eq!(moment.to_string().len(), 24);
        prop_assert_eq!(moment.to_string().parse(), Ok(moment));
    }

    #[test]
    fn no_text_upsets_the_parser(text in "[0-9T:.Zz+ -]{15,40}|\\PC{0,40}") {
        let _ = text.parse::<Timestamp>();
    }
}
