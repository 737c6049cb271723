//! Every operation on three parties comes to what the same plan comes to in the clear.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod world;

use vdl_plan::vdl_command::Aggregate::{self, Count, Max, Mean, Min, Sum};
use vdl_plan::vdl_command::{BinaryOp, Command, Expression, How, Kind, Projection, Validate};
use vdl_plan::{Input, plan};
use world::ask::*;
use world::*;

/// A table with every kind of column; every other one has rows that do not belong.
fn table(seed: u64, rows: usize) -> Clear {
    let mut random = Random::of(seed);
    let clear = generate(&mut random, &everything(), rows);
    if seed % 2 == 1 { clear.hidden(&mut random, 40) } else { clear }
}

fn everywhere(base: u64, mut ask: impl FnMut(u64, &Clear)) {
    for (n, rows) in ROWS.into_iter().enumerate() {
        for side in 0..2 {
            let seed = base + 2 * n as u64 + side;
            ask(seed, &table(seed, rows));
        }
    }
}

#[test]
fn expressions_of_numbers_equal_the_clear() {
    for seed in 1000..1120 {
        let mut random = Random::of(seed);
        let clear = table(seed, random.pick(&ROWS));
        let command = assign(any_number(&mut random, 3));
        if plan(&command, &[clear.input()]).is_ok() {
            agree(seed, &command, &[clear]);
        }
    }
}

#[test]
fn expressions_of_truth_equal_the_clear() {
    for seed in 2000..2160 {
        let mut random = Random::of(seed);
        let clear = table(seed, random.pick(&ROWS));
        let command = assign(any_truth(&mut random, 3));
        if plan(&command, &[clear.input()]).is_ok() {
            agree(seed, &command, &[clear]);
        }
    }
}

#[test]
fn filled_texts_dates_and_truth() {
    let fill =
        |value: &str, with| Expression::FillNull { value: Box::new(name(value)), with: Box::new(with) };
    everywhere(2500, |seed, clear| {
        for value in [
            fill("v", text("é")),
            fill("v", name("s")),
            fill("d", Expression::Date("2000-02-29".to_owned().into())),
            fill("u", name("t")),
            fill("b", number(-7)),
            fill("b", name("e")),
            Expression::IsNull(Box::new(name("v"))),
        ] {
            agree(seed, &assign(value), std::slice::from_ref(clear));
        }
    });
}

#[test]
fn filters_keep_the_rows_that_match() {
    for seed in 3000..3040 {
        let mut random = Random::of(seed);
        let clear = table(seed, random.pick(&ROWS));
        let command = filter(any_truth(&mut random, 2), None);
        if plan(&command, &[clear.input()]).is_ok() {
            agree(seed, &command, &[clear]);
        }
    }
}

#[test]
fn a_threshold_refuses_one_row_too_few() {
    let condition = binary(BinaryOp::Greater, name("a"), number(-3));
    everywhere(3100, |seed, clear| {
        let inputs = [clear.input()];
        let kept = plan(&filter(condition.clone(), None), &inputs).unwrap();
        let Ok(vdl_plain::Outcome::Table(found)) = vdl_plain::run(&kept, std::slice::from_ref(&clear.data))
        else {
            panic!("no table");
        };
        let count = found[0].len() as u64;
        for threshold in [0, 1, count, count + 1, clear.rows() as u64 + 1] {
            agree(seed, &filter(condition.clone(), Some(threshold)), std::slice::from_ref(clear));
        }
    });
}

#[test]
fn columns_are_chosen_and_renamed() {
    everywhere(3200, |seed, clear| {
        let columns = vec![
            Projection { column: "s".into(), rename: None },
            Projection { column: "a".into(), rename: Some("z".into()) },
            Projection { column: "s".into(), rename: Some("s2".into()) },
        ];
        agree(seed, &Command::Project { table: it(), columns }, std::slice::from_ref(clear));
    });
}

#[test]
fn opening_reveals_exactly_the_rows_that_belong() {
    everywhere(3300, |seed, clear| {
        agree(seed, &Command::Open { table: it() }, std::slice::from_ref(clear));
    });
}

const ALL: [Aggregate; 5] = [Count, Sum, Mean, Min, Max];

