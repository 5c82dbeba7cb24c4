//! SVG by hand: panels with axes, lines, bars and a legend.

use std::fmt::Write;

/// Colours of the series, in order.
pub const COLOURS: [&str; 8] = ["#2563eb", "#dc2626", "#059669", "#d97706", "#7c3aed", "#0891b2", "#be185d", "#4b5563"];

const MARGIN_LEFT: f64 = 70.0;
const MARGIN_TOP: f64 = 40.0;

/// A drawing that grows by panels.
#[derive(Debug)]
pub struct Canvas {
    body: String,
    width: f64,
    height: f64,
}

/// A rectangle with axes; data coordinates are mapped into it.
#[derive(Clone, Copy, Debug)]
pub struct Panel {
    left: f64,
    top: f64,
    width: f64,
    height: f64,
    x: (f64, f64),
    y: (f64, f64),
}

impl Panel {
    /// The `index`th of the panels standing side by side, for values within `x` and `y`.
    #[must_use]
    pub fn new(index: usize, size: (f64, f64), x: (f64, f64), y: (f64, f64)) -> Self {
        let left = MARGIN_LEFT + index as f64 * (size.0 + MARGIN_LEFT + 20.0);
        Self { left, top: MARGIN_TOP, width: size.0, height: size.1, x, y }
    }

    fn place(&self, x: f64, y: f64) -> (f64, f64) {
        let share = |value: f64, (from, to): (f64, f64)| (value - from) / (to - from).max(f64::EPSILON);
        (self.left + share(x, self.x) * self.width, self.top + (1.0 - share(y, self.y)) * self.height)
    }
}

impl Canvas {
    /// An empty drawing for `panels` panels of `size`.
    #[must_use]
    pub fn new(panels: usize, size: (f64, f64)) -> Self {
        let width = panels as f64 * (size.0 + MARGIN_LEFT + 20.0) + 20.0;
        Self { body: String::new(), width, height: size.1 + MARGIN_TOP + 60.0 }
    }

    /// Title, frame and labelled grid lines.
    pub fn frame(&mut self, panel: &Panel, title: &str, x_labels: &[(f64, String)], y_labels: &[(f64, String)]) {
        let Panel { left, top, width, height, .. } = *panel;
        self.text(left, top - 14.0, "start", 14, title);
        let _ = writeln!(
            self.body,
            r##"<rect x="{left:.1}" y="{top:.1}" width="{width:.1}" height="{height:.1}" fill="none" stroke="#9ca3af"/>"##
        );
        for (value, label) in y_labels {
            let (_, y) = panel.place(panel.x.0, *value);
            self.segment((left, y), (left + width, y), "#e5e7eb");
            self.text(left - 6.0, y + 4.0, "end", 11, label);
        }
        for (value, label) in x_labels {
            let (x, _) = panel.place(*value, panel.y.0);
            self.segment((x, top + height), (x, top + height + 4.0), "#9ca3af");
            self.text(x, top + height + 18.0, "middle", 11, label);
        }
    }

    /// A line through `points`.
    pub fn line(&mut self, panel: &Panel, points: &[(f64, f64)], colour: &str) {
        let path: Vec<String> =
            points.iter().map(|&(x, y)| panel.place(x, y)).map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        let _ = writeln!(
            self.body,
            r#"<polyline fill="none" stroke="{colour}" stroke-width="1.6" points="{}"/>"#,
            path.join(" ")
        );
    }

    /// A bar from the bottom up to `y`, `width` wide in data coordinates and centred at `x`.
    pub fn bar(&mut self, panel: &Panel, x: f64, y: f64, width: f64, colour: &str) {
        let (left, top) = panel.place(x - width / 2.0, y);
        let (right, bottom) = panel.place(x + width / 2.0, panel.y.0);
        let _ = writeln!(
            self.body,
            r#"<rect x="{left:.1}" y="{top:.1}" width="{:.1}" height="{:.1}" fill="{colour}"/>"#,
            right - left,
            bottom - top
        );
        self.text((left + right) / 2.0, top - 4.0, "middle", 11, &format!("{y:.0}"));
    }

    /// Names of the series beside their colours, within `panel`.
    pub fn legend(&mut self, panel: &Panel, names: &[String]) {
        for (index, name) in names.iter().enumerate() {
            let y = panel.top + 16.0 + index as f64 * 15.0;
            let x = panel.left + 10.0;
            self.segment((x, y - 4.0), (x + 16.0, y - 4.0), COLOURS[index % COLOURS.len()]);
            self.text(x + 22.0, y, "start", 11, name);
        }
    }

    /// The finished document.
    #[must_use]
    pub fn finish(self) -> String {
        let Self { body, width, height } = self;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" \
             viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"system-ui, sans-serif\">\n\
             <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n{body}</svg>\n"
        )
    }

    fn segment(&mut self, from: (f64, f64), to: (f64, f64), colour: &str) {
        let _ = writeln!(
            self.body,
            r#"<line x1="{:.1}" y1="{:.1}" x2="{:.1}" y2="{:.1}" stroke="{colour}"/>"#,
            from.0, from.1, to.0, to.1
        );
    }

    fn text(&mut self, x: f64, y: f64, anchor: &str, size: u32, text: &str) {
        let text = text.replace('&', "&amp;").replace('<', "&lt;");
        let _ = writeln!(
            self.body,
            r##"<text x="{x:.1}" y="{y:.1}" text-anchor="{anchor}" font-size="{size}" fill="#111827">{text}</text>"##
        );
    }
}

/// Four to eight round numbers from 0 to at least `most`, with their labels.
#[must_use]
pub fn round_steps(most: f64) -> Vec<(f64, String)> {
    let magnitude = 10f64.powf((most.max(1.0) / 4.0).log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * magnitude).into_iter().find(|step| most / step <= 8.0);
    let step = step.unwrap_or(most.max(1.0));
    let count = (most / step).ceil() as usize;
    (0..=count).map(|index| index as f64 * step).map(|value| (value, format!("{value}"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_reach_the_largest_value() {
        let steps = round_steps(11_234.0);
        assert!(steps.last().unwrap().0 >= 11_234.0);
        assert!((4..=9).contains(&steps.len()), "{steps:?}");
    }

    #[test]
    fn larger_values_are_higher_up() {
        let panel = Panel::new(0, (100.0, 100.0), (0.0, 10.0), (0.0, 10.0));
        assert!(panel.place(0.0, 9.0).1 < panel.place(0.0, 1.0).1);
    }
}
