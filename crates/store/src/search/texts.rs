//! What of a message is searched.

use serde_json::Value;

/// The texts of a message's content: `text`, then every string in `data`, in the order in which they were written.
pub fn texts(content: &str) -> Vec<String> {
    let mut found = Vec::new();
    if let Ok(Value::Object(mut content)) = serde_json::from_str(content) {
        for member in ["text", "data"] {
            match content.remove(member) {
                Some(Value::String(text)) => found.push(text),
                Some(data) if member == "data" => strings(data, &mut found),
                _ => {}
            }
        }
    }
    found
}

fn strings(value: Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) => found.push(text),
        Value::Array(values) => values.into_iter().for_each(|value| strings(value, found)),
        Value::Object(members) => members.into_iter().for_each(|(_, value)| strings(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::texts;

    #[test]
    fn the_text_comes_before_the_strings_of_data() {
        let content = r#"{"data":{"b":["x",{"c":"y","n":5}],"a":"z","t":true},"text":"hello","more":"not this"}"#;
        assert_eq!(texts(content), ["hello", "x", "y", "z"]);
        assert_eq!(texts(r#"{"data":"alone"}"#), ["alone"]);
        assert_eq!(texts(r#"{"text":7,"data":7}"#), Vec::<String>::new());
        assert_eq!(texts(""), Vec::<String>::new());
    }
}
