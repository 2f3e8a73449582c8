//! Charts as SVG, drawn here: time on x, zero on y. They hold numbers only, and so nothing to escape; the words and the table
//! that say the same stand beside them.

/// A part of a whole.
pub(super) fn share(part: i64, whole: i64) -> f64 {
    let float = |number: i64| f64::from(i32::try_from(number).unwrap_or(i32::MAX));
    if whole == 0 { 0.0 } else { float(part) / float(whole) }
}

/// Small columns of what succeeded and, on top of it, what failed: 120 by 28.
pub(super) fn spark(values: &[(i64, i64)]) -> String {
    columns(values, OUTCOMES, Size { width: 120, height: 28, gap: 1.0 })
}

/// What the parts of a column stand for, the lower one first, as the style names them.
pub(super) const OUTCOMES: [&str; 2] = ["good", "bad"];
pub(super) const DURATIONS: [&str; 2] = ["half", "most"];

/// A bar of what succeeded and, behind it, what failed, beside others of which the longest holds so many.
pub(super) fn bar((success, failed): (i64, i64), longest: i64) -> String {
    let size = Size { width: 160, height: 8, gap: 0.0 };
    let (width, height) = (f64::from(size.width), size.height);
    let long = |value: i64| if value == 0 { 0.0 } else { (share(value, longest) * width).max(1.5) };
    let bad = long(failed).min(width);
    let good = long(success).min(width - bad);
    let part = |class: &str, x: f64, wide: f64| {
        format!("<rect class=\"{class}\" x=\"{x:.2}\" width=\"{wide:.2}\" height=\"{height}\"/>")
    };
    svg(size, &format!("{}{}", part("good", 0.0, good), part("bad", good, bad)))
}

/// How large a chart is drawn; it scales to where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    /// Units from left to right.
    pub(super) width: i32,
    /// Units from top to bottom.
    pub(super) height: i32,
    /// Units between two columns.
    pub(super) gap: f64,
}

/// Stacked columns, the oldest on the left.
pub(super) fn columns(values: &[(i64, i64)], [lower, upper]: [&str; 2], size: Size) -> String {
    let count = f64::from(u32::try_from(values.len()).unwrap_or(u32::MAX).max(1));
    let (step, height) = (f64::from(size.width) / count, f64::from(size.height));
    let highest = values.iter().map(|(success, failed)| success + failed).max().unwrap_or(0).max(1);
    let wide = (step - size.gap).max(0.5);
    let mut bars = String::new();
    for (index, (success, failed)) in values.iter().enumerate() {
        let x = step * f64::from(u32::try_from(index).unwrap_or(u32::MAX)) + size.gap / 2.0;
        // What happened at all can be seen, however little it is beside the rest.
        let tall = |value: i64| if value == 0 { 0.0 } else { (share(value, highest) * height).max(1.5) };
        let (good, bad) = (tall(*success), tall(*failed));
        let bad = bad.min(height);
        let good = good.min(height - bad);
        let mut bar = |class: &str, y: f64, tall: f64| {
            if tall > 0.0 {
                bars.push_str(&format!(
                    "<rect class=\"{class}\" x=\"{x:.2}\" y=\"{y:.2}\" width=\"{wide:.2}\" height=\"{tall:.2}\"/>"
                ));
            }
        };
        bar(lower, height - good, good);
        bar(upper, height - good - bad, bad);
    }
    svg(size, &format!("<path class=\"axis\" d=\"M0 {0}.5H{1}\"/>{bars}", size.height - 1, size.width))
}

/// A line over time: each point is how far it lies on x, from 0 to 1, and its value.
pub(super) fn line(points: &[(f64, i64)], size: Size) -> String {
    let highest = points.iter().map(|(_, value)| *value).max().unwrap_or(0).max(1);
    let (width, height) = (f64::from(size.width), f64::from(size.height));
    let place = |(x, value): &(f64, i64)| {
        format!("{:.1} {:.1}", x.clamp(0.0, 1.0) * width, (height - 2.0) - share(*value, highest) * (height - 6.0))
    };
    let path = points.iter().map(place).collect::<Vec<_>>().join("L");
    let line = if path.is_empty() { String::new() } else { format!("<path class=\"line\" d=\"M{path}\"/>") };
    svg(size, &format!("<path class=\"axis\" d=\"M0 {0}.5H{1}\"/>{line}", size.height - 1, size.width))
}

fn svg(size: Size, inner: &str) -> String {
    let Size { width, height, .. } = size;
    format!(
        "<svg class=\"chart\" viewBox=\"0 0 {width} {height}\" preserveAspectRatio=\"none\" aria-hidden=\"true\" \
         focusable=\"false\">{inner}</svg>"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happened_can_be_seen_however_little_it_is_and_nothing_leaves_the_frame() {
        let drawn = spark(&[(0, 0), (100_000, 1), (1, 0)]);
        assert_eq!(drawn.matches("class=\"good\"").count(), 2);
        assert_eq!(drawn.matches("class=\"bad\"").count(), 1);
        assert!(!drawn.contains("=\"-"), "{drawn}");
    }

    #[test]
    fn a_bar_is_as_long_as_its_share_of_the_longest_and_no_longer() {
        let drawn = bar((3, 1), 4);
        assert!(
            drawn.contains("x=\"0.00\" width=\"120.00\"") && drawn.contains("x=\"120.00\" width=\"40.00\""),
            "{drawn}"
        );
        let drawn = bar((1_000_000, 1), 1_000_000);
        assert!(drawn.contains("width=\"158.50\"") && drawn.contains("width=\"1.50\""), "{drawn}");
        assert!(bar((0, 0), 0).contains("width=\"0.00\""));
    }

    #[test]
    fn nothing_is_a_flat_line() {
        assert!(spark(&[]).contains("axis"));
        assert!(!line(&[], Size { width: 10, height: 10, gap: 0.0 }).contains("class=\"line\""));
    }
}