#[test]
fn one_value_from_a_column() {
    everywhere(4000, |seed, clear| {
        let mut asked = Vec::new();
        for column in ["a", "b", "c", "t", "u", "e"] {
            asked.extend(ALL.map(|aggregate| (aggregate, name(column))));
        }
        for column in ["d", "s", "v"] {
            asked.extend([Count, Min, Max].map(|aggregate| (aggregate, name(column))));
        }
        asked.push((Sum, binary(BinaryOp::Multiply, name("a"), name("b"))));
        asked.push((Sum, binary(BinaryOp::Less, name("a"), name("b"))));
        asked.push((Sum, number(3)));
        asked.push((Max, number(3)));
        agree(seed, &aggregate(&asked, None), std::slice::from_ref(clear));
    });
}

#[test]
fn an_aggregate_of_too_few_values_is_refused() {
    everywhere(4100, |seed, clear| {
        for threshold in [0, 1, 2, 48, 64] {
            let asked = [(Sum, name("a")), (Mean, name("b"))];
            agree(seed, &aggregate(&asked, Some(threshold)), std::slice::from_ref(clear));
        }
    });
}

#[test]
fn sorting_is_stable_and_puts_missing_values_last() {
    everywhere(5000, |seed, clear| {
        for keys in [
            vec![("a", true)],
            vec![("a", false)],
            vec![("b", true), ("t", false)],
            vec![("b", false), ("a", true)],
            vec![("v", false), ("s", true)],
            vec![("d", true), ("u", false), ("c", true)],
        ] {
            agree(seed, &sort(&keys), std::slice::from_ref(clear));
        }
    });
}

#[test]
fn groups_have_their_sums_counts_and_extremes() {
    everywhere(6000, |seed, clear| {
        let mut totals: Vec<(Aggregate, Expression)> = Vec::new();
        for column in ["a", "b", "e", "u"] {
            totals.extend([Count, Sum, Mean].map(|aggregate| (aggregate, name(column))));
        }
        agree(seed, &group_by(&["t"], &totals), std::slice::from_ref(clear));
        agree(seed, &group_by(&["b"], &[(Count, number(1))]), std::slice::from_ref(clear));
        agree(seed, &group_by(&["u", "a"], &totals[..4]), std::slice::from_ref(clear));
        let mut extremes: Vec<(Aggregate, Expression)> = vec![(Sum, name("a"))];
        for column in ["a", "b", "v"] {
            extremes.extend([Min, Max].map(|aggregate| (aggregate, name(column))));
        }
        agree(seed, &group_by(&["s"], &extremes), std::slice::from_ref(clear));
        agree(seed, &group_by(&["v", "t"], &[(Max, name("e"))]), std::slice::from_ref(clear));
        agree(seed, &group_by(&["a"], &[]), std::slice::from_ref(clear));
    });
}

#[test]
fn extremes_of_groups_that_span_many_rows() {
    for (seed, rows) in (6500..).zip([2, 5, 64, 129, 1000]) {
        let mut random = Random::of(seed);
        let columns =
            [int("k", 0, 2), nullable(int("x", -300, 300)), int("y", 5, 9), everything()[6].clone()];
        let clear = generate(&mut random, &columns, rows);
        let clear = if seed % 2 == 0 { clear.hidden(&mut random, 30) } else { clear };
        let asked: Vec<_> =
            ["x", "y", "s", "x"].iter().flat_map(|c| [Min, Max].map(|a| (a, name(c)))).collect();
        agree(seed, &group_by(&["k"], &asked), &[clear]);
    }
}

/// The same table in the order of some columns, and known to be.
fn in_order(clear: &Clear, by: &[(&str, bool)]) -> (Clear, Input) {
    let sort = sort(by);
    let known = plan(&sort, &[clear.input()]).unwrap();
    let Ok(vdl_plain::Outcome::Table(data)) = vdl_plain::run(&known, std::slice::from_ref(&clear.data))
    else {
        panic!("no table");
    };
    let Command::Sort { by, .. } = &sort else { panic!("no sort") };
    assert_eq!(&known.sorted_by(), by);
    (Clear { data, ..clear.clone() }, clear.input().sorted(by))
}

fn sorts(messages: &[vdl_trio::Message]) -> usize {
    messages.iter().filter(|message| ["sort", "quicksort", "ranks", "place"].contains(&message.step)).count()
}

