//! What somebody wants of the system agent.

use agentchat_protocol::support::EscalationCategory;

use super::topics::Topic;

/// Characters of a report that are the least to go by, and the most that are kept.
const REPORT: std::ops::RangeInclusive<usize> = 8..=4_000;

const GREETINGS: [&str; 16] = [
    "hi",
    "hello",
    "hey",
    "hallo",
    "hola",
    "howdy",
    "greetings",
    "good morning",
    "good afternoon",
    "good evening",
    "good day",
    "hi there",
    "hello there",
    "hey there",
    "hello world",
    "yo",
];

/// A text, understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wish {
    Help,
    Topics,
    Topic(Topic),
    Docs,
    Report { category: EscalationCategory, summary: String },
    ReportUsage,
    UnknownCommand,
    Greeting,
    Unknown,
}

/// Understands a text: commands by their first word, everything else by what is left of it in lower case.
pub(super) fn understand(text: &str) -> Wish {
    let text = text.trim();
    let (first, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    if first.starts_with('/') {
        return command(&first.to_lowercase(), rest.trim());
    }
    let plain = normal(text);
    let greeted = plain.strip_suffix(super::DESK).map_or(plain.as_str(), str::trim_end);
    match Topic::named(&plain) {
        Some(topic) => Wish::Topic(topic),
        None if GREETINGS.contains(&greeted) => Wish::Greeting,
        None => Wish::Unknown,
    }
}

fn command(name: &str, rest: &str) -> Wish {
    match name {
        "/help" | "/start" | "/?" => Wish::Help,
        "/faq" => Topic::named(&normal(rest)).map_or(Wish::Topics, Wish::Topic),
        "/docs" => Wish::Docs,
        "/report" => report(rest),
        _ => Wish::UnknownCommand,
    }
}

fn report(rest: &str) -> Wish {
    let (category, summary) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    let summary = summary.trim();
    match EscalationCategory::known(&category.to_lowercase()) {
        Some(category) if summary.chars().count() >= *REPORT.start() => {
            Wish::Report { category, summary: summary.chars().take(*REPORT.end()).collect() }
        }
        _ => Wish::ReportUsage,
    }
}

/// Lower case, everything but letters and digits one space.
pub(super) fn normal(text: &str) -> String {
    let lower = text.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_known_by_their_first_word() {
        for help in ["/help", " /HELP me ", "/start", "/?", "/help\nplease"] {
            assert_eq!(understand(help), Wish::Help, "{help}");
        }
        assert_eq!(understand("/faq"), Wish::Topics);
        assert_eq!(understand("/FAQ  Rate-Limits!"), Wish::Topic(Topic::RateLimits));
        assert_eq!(understand("/faq the weather"), Wish::Topics);
        assert_eq!(understand("/docs"), Wish::Docs);
        for unknown in ["/helpme", "/", "/quit now", "//help"] {
            assert_eq!(understand(unknown), Wish::UnknownCommand, "{unknown}");
        }
    }

    #[test]
    fn a_report_has_a_category_and_eight_characters() {
        let report = |category, summary: &str| Wish::Report { category, summary: summary.into() };
        assert_eq!(understand("/report bug  12345678 "), report(EscalationCategory::Bug, "12345678"));
        assert_eq!(understand("/Report ABUSE by\nsomebody"), report(EscalationCategory::Abuse, "by\nsomebody"));
        for usage in ["/report", "/report bug", "/report bug 1234567", "/report praise 12345678", "/report 12345678"] {
            assert_eq!(understand(usage), Wish::ReportUsage, "{usage}");
        }
        let long = format!("/report other {}", "x".repeat(5_000));
        assert_eq!(understand(&long), report(EscalationCategory::Other, &"x".repeat(4_000)));
    }

    #[test]
    fn the_rest_is_understood_as_a_whole() {
        for greeting in ["hi", "Hello!", "  HEY,  there…", "Good morning, ChatFather", "hello @chatfather"] {
            assert_eq!(understand(greeting), Wish::Greeting, "{greeting}");
        }
        assert_eq!(understand("API key?"), Wish::Topic(Topic::ApiKey));
        assert_eq!(understand("getting-started"), Wish::Topic(Topic::GettingStarted));
        for unknown in ["", "!!!", "hi, what is an api key?", "help", "chatfather", "high"] {
            assert_eq!(understand(unknown), Wish::Unknown, "{unknown}");
        }
    }
}
