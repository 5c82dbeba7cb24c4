//! Columns of text.

/// Rows under a heading, right-aligned but for the first column; Markdown.
#[must_use]
pub fn markdown(heading: &[&str], rows: &[Vec<String>]) -> String {
    let widths: Vec<usize> = heading.iter().enumerate().map(|(column, name)| width(column, name, rows)).collect();
    let heading: Vec<String> = heading.iter().map(|&name| name.to_owned()).collect();
    let rule: Vec<String> = widths.iter().enumerate().map(|(column, &width)| rule(column, width)).collect();
    let lines = [line(&heading, &widths), line(&rule, &widths)].into_iter();
    lines.chain(rows.iter().map(|row| line(row, &widths))).collect()
}

fn width(column: usize, name: &str, rows: &[Vec<String>]) -> usize {
    let cells = rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count());
    cells.chain([name.chars().count(), 3]).max().unwrap_or(3)
}

fn rule(column: usize, width: usize) -> String {
    let dashes = "-".repeat(width - 1);
    if column == 0 { format!("{dashes}-") } else { format!("{dashes}:") }
}

fn line(cells: &[String], widths: &[usize]) -> String {
    let mut text = String::from("|");
    for (column, (cell, &width)) in cells.iter().zip(widths).enumerate() {
        let cell = if column == 0 { format!(" {cell:<width$} |") } else { format!(" {cell:>width$} |") };
        text.push_str(&cell);
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let table = markdown(&["name", "count"], &[vec!["a".into(), "1".into()], vec!["long one".into(), "22".into()]]);
        assert_eq!(table, "| name     | count |\n| -------- | ----: |\n| a        |     1 |\n| long one |    22 |\n");
    }
}
