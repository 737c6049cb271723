//! Types as users write them.

#![allow(clippy::unwrap_used)]

use vdl_command::{ColumnType, Kind, TableMeta};

fn canonical(text: &str) -> String {
    text.parse::<ColumnType>().map_or_else(|e| format!("refused: {e}"), |t| t.to_string())
}

#[test]
fn every_short_form_has_one_canonical_form() {
    for (written, expected) in [
        ("int8", "int[min=-128,max=127]"),
        ("uint8", "int[min=0,max=255]"),
        ("uint8?", "int[min=0,max=255]?"),
        ("int[nullable,min=0,max=255]", "int[min=0,max=255]?"),
        ("int", "int[min=-2147483648,max=2147483647]"),
        ("int64", "int[min=-9223372036854775807,max=9223372036854775807]"),
        ("uint56", "int[min=0,max=72057594037927935]"),
        ("uint64", "int[min=0,max=18446744073709551615]"),
        ("int72", "int[min=-2361183241434822606848,max=2361183241434822606847]"),
        ("uint96", "int[min=0,max=79228162514264337593543950335]"),
        (" int[ min = -3 , max = 86 ] ", "int[min=-3,max=86]"),
        ("bool", "bool"),
        ("bool?", "bool?"),
        ("date", "date[min=1900-01-01,max=2099-12-31]"),
        ("date[min=2000-02-29,max=2000-02-29]?", "date[min=2000-02-29,max=2000-02-29]?"),
        ("varchar[12]", "varchar[12]"),
        ("varchar[12,unicode]", "varchar[12]"),
        ("varchar[12,ascii]?", "varchar[12,ascii]?"),
        ("mean[min=0,max=10]", "mean[min=0,max=10]"),
    ] {
        assert_eq!(canonical(written), expected, "{written}");
        assert_eq!(canonical(expected), expected, "{expected}");
    }
}

#[test]
fn what_is_no_type_is_refused_with_a_reason() {
    for (written, reason) in [
        ("", "no column type"),
        ("int7", "no column type"),
        ("int08", "no column type"),
        ("int+8", "no column type"),
        ("Int8", "no column type"),
        ("float", "no column type"),
        ("int104", "no column type"),
        ("int[min=0]", "needs both"),
        ("int[min=5,max=4]", "min is above max"),
        ("int[min=0,max=79228162514264337593543950336]", "no whole numbers"),
        ("int[min=-79228162514264337593543950336,max=0]", "no whole numbers"),
        ("int[min=0,max=1000000000000000000000000000000000000000]", "no whole numbers"),
        ("int[min=0.5,max=4]", "no whole numbers"),
        ("int[min=0,max=1,max=2]", "twice"),
        ("int[min=0,max=1", "closing bracket"),
        ("int[min=0,max=1]]", "no whole numbers"),
        ("int[min=0,max=1,loud]", "does not know `loud`"),
        ("bool[2]", "does not know `2`"),
        ("int8[min=0,max=1]", "does not know `min`"),
        ("date[min=2000-02-30,max=2001-01-01]", "no whole numbers"),
        ("date[min=0000-01-01,max=2001-01-01]", "no whole numbers"),
        ("date[min=2000-1-1,max=2001-01-01]", "no whole numbers"),
        ("date[min=11000,max=12000]", "no whole numbers"),
        ("varchar", "lacks its length"),
        ("varchar[0]", "lacks its length"),
        ("varchar[4097]", "longer than"),
        ("varchar[3,ascii,unicode]", "not both"),
        ("int8??", "no column type"),
    ] {
        let said = canonical(written);
        assert!(said.starts_with("refused: ") && said.contains(reason), "{written}: {said}");
    }
}

#[test]
fn dates_count_days_from_1970() {
    let kind = "date[min=1969-12-31,max=2026-11-21]".parse::<ColumnType>().unwrap().kind;
    assert_eq!(kind, Kind::Date { min: -1, max: 20778 });
    assert_eq!(ColumnType::days_of("2000-01-01"), Some(10957));
    assert_eq!(ColumnType::date_of(10957), "2000-01-01");
    for days in [i32::MIN, i32::MAX, -800_000, 3_000_000] {
        let odd = ColumnType::required(Kind::Date { min: days, max: days }).to_string();
        assert!(odd.parse::<ColumnType>().is_err(), "{odd}");
    }
}

#[test]
fn any_text_is_read_or_refused_without_a_crash() {
    let pieces =
        ["int", "8", "[", "]", "min=", "max=", "-", "9", ",", "?", "date", "2000-01-01", "é", "varchar", " "];
    let mut state = 7_u64;
    for _ in 0..20_000 {
        let mut text = String::new();
        for _ in 0..(state >> 60) {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            text.push_str(pieces[(state >> 33) as usize % pieces.len()]);
        }
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        if let Ok(read) = text.parse::<ColumnType>() {
            assert_eq!(read.to_string().parse(), Ok(read), "{text}");
        }
    }
}

#[test]
fn a_description_from_before_orders_were_remembered_reads_as_not_sorted() {
    let handle = "00".repeat(32);
    let text = format!(r#"{{"handle":"{handle}","rows":3,"columns":[{{"name":"a","type":"bool"}}]}}"#);
    let old: TableMeta = serde_json::from_str(&text).unwrap();
    assert_eq!(old.sorted, []);
    assert_eq!(serde_json::to_string(&old).unwrap(), text);
}