#[test]
fn what_is_known_to_be_sorted_is_not_sorted_again() {
    for (seed, rows) in (6700..).zip([0, 1, 5, 64, 150]) {
        let mut random = Random::of(seed);
        let clear = generate(&mut random, &everything(), rows);
        let (sorted, input) = in_order(&clear, &[("a", true), ("t", true)]);
        for tables in [[sorted.clone()], [sorted.clone().hidden(&mut random, 40)]] {
            let all = [(Sum, name("b")), (Max, name("e")), (Count, name("u"))];
            for command in [
                sort(&[("a", true)]),
                sort(&[("a", true), ("t", true)]),
                group_by(&["a"], &all),
                group_by(&["a", "t"], &all),
            ] {
                let known = plan(&command, std::slice::from_ref(&input)).unwrap();
                agree_on(seed, &known, &tables);
                assert_eq!(sorts(&observe(seed, &known, &tables).1), 0, "{command:?}");
            }
        }
        // Another direction, another column first, or more than is known.
        for command in [
            sort(&[("a", false)]),
            sort(&[("t", true)]),
            sort(&[("a", true), ("t", true), ("c", true)]),
            group_by(&["t"], &[(Sum, name("b"))]),
            group_by(&["t", "a"], &[]),
        ] {
            let known = plan(&command, std::slice::from_ref(&input)).unwrap();
            agree_on(seed, &known, std::slice::from_ref(&sorted));
            assert!(rows < 2 || sorts(&observe(seed, &known, std::slice::from_ref(&sorted)).1) > 0);
        }
    }
}

#[test]
fn missing_keys_of_sorted_tables_stay_out_of_groups_and_merges() {
    for (seed, rows) in (6800..).zip([1, 5, 64, 90]) {
        let mut random = Random::of(seed);
        let columns = [nullable(int("k", 0, 4)), nullable(int("l", 0, 2)), int("x", 0, 99)];
        let clear = generate(&mut random, &columns, rows);
        let others = generate(&mut random, &columns, 40);
        for by in [&["k"][..], &["k", "l"]] {
            let keys: Vec<(&str, bool)> = by.iter().map(|key| (*key, true)).collect();
            let (sorted, input) = in_order(&clear, &keys);
            for sorted in [sorted.clone(), sorted.hidden(&mut random, 30)] {
                let asked = [(Sum, name("x")), (Min, name("x")), (Count, name("k"))];
                let grouped = plan(&group_by(by, &asked), std::slice::from_ref(&input)).unwrap();
                agree_on(seed, &grouped, std::slice::from_ref(&sorted));
                for how in HOWS {
                    for validate in [Validate::ManyToOne, Validate::ManyToMany] {
                        let command = merge(how, validate, by, by);
                        let merged = plan(&command, &[others.input(), input.clone()]).unwrap();
                        agree_on(seed, &merged, &[others.clone(), sorted.clone()]);
                        let merged = plan(&command, &[input.clone(), others.input()]).unwrap();
                        agree_on(seed, &merged, &[sorted.clone(), others.clone()]);
                    }
                }
            }
        }
    }
}

#[test]
fn a_table_in_the_order_of_its_keys_is_looked_up_without_placing_it() {
    let mut random = Random::of(6900);
    let columns = [int("k", 0, 999), int("x", 0, 99)];
    let mut right = generate(&mut random, &columns, 50);
    right.data[0] = (0..50).map(|n| Some(vdl_plain::Value::Integer(n * 7 % 50))).collect();
    let left = generate(&mut random, &columns, 80);
    let (sorted, input) = in_order(&right, &[("k", true)]);
    for validate in [Validate::ManyToOne, Validate::ManyToMany] {
        let command = merge(How::Left, validate, &["k"], &["k"]);
        let unknown = plan(&command, &[left.input(), right.input()]).unwrap();
        let known = plan(&command, &[left.input(), input.clone()]).unwrap();
        let tables = [left.clone(), sorted.clone()];
        agree_on(6900, &known, &tables);
        let [known, unknown] = [known, unknown].map(|plan| sorts(&observe(6900, &plan, &tables).1));
        assert!(known < unknown, "{known} and {unknown}");
    }
}

