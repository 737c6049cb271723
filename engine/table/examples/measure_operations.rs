//! Measures the standard workloads on three parties in one process, over memory lanes.
//!
//! `cargo run --release -p vdl-table --example measure_operations -- [rows]`: seconds, processor
//! seconds, rounds, and bytes sent by all parties together, per workload.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::sync::OnceLock;
use std::time::Instant;

use vdl_plan::vdl_command::*;
use vdl_plan::{Input, plan};
use vdl_share::{ColumnShares, Planes, TableShares, shares_for, split_planes};
use vdl_table::run;
use vdl_trio::Trio;

fn main() {
    let rows = std::env::args().nth(1).map_or(1_000_000, |text| text.parse().unwrap());
    println!(
        "{:<28} {:>9} {:>8} {:>8} {:>8} {:>9}",
        "workload", "rows", "seconds", "cpu", "rounds", "MB sent"
    );
    let survey = Table::of(rows, &[("a", 0, 99), ("b", 0, 86_000), ("g", 0, 255), ("k", 0, u32::MAX.into())]);
    let more = BinaryOp::Greater;
    let condition = Expression::Binary { op: more, left: column("a"), right: number(49) };
    let kept = survey.measure("filter", Command::Filter { table: it(), condition, threshold: None });
    kept.measure("mean of the filtered", mean("b"));
    survey.measure("mean again", mean("b"));
    survey.measure("min and max", aggregate(&[Aggregate::Min, Aggregate::Max], "b"));
    let product = Expression::Binary { op: BinaryOp::Multiply, left: column("a"), right: column("b") };
    let columns = vec![NamedExpression { name: "ab".into(), value: product }];
    survey.measure("multiply two columns", Command::Assign { table: it(), columns });
    survey.measure("group, 8-bit key, mean", group("g", &[Aggregate::Mean]));
    survey.measure("group, 8-bit key, min max", group("g", &[Aggregate::Min, Aggregate::Max]));
    let by = vec![SortKey { column: "k".into(), ascending: true }];
    survey.measure("sort, 32-bit key", Command::Sort { table: it(), by });
    kept.measure("open half", Command::Open { table: it() });

    let half = rows / 10;
    let left = Table::of(half, &[("id", 0, 1 << 20), ("x", 0, 1000)]).with_ids(7);
    let right = Table::of(half, &[("id", 0, 1 << 20), ("y", 0, 1000)]).with_ids(11);
    merge(&left, &right);
}

fn it() -> TableRef {
    TableRef::Step(0)
}

fn column(name: &str) -> Box<Expression> {
    Box::new(Expression::Column(name.into()))
}

fn number(n: i128) -> Box<Expression> {
    Box::new(Expression::Integer(Integer(n).into()))
}

fn aggregations(of: &[Aggregate], name: &str) -> Vec<Aggregation> {
    of.iter()
        .map(|aggregate| Aggregation {
            name: format!("{aggregate:?}"),
            aggregate: *aggregate,
            value: Expression::Column(name.into()),
        })
        .collect()
}

fn aggregate(of: &[Aggregate], name: &str) -> Command {
    Command::Aggregate { table: it(), aggregations: aggregations(of, name), threshold: None }
}

fn mean(name: &str) -> Command {
    aggregate(&[Aggregate::Mean], name)
}

fn group(by: &str, of: &[Aggregate]) -> Command {
    Command::GroupBy { table: it(), by: vec![by.into()], aggregations: aggregations(of, "b") }
}

fn merge(left: &Table, right: &Table) {
    let command = Command::Merge {
        left: it(),
        right: it(),
        how: How::Inner,
        left_on: vec!["id".into()],
        right_on: vec!["id".into()],
        validate: Validate::OneToOne,
        suffixes: ("_x".into(), "_y".into()),
    };
    measure("merge, 21-bit key", &command, &[left, right]);
}

struct Table {
    input: Input,
    shares: [TableShares; 3],
}

impl Table {
    fn of(rows: usize, columns: &[(&str, i128, i128)]) -> Self {
        let mut state = 0x2545_F491_4F6C_DD1D_u64;
        let mut shares = [0; 3].map(|_: u8| TableShares { rows, columns: Vec::new(), selected: None });
        let mut metas = Vec::new();
        for (name, min, max) in columns {
            let ctype = ColumnType::required(Kind::Integer { min: *min, max: *max });
            let span = max.abs_diff(*min) + 1;
            let values: Vec<u64> = (0..rows)
                .map(|_| {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    (u128::from(state) % span) as u64
                })
                .collect();
            put(&mut shares, &Planes::from_values(&values, ctype.width() as usize), None);
            metas.push(ColumnMeta { name: (*name).into(), ctype });
        }
        Self { input: Input::new(metas, rows as u64), shares }
    }

    /// The first column holds different numbers in every row.
    fn with_ids(mut self, step: u64) -> Self {
        let ids: Vec<u64> = (0..self.input.rows).map(|row| row * step % (1 << 20)).collect();
        let width = self.input.columns[0].ctype.width() as usize;
        put(&mut self.shares, &Planes::from_values(&ids, width), Some(0));
        self
    }

    fn measure(&self, what: &str, command: Command) -> Table {
        measure(what, &command, &[self])
    }
}

fn put(shares: &mut [TableShares; 3], clear: &Planes, place: Option<usize>) {
    let parts = split_planes(clear, &[[3; 16], [4; 16]]);
    for (id, table) in shares.iter_mut().enumerate() {
        let bits = OnceLock::from(shares_for(id, &parts));
        let column = ColumnShares { bits, ..Default::default() };
        match place {
            Some(place) => table.columns[place] = column,
            None => table.columns.push(column),
        }
    }
}

/// Processor time of the three parties together, where the system tells (in hundredths of a second).
fn processor_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: f64 =
        after_name.split_whitespace().skip(11).take(2).filter_map(|t| t.parse::<f64>().ok()).sum();
    ticks / 100.0
}

fn measure(what: &str, command: &Command, tables: &[&Table]) -> Table {
    let inputs: Vec<Input> = tables.iter().map(|table| table.input.clone()).collect();
    let plan = plan(command, &inputs).unwrap();
    let mut trio = Trio::new(1);
    let (start, spent) = (Instant::now(), processor_seconds());
    let outcomes = trio.run(|party| {
        let shares: Vec<&TableShares> = tables.iter().map(|table| &table.shares[party.id()]).collect();
        run(party, &plan, &shares, &mut |_, _| {}).unwrap()
    });
    let (seconds, spent) = (start.elapsed().as_secs_f64(), processor_seconds() - spent);
    let megabytes = trio.last.bytes() as f64 / 1e6;
    let rows = inputs[0].rows;
    println!("{what:<28} {rows:>9} {seconds:>8.3} {spent:>8.2} {:>8} {megabytes:>9.1}", trio.last.rounds());
    let mut made = outcomes.map(|outcome| match outcome {
        vdl_table::Outcome::Table { columns, rows, shares } => Some((Input::new(columns, rows), shares)),
        _ => None,
    });
    match made.each_mut().map(Option::take) {
        [Some((input, a)), Some((_, b)), Some((_, c))] => Table { input, shares: [a, b, c] },
        _ => Table { input: inputs[0].clone(), shares: tables[0].shares.clone() },
    }
}
