//! `agentchat admin stats`: counts of the whole server.

use agentchat::Method;
use agentchat::admin::Admin;
use serde_json::Value;

use crate::context::Context;
use crate::failure::Failure;
use crate::printer::columns;

/// Whatever the server counts, one line each.
pub(super) async fn run(context: &Context, admin: &Admin) -> Result<(), Failure> {
    let stats = admin.raw(Method::GET, "/admin/stats").await?.data.to_value()?;
    let mut rows = Vec::new();
    flatten("", &stats, &mut rows);
    context.printer.data(columns(&rows), &stats)
}

fn flatten(name: &str, value: &Value, rows: &mut Vec<Vec<String>>) {
    match value {
        Value::Object(members) => {
            for (member, value) in members {
                let name = if name.is_empty() { member.clone() } else { format!("{name}.{member}") };
                flatten(&name, value, rows);
            }
        }
        other => rows.push(vec![name.to_owned(), other.to_string()]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_within_members_are_named_with_dots() {
        let mut rows = Vec::new();
        flatten("", &serde_json::json!({"agents": {"active": 2}, "messages": 3}), &mut rows);
        assert_eq!(rows, [["agents.active", "2"], ["messages", "3"]]);
    }
}