/// Two tables whose keys overlap; the right one's are unique unless `repeated`.
fn pair(seed: u64, rows: (usize, usize), kinds: [Kind; 2], repeated: bool, nulls: bool) -> [Clear; 2] {
    let mut random = Random::of(seed);
    let columns = |kind: &Kind, other: &str| {
        let mut key = column("k", kind.clone(), nulls);
        key.ctype.nullable = nulls;
        let mut all = everything();
        all.truncate(2);
        all.push(column(other, Kind::Mean { min: -5, max: 5 }, false));
        all.push(column("w", Kind::Text { length: 3, ascii: true }, true));
        all.insert(1, key);
        all
    };
    let left = generate(&mut random, &columns(&kinds[0], "m"), rows.0);
    let mut right = generate(&mut random, &columns(&kinds[1], "n"), rows.1);
    if !repeated {
        let mut seen = std::collections::HashSet::new();
        let keep: Vec<bool> =
            right.data[1].iter().map(|key| key.is_none() || seen.insert(key.clone())).collect();
        for data in &mut right.data {
            let mut flags = keep.iter();
            data.retain(|_| *flags.next().unwrap());
        }
    }
    if seed.is_multiple_of(2) {
        return [left, right];
    }
    [left.hidden(&mut random, 40), right.hidden(&mut random, 60)]
}

#[test]
fn merges_find_the_one_partner() {
    let int = |min, max| Kind::Integer { min, max };
    let text = |length, ascii| Kind::Text { length, ascii };
    let kinds = [
        [int(-5, 40), int(-5, 40)],
        [int(0, 9), int(-300, 9)],
        [int(-1000, 1000), int(3, 12)],
        [Kind::Boolean, int(-2, 5)],
        [text(2, true), text(4, true)],
        [text(4, false), text(2, true)],
        [Kind::Date { min: 0, max: 30 }, Kind::Date { min: -9, max: 12 }],
        [int(-(1 << 80), 3), int(-(1 << 80), 1 << 60)],
    ];
    let shapes = [(0, 5), (5, 0), (0, 0), (1, 1), (40, 64), (65, 30), (130, 100)];
    for (n, kinds) in kinds.iter().enumerate() {
        for (m, shape) in shapes.into_iter().enumerate() {
            let seed = 7000 + (n * 31 + m) as u64;
            let tables = pair(seed, shape, kinds.clone(), false, (n + m) % 2 == 1);
            for how in HOWS {
                agree(seed, &merge(how, Validate::ManyToOne, &["k"], &["k"]), &tables);
            }
        }
    }
}

const HOWS: [How; 4] = [How::Inner, How::Left, How::Right, How::Outer];

#[test]
fn merges_find_every_pair() {
    let int = |min, max| Kind::Integer { min, max };
    let kinds = [
        [int(-2, 9), int(-2, 9)],
        [int(0, 3), int(-300, 9)],
        [Kind::Boolean, int(-1, 2)],
        [Kind::Text { length: 2, ascii: false }, Kind::Text { length: 1, ascii: true }],
        [int(-(1 << 70), 3), int(-(1 << 70), 1 << 60)],
    ];
    let shapes = [(0, 5), (5, 0), (0, 0), (1, 1), (7, 3), (20, 31), (65, 30)];
    for (n, kinds) in kinds.iter().enumerate() {
        for (m, shape) in shapes.into_iter().enumerate() {
            let seed = 7200 + (n * 31 + m) as u64;
            let tables = pair(seed, shape, kinds.clone(), true, (n + m) % 3 != 0);
            for how in HOWS {
                agree(seed, &merge(how, Validate::ManyToMany, &["k"], &["k"]), &tables);
                if n != 3 {
                    agree(seed, &merge(how, Validate::ManyToMany, &["k"], &["a"]), &tables);
                }
            }
        }
    }
}

#[test]
fn merges_of_one_with_many_keep_their_promise_and_the_order() {
    let kinds = [Kind::Integer { min: 0, max: 30 }, Kind::Integer { min: 0, max: 30 }];
    for (n, shape) in [(30, 20), (3, 40), (64, 64)].into_iter().enumerate() {
        for seed in [7400 + 2 * n as u64, 7401 + 2 * n as u64] {
            let [many, one] = pair(seed, shape, kinds.clone(), false, seed.is_multiple_of(3));
            for how in HOWS {
                let tables = [one.clone(), many.clone()];
                agree(seed, &merge(how, Validate::OneToMany, &["k"], &["k"]), &tables);
                agree(seed, &merge(how, Validate::ManyToMany, &["k"], &["k"]), &tables);
                agree(seed, &merge(how, Validate::OneToMany, &["a"], &["k"]), &tables);
            }
        }
    }
}

