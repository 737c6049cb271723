//! Days and seconds, as terms of an approval are written.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;

pub const DAY: i64 = 86_400;

/// Unix seconds.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

/// The first second of the day, in UTC.
pub fn start_of_day(second: i64) -> i64 {
    second - second.rem_euclid(DAY)
}

/// Reads `2027-01-31` for clap: the last second of that day, in UTC.
pub fn read_last_second(date: &str) -> Result<i64, String> {
    vdl_authorize::end_of_day(date).ok_or_else(|| "a day is written 2027-01-31".to_owned())
}

/// Reads `2027-01-31` for clap: the first second of that day, in UTC.
pub fn read_first_second(date: &str) -> Result<i64, String> {
    read_last_second(date).map(start_of_day)
}

/// Reads a day, as above, or a second (`2027-01-31T12:00:00Z`) for clap.
pub fn read_moment(text: &str) -> Result<i64, String> {
    let second = text.parse::<Timestamp>().map(|time| time.as_second());
    second
        .or_else(|_| read_first_second(text))
        .map_err(|_| "a day is written 2027-01-31, a second of it 2027-01-31T12:00:00Z".to_owned())
}

/// A second as people read it.
pub fn moment(second: i64) -> String {
    match Timestamp::from_second(second) {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
        Err(_) => format!("second {second}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_ends_one_second_before_the_next_begins() {
        let last = read_last_second("2027-01-31").unwrap();
        assert_eq!(moment(last), "2027-01-31 23:59:59 UTC");
        assert_eq!(last + 1, read_first_second("2027-02-01").unwrap());
        assert_eq!(Ok(last), read_moment("2027-01-31T23:59:59Z"));
        assert_eq!(read_first_second("2027-01-31"), read_moment("2027-01-31"));
        assert!(read_moment("2027-01-31T23:59:59").is_err(), "in which part of the world?");
        assert!(read_last_second("31.1.2027").is_err());
        assert!(read_last_second("2027-02-30").is_err());
    }
}
