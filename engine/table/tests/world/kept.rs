//! Tables with rules of their providers: planned, computed on shares and in the clear, and compared.

use vdl_plain::{Column, Value};
use vdl_plan::vdl_command::Aggregate::{Mean, Sum};
use vdl_plan::vdl_command::*;
use vdl_plan::{Input, Plan, plan};
use vdl_share::TableShares;
use vdl_table::{Outcome, TableError, run};
use vdl_trio::{Message, Trio};

use super::ask::*;
use super::{Clear, Random, int, shares};

/// A table on three servers, and in the clear.
#[derive(Clone)]
pub struct Kept {
    pub input: Input,
    pub data: Vec<Column>,
    pub shares: [TableShares; 3],
}

#[derive(Debug)]
pub enum Got {
    Table(Box<Kept>),
    Opened(Vec<Column>),
}

impl std::fmt::Debug for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a table of {} rows", self.input.rows)
    }
}

impl Got {
    pub fn table(self) -> Kept {
        let Got::Table(kept) = self else { panic!("{self:?}") };
        *kept
    }

    pub fn opened(self) -> Vec<Column> {
        let Got::Opened(columns) = self else { panic!("{self:?}") };
        columns
    }
}

pub fn rules(min_rows: u64, join_only: &[&str]) -> Rules {
    let join_only = join_only.iter().map(|name| (*name).to_owned()).collect();
    Rules { min_rows: (min_rows > 0).then_some(min_rows), join_only, round_counts: None }
}

/// As if uploaded with these rules, which are planned like any command.
pub fn upload(seed: u64, clear: &Clear, rules: Rules) -> Kept {
    let columns = Slot::Value(clear.columns.clone());
    let command = Command::Upload { columns, name: None, rules: Some(Slot::Value(rules)) };
    let mut followed = plan(&command, &[]).unwrap().rules;
    followed.guards.iter_mut().for_each(|guard| guard.source = Some(Handle([seed as u8; 32])));
    let shares = shares::split(&mut Random::of(seed), clear);
    Kept { input: clear.input().with_rules(followed), data: clear.data.clone(), shares }
}

/// What the servers say, after the plain engine said the same; or the code of the refusal.
pub fn ask(command: &Command, tables: &[&Kept]) -> Result<Got, &'static str> {
    watch(command, tables).0
}

pub fn watch(command: &Command, tables: &[&Kept]) -> (Result<Got, &'static str>, Vec<Message>) {
    let inputs: Vec<Input> = tables.iter().map(|kept| kept.input.clone()).collect();
    let plan = match plan(command, &inputs) {
        Ok(plan) => plan,
        Err(error) => return (Err(error.code()), Vec::new()),
    };
    let clear: Vec<Vec<Column>> = tables.iter().map(|kept| kept.data.clone()).collect();
    let expected = vdl_plain::run(&plan, &clear);
    let mut trio = Trio::new(7);
    let outcomes = trio.run(|party| {
        let mine: Vec<&TableShares> = tables.iter().map(|kept| &kept.shares[party.id()]).collect();
        run(party, &plan, &mine, &mut |_, _| {})
    });
    let outcomes: Result<Vec<Outcome>, TableError> = outcomes.into_iter().collect();
    let got = match (expected, outcomes) {
        (Ok(expected), Ok(outcomes)) => Ok(compared(&plan, expected, outcomes)),
        (Err(_), Err(error)) => Err(error.code().unwrap()),
        (expected, got) => panic!("{command:?}: expected {expected:?}, got {got:?}"),
    };
    (got, std::mem::take(&mut trio.last.messages))
}

/// Hidden columns may number rows differently here and there; everything else is the same.
pub fn compared(plan: &Plan, expected: vdl_plain::Outcome, outcomes: Vec<Outcome>) -> Got {
    let kept: Vec<TableShares> = outcomes
        .iter()
        .filter_map(|outcome| match outcome {
            Outcome::Table { shares, .. } => Some(shares.clone()),
            _ => None,
        })
        .collect();
    let visible = plan.visible().len();
    let told = outcomes.iter().find_map(|outcome| match outcome {
        Outcome::Table { rows, .. } => Some(*rows),
        _ => None,
    });
    match (expected, shares::join(plan, outcomes.try_into().unwrap())) {
        (vdl_plain::Outcome::Table(data), vdl_plain::Outcome::Table(got)) => {
            assert_eq!(got[..visible], data[..visible], "{plan:?}");
            let input = Input::new(plan.visible().to_vec(), told.unwrap()).sorted(&plan.sorted_by());
            let input = input.with_rules(plan.rules.clone());
            Got::Table(Box::new(Kept { input, data, shares: kept.try_into().unwrap() }))
        }
        (vdl_plain::Outcome::Opened(expected), vdl_plain::Outcome::Opened(got)) => {
            assert_eq!(got, expected);
            Got::Opened(got)
        }
        (expected, got) => panic!("expected {expected:?}, got {got:?}"),
    }
}

pub fn ints(values: impl IntoIterator<Item = i128>) -> Column {
    values.into_iter().map(|value| Some(Value::Integer(value))).collect()
}

pub fn clear(columns: &[(&str, Vec<i128>)]) -> Clear {
    let metas = columns.iter().map(|(name, _)| int(name, 0, 1_000_000)).collect();
    let data = columns.iter().map(|(_, values)| ints(values.iter().copied())).collect();
    Clear { columns: metas, data, selected: None }
}

pub fn own(columns: &[(&str, Vec<i128>)]) -> Kept {
    upload(2, &clear(columns), Rules::default())
}

pub fn is(column: &str, value: i128) -> Expression {
    binary(BinaryOp::Equal, name(column), number(value))
}

pub fn below(column: &str, value: i128) -> Expression {
    binary(BinaryOp::Less, name(column), number(value))
}

pub fn times(left: Expression, right: Expression) -> Expression {
    binary(BinaryOp::Multiply, left, right)
}

pub fn project(columns: &[(&str, &str)]) -> Command {
    let columns = columns
        .iter()
        .map(|(from, to)| Projection { column: (*from).into(), rename: (from != to).then(|| (*to).into()) });
    Command::Project { table: it(), columns: columns.collect() }
}

pub fn named(new: &str, value: Expression) -> Command {
    Command::Assign { table: it(), columns: vec![NamedExpression { name: new.into(), value }] }
}

pub fn mean(of: &str) -> Command {
    aggregate(&[(Mean, name(of))], None)
}

pub fn total(of: Expression) -> Command {
    aggregate(&[(Sum, of)], None)
}

pub fn open() -> Command {
    Command::Open { table: it() }
}

pub fn looked_up(how: How, left_on: &str, right_on: &str) -> Command {
    merge(how, Validate::ManyToOne, &[left_on], &[right_on])
}