#[test]
fn merges_of_so_many_rows_that_other_sorts_are_taken() {
    let kinds = [Kind::Integer { min: 0, max: 5000 }, Kind::Integer { min: 0, max: 5000 }];
    for (seed, validate) in [
        (7480, Validate::ManyToOne),
        (7481, Validate::ManyToOne),
        (7482, Validate::ManyToMany),
        (7483, Validate::ManyToMany),
    ] {
        let repeated = validate == Validate::ManyToMany;
        let rows = if repeated { (1500, 100) } else { (3000, 9000) };
        let tables = pair(seed, rows, kinds.clone(), repeated, true);
        for how in HOWS {
            agree(seed, &merge(how, validate, &["k"], &["k"]), &tables);
        }
    }
}

#[test]
fn a_result_beyond_the_limit_is_refused_before_it_is_made() {
    let ones = |rows: usize| {
        let data = vec![vec![Some(vdl_plain::Value::Boolean(true)); rows]];
        Clear { columns: vec![column("k", Kind::Boolean, false)], data, selected: None }
    };
    let tables = [ones(8193), ones(8192)];
    let inputs: Vec<Input> = tables.iter().map(Clear::input).collect();
    let plan = plan(&merge(How::Inner, Validate::ManyToMany, &["k"], &["k"]), &inputs).unwrap();
    match compute(1, &plan, &tables) {
        Err(vdl_table::TableError::ResultTooLarge { rows, limit }) => {
            assert_eq!((rows, limit), (8193 * 8192, 1 << 26));
        }
        _ => panic!("not refused"),
    }
}

#[test]
fn a_key_that_is_not_unique_where_it_must_be_is_refused() {
    let kinds = [Kind::Integer { min: 0, max: 30 }, Kind::Integer { min: 0, max: 30 }];
    for (n, shape) in [(1, 2), (2, 1), (5, 3), (9, 9), (64, 40)].into_iter().enumerate() {
        for seed in 0..6 {
            let seed = 7500 + n as u64 * 10 + seed;
            let tables = pair(seed, shape, kinds.clone(), true, seed.is_multiple_of(3));
            for validate in [Validate::ManyToOne, Validate::OneToOne, Validate::OneToMany] {
                for how in HOWS {
                    agree(seed, &merge(how, validate, &["k"], &["k"]), &tables);
                }
            }
        }
    }
}

#[test]
fn merges_on_several_columns_and_on_differently_named_ones() {
    for seed in 7800..7812 {
        let mut random = Random::of(seed);
        let left = vec![nullable(int("x", 0, 3)), column("y", Kind::Boolean, false), int("p", 0, 90)];
        let right = vec![int("x2", -1, 2), nullable(column("y", Kind::Boolean, false)), int("q", 5, 9)];
        let tables = [generate(&mut random, &left, 20), generate(&mut random, &right, 4)];
        let tables = tables.map(|clear| clear.hidden(&mut random, 30));
        for how in HOWS {
            agree(seed, &merge(how, Validate::ManyToOne, &["x", "y"], &["x2", "y"]), &tables);
            agree(seed, &merge(how, Validate::ManyToMany, &["x", "y"], &["x2", "y"]), &tables);
        }
    }
}

#[test]
fn rows_of_several_tables_follow_each_other() {
    let shapes = [[0, 0, 0], [1, 0, 64], [63, 65, 2], [3, 70, 1]];
    for (n, shape) in shapes.into_iter().enumerate() {
        for side in 0..2 {
            let seed = 8000 + (n * 2 + side) as u64;
            let mut random = Random::of(seed);
            let first = vec![
                int("a", -5, 9),
                column("s", Kind::Text { length: 2, ascii: true }, false),
                nullable(int("b", 3, 1000)),
                column("d", Kind::Date { min: 5, max: 9 }, true),
                column("m", Kind::Mean { min: 0, max: 3 }, false),
            ];
            let mut second = first.clone();
            second[0] = nullable(int("a", 4, 4000));
            second[1] = column("s", Kind::Text { length: 5, ascii: false }, true);
            second[2] = int("b", -77, 2);
            second.reverse();
            let mut third = first.clone();
            third[3] = column("d", Kind::Date { min: -100, max: 2 }, true);
            let mut tables: Vec<Clear> = [first, second, third]
                .iter()
                .zip(shape)
                .map(|(columns, rows)| generate(&mut random, columns, rows))
                .collect();
            if side == 1 {
                tables[1] = tables[1].clone().hidden(&mut random, 50);
            }
            agree(seed, &concat(3), &tables);
        }
    }
}

