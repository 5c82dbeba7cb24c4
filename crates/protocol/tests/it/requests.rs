//! Reading any JSON body.

use agentchat_protocol::text;
use agentchat_protocol::timestamp::Timestamp;
use agentchat_protocol::validate::{FieldErrors, Object};

fn object(body: &str) -> Object {
    Object::parse(body.as_bytes()).unwrap()
}

#[test]
fn a_body_must_be_one_object() {
    for body in [
        "",
        " ",
        "[]",
        "5",
        "null",
        "\"x\"",
        "{",
        "{}x",
        "{} {}",
        "{\"a\":NaN}",
        "{\"a\":Infinity}",
        "{\"a\":1,}",
        "{a:1}",
        "{'a':1}",
        "{\"a\":01}",
        "{\"a\":1.}",
        "{\"a\":.5}",
        "{\"a\":+1}",
        "{\"a\":-}",
        "{\"a\":1e}",
        "{\"a\":tru}",
        "{\"a\":\"\u{0}\"}",
        r#"{"a":"\u0000"}"#,
        r#"{"\u0000":1}"#,
        r#"{"a":"\ud800"}"#,
        r#"{"a":"\udc00"}"#,
        r#"{"a":"\ud800\u0041"}"#,
        r#"{"a":"\x"}"#,
        r#"{"a":"\u12g4"}"#,
        "{\"a\":\"\n\"}",
        "{\"a\":\"",
        "{\"a\"",
        "{\"a\":[1 2]}",
        "{\"a\":[1,]}",
        "{\"a\":{\"b\":1]}",
        "\u{feff}{}",
    ] {
        let errors = Object::parse(body.as_bytes()).expect_err(body);
        assert_eq!(errors.form.len(), 1, "{body}");
    }
    assert!(Object::parse(b"{\"a\":\"\xff\"}").is_err());
    assert!(Object::parse(b"{\"a\":\"\xed\xa0\x80\"}").is_err());
}

#[test]
fn nesting_outside_the_opaque_fields_is_free_and_harmless() {
    let deep = format!("{{\"a\":{}{}}}", "[".repeat(200_000), "]".repeat(200_000));
    assert!(object(&deep).has("a"));
}

#[test]
fn an_empty_body_is_an_empty_object_where_that_is_enough() {
    assert!(!Object::parse_or_empty(b"").unwrap().has("a"));
    assert!(Object::parse_or_empty(b"[]").is_err());
}

#[test]
fn the_last_duplicate_wins_and_null_is_absent() {
    let body = object(r#"{"a":"x","\u0061":"y","b":"x","b":null}"#);
    let mut errors = FieldErrors::default();
    assert_eq!(body.req_str("a", &mut errors), Some("y"));
    assert_eq!(body.opt_str("b", &mut errors), None);
    assert_eq!(body.nullable_str("b", &mut errors), Some(None));
    assert_eq!(body.nullable_str("c", &mut errors), None);
    assert!(body.has("b") && !body.has("c"));
    assert!(errors.is_empty());
}

#[test]
fn strings_are_decoded() {
    let body = object(r#"{"a":"\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00é"}"#);
    let expected = "\"\\/\u{8}\u{c}\n\r\té😀é";
    assert_eq!(body.opt_str("a", &mut FieldErrors::default()), Some(expected));
}

#[test]
fn every_type_has_its_getter() {
    let body = object(
        r#"{"s":"x","t":true,"i":3,"f":3.0,"e":3e2,"at":"2026-01-15T11:30:00+02:00","none":null,"l":["a","b"],"o":{"deep":"x"}}"#,
    );
    let errors = &mut FieldErrors::default();
    assert_eq!(body.opt_bool("t", errors), Some(true));
    assert_eq!(body.req_int("i", errors), Some(3));
    assert_eq!(body.opt_int("f", errors), Some(3));
    assert_eq!(body.opt_int("e", errors), Some(300));
    assert_eq!(body.opt_time("at", errors), Some(Timestamp::from_millis(1_768_469_400_000)));
    assert_eq!(body.nullable_time("none", errors), Some(None));
    assert_eq!(body.req_strs("l", errors), Some(vec!["a".into(), "b".into()]));
    assert_eq!(body.opt_object("o", errors).unwrap().opt_str("deep", errors), Some("x"));
    assert!(errors.is_empty());
}

#[test]
fn wrong_types_are_named_with_their_path() {
    let body =
        object(r#"{"s":5,"b":"true","i":1.5,"big":9007199254740994.5,"t":"soon","l":["a",1],"o":[],"in":{"m":1}}"#);
    let errors = &mut FieldErrors::default();
    assert_eq!(body.req_str("s", errors), None);
    assert_eq!(body.opt_bool("b", errors), None);
    assert_eq!(body.opt_int("i", errors), None);
    assert_eq!(body.opt_int("big", errors), None);
    assert_eq!(body.opt_time("t", errors), None);
    assert_eq!(body.opt_strs("l", errors), None);
    assert!(body.opt_object("o", errors).is_none());
    assert!(body.opt_json("o", errors).is_none());
    assert_eq!(body.opt_object("in", errors).unwrap().opt_str("m", errors), None);
    assert_eq!(body.req_str("gone", errors), None);
    let names: Vec<&str> = errors.fields.keys().map(String::as_str).collect();
    assert_eq!(names, ["b", "big", "gone", "i", "in.m", "l", "o", "s", "t"]);
    assert_eq!(errors.fields["gone"], ["Required"]);
    assert_eq!(errors.fields["s"].len(), 1);
}

#[test]
fn an_opaque_object_is_compacted_and_bounded() {
    let errors = &mut FieldErrors::default();
    let body = object("{\"m\": { \"b\" : 1.0 , \"a\":[ ] , \"b\":\"\\u0041 \" }}");
    assert_eq!(body.opt_json("m", errors).unwrap().as_str(), r#"{"a":[],"b":"\u0041 "}"#);
    let nested = |levels: usize| format!("{{\"m\":{}1{}}}", "{\"a\":".repeat(levels), "}".repeat(levels));
    assert!(object(&nested(64)).opt_json("m", errors).is_some());
    assert!(errors.is_empty());
    assert!(object(&nested(65)).opt_json("m", errors).is_none());
    assert!(errors.fields.contains_key("m"));
}

#[test]
fn text_fields_are_trimmed_bounded_and_tame() {
    assert_eq!(text::single_line("  Build Bot ", 9).as_deref(), Ok("Build Bot"));
    assert!(text::single_line("Build Bot!", 9).is_err());
    assert_eq!(text::single_line(&"é".repeat(9), 9), Ok("é".repeat(9)));
    for disturbing in
        ['\u{0}', '\n', '\t', '\u{1b}', '\u{7f}', '\u{85}', '\u{2028}', '\u{2029}', '\u{202e}', '\u{2066}']
    {
        assert!(text::single_line(&format!("a{disturbing}b"), 9).is_err(), "{disturbing:?}");
    }
    assert_eq!(text::multi_line("a\r\n\tb", 9).as_deref(), Ok("a\r\n\tb"));
    assert!(text::multi_line("a\u{202a}b", 9).is_err());
}

#[test]
fn details_always_have_both_members() {
    assert_eq!(FieldErrors::default().into_details().to_string(), r#"{"formErrors":[],"fieldErrors":{}}"#);
    let mut errors = FieldErrors::of_field("client_msg_id", "Required");
    errors.form("both");
    assert_eq!(
        errors.into_details().to_string(),
        r#"{"formErrors":["both"],"fieldErrors":{"client_msg_id":["Required"]}}"#
    );
}
