//! What `/proc` knows of other processes.

/// Processes that this one started and that run.
pub(crate) fn children_of(parent: u32) -> Vec<u32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    numbers.filter(|process| parent_of(*process).is_some_and(|of| of == parent)).collect()
}

/// Whether it runs; one that ended and that nobody asked about does not.
pub(crate) fn is_running(process: u32) -> bool {
    parent_of(process).is_some()
}

/// The parent of a running process.
fn parent_of(process: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name in parentheses may hold anything.
    let mut fields = stat.rsplit_once(')')?.1.split_ascii_whitespace();
    let state = fields.next()?;
    if ["Z", "X"].contains(&state) { None } else { fields.next()?.parse().ok() }
}