#[test]
fn means_can_be_moved_selected_and_opened() {
    for (seed, rows) in (8500..).zip(ROWS) {
        let mut random = Random::of(seed);
        let columns = [int("a", 0, 5), column("m", Kind::Mean { min: -7, max: 7 }, false)];
        let clear = generate(&mut random, &columns, rows).hidden(&mut random, 30);
        agree(seed, &sort(&[("a", false)]), std::slice::from_ref(&clear));
        agree(seed, &Command::Open { table: it() }, std::slice::from_ref(&clear));
        let condition = binary(BinaryOp::Greater, name("a"), number(2));
        agree(seed, &filter(condition, None), &[clear]);
    }
}

#[test]
fn the_widest_numbers_are_exact() {
    const FAR: i128 = i64::MAX as i128;
    for (seed, rows) in (9000..).zip([1, 2, 5, 64, 65]) {
        let mut random = Random::of(seed);
        let columns =
            [int("far", -FAR, FAR), nullable(int("near", FAR - 9, FAR)), nullable(int("low", -FAR, 4 - FAR))];
        let clear = generate(&mut random, &columns, rows).hidden(&mut random, 20);
        let asked: Vec<(Aggregate, Expression)> = ["far", "near", "low"]
            .into_iter()
            .flat_map(|column| [Min, Max, Count].map(|aggregate| (aggregate, name(column))))
            .collect();
        agree(seed, &aggregate(&asked, None), std::slice::from_ref(&clear));
        agree(seed, &sort(&[("far", true), ("near", false)]), std::slice::from_ref(&clear));
        for op in [BinaryOp::Less, BinaryOp::GreaterOrEqual, BinaryOp::Equal] {
            agree(seed, &assign(binary(op, name("far"), name("near"))), std::slice::from_ref(&clear));
            agree(seed, &assign(binary(op, name("low"), name("far"))), std::slice::from_ref(&clear));
            agree(seed, &assign(binary(op, name("far"), number(0))), std::slice::from_ref(&clear));
        }
        let fill = Expression::FillNull { value: Box::new(name("low")), with: Box::new(name("near")) };
        agree(seed, &assign(fill), std::slice::from_ref(&clear));
        let negate = Expression::Negate(Box::new(name("near")));
        agree(seed, &assign(binary(BinaryOp::Add, negate.clone(), number(5))), std::slice::from_ref(&clear));
        agree(seed, &assign(binary(BinaryOp::Subtract, number(-8), name("low"))), &[clear]);
    }
}

#[test]
fn totals_and_columns_wider_than_64_bits_are_exact() {
    const FAR: i128 = i64::MAX as i128;
    const WIDEST: i128 = (1 << 96) - 1;
    for (seed, rows) in (9500..).zip([0, 1, 2, 5, 64, 65, 300]) {
        let mut random = Random::of(seed);
        let columns = [
            int("k", 0, 3),
            int("far", -FAR, FAR),
            nullable(int("low", -FAR, 4 - FAR)),
            int("near", 1 << 61, (1 << 62) - 1),
            nullable(int("wide", -(1 << 70), 1 << 69)),
            int("high", (1 << 80) - 3, 1 << 80),
        ];
        let clear = generate(&mut random, &columns, rows);
        let clear = if seed % 2 == 0 { clear.hidden(&mut random, 20) } else { clear };
        let asked: Vec<(Aggregate, Expression)> = ["far", "low", "near", "wide", "high"]
            .into_iter()
            .flat_map(|column| [Sum, Mean, Min, Max, Count].map(|aggregate| (aggregate, name(column))))
            .collect();
        let tables = std::slice::from_ref(&clear);
        agree(seed, &aggregate(&asked, None), tables);
        agree(seed, &group_by(&["k"], &asked), tables);
        agree(seed, &group_by(&["high"], &[(Sum, name("k")), (Sum, name("wide"))]), tables);
        agree(seed, &sort(&[("wide", true), ("high", false)]), tables);
        agree(seed, &Command::Open { table: it() }, tables);
        for op in [BinaryOp::Less, BinaryOp::GreaterOrEqual, BinaryOp::Equal] {
            agree(seed, &assign(binary(op, name("wide"), name("far"))), tables);
            agree(seed, &filter(binary(op, name("high"), number((1 << 80) - 1)), None), tables);
        }
        let fill = Expression::FillNull { value: Box::new(name("wide")), with: Box::new(name("high")) };
        agree(seed, &assign(fill), tables);
        let mut other = vec![int("high", -WIDEST, WIDEST), int("k", 2, 9)];
        other.extend(columns[1..5].iter().cloned());
        let other = generate(&mut random, &other, 7);
        agree(seed, &concat(2), &[clear, other]);
    }
}

