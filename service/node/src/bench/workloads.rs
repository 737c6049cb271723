//! What is measured: inputs, the work, and what must come out.

mod clear;
mod protocols;
mod tables;

use vdl_plan::vdl_command::Command;
use vdl_plan::{Input, PlanOutput, plan};
use vdl_protocol::Party;
use vdl_share::{ColumnShares, TableShares};
use vdl_table::{Outcome, TableError};

use super::data::{ClearTable, Random};
use super::made::Made;

/// One thing to measure.
pub struct Workload {
    pub name: &'static str,
    /// How many, where nothing else is asked for.
    pub rows: usize,
    pub tables: fn(usize, &mut Random) -> Vec<ClearTable>,
    pub work: Work,
    pub expected: fn(&[ClearTable]) -> Vec<Vec<u64>>,
    /// How far a result may be from what is expected: where a protocol rounds, its stated bound.
    pub near: fn(u64, u64) -> bool,
}

#[derive(Clone, Copy)]
pub enum Work {
    /// One protocol on the columns of the only table.
    Protocol(fn(&mut Party, &[ColumnShares]) -> Result<Made, TableError>),
    /// Commands, planned and carried out as the nodes do; each one works on the result of the one before.
    Commands(fn() -> Vec<Command>),
}

const MILLION: usize = 1_000_000;

fn same(got: u64, expected: u64) -> bool {
    got == expected
}

const fn protocol(
    name: &'static str,
    tables: fn(usize, &mut Random) -> Vec<ClearTable>,
    work: fn(&mut Party, &[ColumnShares]) -> Result<Made, TableError>,
    expected: fn(&[ClearTable]) -> Vec<Vec<u64>>,
) -> Workload {
    Workload { name, rows: MILLION, tables, work: Work::Protocol(work), expected, near: same }
}

const fn commands(
    name: &'static str,
    tables: fn(usize, &mut Random) -> Vec<ClearTable>,
    work: fn() -> Vec<Command>,
    expected: fn(&[ClearTable]) -> Vec<Vec<u64>>,
) -> Workload {
    Workload { name, rows: MILLION, tables, work: Work::Commands(work), expected, near: same }
}

pub const WORKLOADS: &[Workload] = &[
    protocol("and", protocols::two_bits, protocols::and, clear::and),
    protocol("multiply", protocols::two_rings, protocols::multiply, clear::multiply),
    protocol("less-than", protocols::two_bits, protocols::less_than, clear::less_than),
    protocol("equality", protocols::two_bits, protocols::equality, clear::equality),
    protocol("dot", protocols::two_rings, protocols::dot, clear::dot),
    protocol("fixed-multiply", protocols::two_fixed, protocols::fixed_multiply, clear::fixed_multiply),
    Workload {
        rows: 100_000,
        near: clear::near_quotient,
        ..protocol("divide", protocols::dividends, protocols::divide, clear::divide)
    },
    commands("sort", tables::wide_key, tables::sort, clear::sort),
    commands("sort-narrow", tables::narrow_key, tables::sort, clear::sort),
    commands("merge", tables::unique_keys, tables::one_to_one, clear::merge),
    commands("merge-many-to-one", tables::foreign_keys, tables::many_to_one, clear::merge),
    commands("groupby", tables::groups, tables::group_by, clear::group_by),
    commands("filter-mean", tables::two_numbers, tables::filter_mean, clear::filter_mean),
    protocol("like", protocols::texts, protocols::like, clear::like),
];

pub fn find(name: &str) -> Option<&'static Workload> {
    WORKLOADS.iter().find(|workload| workload.name == name)
}

impl Workload {
    /// The same at all parties and in every repeat.
    pub fn inputs(&self, rows: usize) -> Vec<ClearTable> {
        (self.tables)(rows, &mut Random(rows as u64))
    }

    /// The columns that must come out.
    pub fn expected(&self, inputs: &[ClearTable]) -> Vec<Vec<u64>> {
        (self.expected)(inputs)
    }

    pub fn is_right(&self, got: &[Vec<u64>], expected: &[Vec<u64>]) -> bool {
        let near = |(got, expected): (&u64, &u64)| (self.near)(*got, *expected);
        let column = |(got, expected): (&Vec<u64>, &Vec<u64>)| {
            got.len() == expected.len() && got.iter().zip(expected).all(near)
        };
        got.len() == expected.len() && got.iter().zip(expected).all(column)
    }

    pub fn run(
        &self,
        party: &mut Party,
        inputs: &[ClearTable],
        shares: Vec<TableShares>,
    ) -> Result<Made, TableError> {
        match self.work {
            Work::Protocol(work) => work(party, shares.first().map_or(&[], |table| &table.columns)),
            Work::Commands(commands) => run_commands(party, &commands(), inputs, shares),
        }
    }
}

fn run_commands(
    party: &mut Party,
    commands: &[Command],
    clear: &[ClearTable],
    mut tables: Vec<TableShares>,
) -> Result<Made, TableError> {
    let mut inputs: Vec<_> = clear.iter().map(ClearTable::input).collect();
    let mut made = Err(TableError::Shape("a workload that does nothing"));
    for command in commands {
        let plan = plan(command, &inputs).map_err(|_| TableError::Shape("a workload without a plan"))?;
        let shares: Vec<&TableShares> = tables.iter().collect();
        let outcome = vdl_table::run(party, &plan, &shares, &mut |_, _| {})?;
        let metas = match &plan.output {
            PlanOutput::Table { columns } | PlanOutput::Opened { columns } => columns.as_slice(),
            PlanOutput::Nothing => &[],
        };
        match outcome {
            Outcome::Table { columns, rows, shares } => {
                made = Ok(Made::of_plan(shares.columns.clone(), metas, shares.selected.clone()));
                inputs = vec![Input::new(columns, rows)];
                tables = vec![shares];
            }
            Outcome::Opened { shares, .. } => made = Ok(Made::of_plan(shares, metas, None)),
            Outcome::Nothing => {}
        }
    }
    made
}
