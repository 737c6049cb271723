//! Days since 1970-01-01, and the ISO dates they are written as.

use jiff::civil::Date;

const EPOCH: Date = jiff::civil::date(1970, 1, 1);

/// Reads exactly `YYYY-MM-DD`, years 0001 to 9999.
pub(super) fn days(text: &str) -> Option<i32> {
    let shaped = text.len() == 10
        && text
            .bytes()
            .enumerate()
            .all(|(at, b)| if at == 4 || at == 7 { b == b'-' } else { b.is_ascii_digit() });
    if !shaped {
        return None;
    }
    let date = Date::new(
        text.get(0..4)?.parse().ok()?,
        text.get(5..7)?.parse().ok()?,
        text.get(8..10)?.parse().ok()?,
    )
    .ok()?;
    (date.year() >= 1).then(|| EPOCH.until(date).ok().map(|span| span.get_days())).flatten()
}

/// Days outside the years that can be written come out as a bare number, which reads back as no type.
pub(super) fn written(days: i32) -> String {
    let span = jiff::Span::new().try_days(days);
    match span.and_then(|span| EPOCH.checked_add(span)) {
        Ok(date) if (1..=9999).contains(&date.year()) => date.to_string(),
        _ => days.to_string(),
    }
}