#[test]
fn progress_starts_at_nothing_and_ends_with_everything() {
    let clear = table(1, 20);
    for command in [
        sort(&[("a", true)]),
        group_by(&["t"], &[(Min, name("a")), (Max, name("b")), (Sum, name("e"))]),
        aggregate(&[(Sum, name("a")), (Min, name("b"))], None),
        filter(name("t"), None),
    ] {
        let plan = plan(&command, &[clear.input()]).unwrap();
        let split = shares::split(&mut Random::of(1), &clear);
        let heard = vdl_trio::Trio::new(1).run(|party| {
            let mut heard = Vec::new();
            let table = &split[party.id()];
            vdl_table::run(party, &plan, &[table], &mut |done, total| heard.push((done, total))).unwrap();
            heard
        });
        let (first, last) = (heard[0][0], *heard[0].last().unwrap());
        assert_eq!((first.0, last.0), (0, last.1), "{command:?}");
        assert!(heard[0].windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 == pair[1].1));
    }
}

#[test]
fn many_rows_take_the_other_adders_to_the_same_end() {
    let clear = table(9_500, 40_000);
    let asked: Vec<(Aggregate, Expression)> =
        ["a", "b"].iter().flat_map(|c| ALL.map(|a| (a, name(c)))).collect();
    agree(1, &aggregate(&asked, None), std::slice::from_ref(&clear));
    let product = binary(BinaryOp::Multiply, name("a"), binary(BinaryOp::Subtract, name("e"), name("c")));
    agree(2, &assign(binary(BinaryOp::Less, product, name("b"))), std::slice::from_ref(&clear));
    agree(3, &group_by(&["b"], &[(Mean, name("a")), (Max, name("d"))]), &[clear]);
}

#[test]
fn sums_and_counts_of_many_rows_are_made_in_bits() {
    const FAR: i128 = i64::MAX as i128;
    for seed in 9_600..9_602 {
        let mut random = Random::of(seed);
        let columns = [
            int("a", -5, 90),
            nullable(int("b", -(1 << 40), 7)),
            int("far", -FAR, FAR),
            nullable(int("low", -FAR, 4 - FAR)),
            column("t", Kind::Boolean, true),
        ];
        let clear = generate(&mut random, &columns, (1 << 17) + 70);
        let clear = if seed % 2 == 0 { clear.hidden(&mut random, 30) } else { clear };
        let asked: Vec<(Aggregate, Expression)> = ["a", "b", "far", "low", "t"]
            .into_iter()
            .flat_map(|column| [Count, Sum, Mean].map(|aggregate| (aggregate, name(column))))
            .collect();
        agree(seed, &aggregate(&asked, Some(9)), std::slice::from_ref(&clear));
        for threshold in [None, Some(5), Some(1 << 17)] {
            agree(
                seed,
                &filter(binary(BinaryOp::Greater, name("b"), number(-3)), threshold),
                std::slice::from_ref(&clear),
            );
        }
    }
}

#[test]
fn shares_that_do_not_fit_their_schema_are_refused() {
    let text = |length| column("a", Kind::Text { length, ascii: true }, false);
    let mut random = Random::of(1);
    let clear = generate(&mut random, &[text(3)], 10);
    let split = shares::split(&mut random, &clear);
    let wrong = Input::new(vec![text(4)], 10);
    let longer = Input::new(vec![text(3)], 11);
    let missing = Input::new(vec![nullable(text(3))], 10);
    let another = Input::new(vec![text(3), column("b", Kind::Boolean, false)], 10);
    for input in [wrong, longer, missing, another] {
        let plan = plan(&sort(&[("a", true)]), &[input]).unwrap();
        let results = vdl_trio::Trio::new(1).run(|party| {
            let table = &split[party.id()];
            vdl_table::run(party, &plan, &[table], &mut |_, _| {}).map(|_| ())
        });
        assert!(results.iter().all(|result| matches!(result, Err(vdl_table::TableError::Shape(_)))));
    }
}
