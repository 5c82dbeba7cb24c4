//! Processes and their children, from `/proc`.

/// A running process.
#[derive(Debug)]
pub(super) struct Process {
    pub(super) id: u32,
    /// Its program and arguments.
    pub(super) command: String,
}

/// State and parent of a process that is there, dead or alive.
fn look(id: u32) -> Option<(char, u32)> {
    let stat = std::fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    Some((fields.next()?.chars().next()?, fields.next()?.parse().ok()?))
}

pub(super) fn is_running(id: u32) -> bool {
    look(id).is_some_and(|(state, _)| state != 'Z')
}

pub(super) fn children(parent: u32) -> Vec<Process> {
    let entries = std::fs::read_dir("/proc").expect("/proc").flatten();
    let ids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let own = ids.filter(|&id| look(id).is_some_and(|(_, found)| found == parent));
    own.map(|id| Process { id, command: command(id) }).collect()
}

fn command(id: u32) -> String {
    std::fs::read_to_string(format!("/proc/{id}/cmdline")).unwrap_or_default().replace('\0', " ")
}
