//! Which dummy stands in for which production table, and which step produced which handle.

use std::collections::HashMap;

use vdl_command::{Command, Handle, Slot, TableRef};

use crate::error::ClientError;

/// A production table as a script refers to it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Production {
    Handle(Handle),
    Name(String),
}

impl Production {
    pub(crate) fn parse(text: &str) -> Self {
        text.parse().map_or_else(|_| Self::Name(text.to_owned()), Self::Handle)
    }

    fn of(table: &TableRef) -> Option<Self> {
        match table {
            TableRef::Handle(Slot::Value(handle)) => Some(Self::Handle(*handle)),
            TableRef::Name(Slot::Value(name)) => Some(Self::Name(name.clone())),
            _ => None,
        }
    }

    fn reference(&self) -> TableRef {
        match self {
            Self::Handle(handle) => TableRef::Handle(Slot::Value(*handle)),
            Self::Name(name) => TableRef::Name(Slot::Value(name.clone())),
        }
    }
}

impl std::fmt::Display for Production {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Handle(handle) => write!(f, "{handle}"),
            Self::Name(name) => write!(f, "\"{name}\""),
        }
    }
}

/// The links of one session, both ways. A dummy stands in for one table only: otherwise a recording
/// could not tell which of the two was meant.
#[derive(Default)]
pub(crate) struct Links {
    dummies: HashMap<Production, Handle>,
    productions: HashMap<Handle, Production>,
}

impl Links {
    pub(crate) fn link(&mut self, production: Production, dummy: Handle) -> Result<(), ClientError> {
        if let Some(other) = self.productions.get(&dummy).filter(|other| **other != production) {
            return Err(ClientError::script(
                format!("table {dummy} is already the dummy for {other}"),
                "upload a table of its own for every production table",
            ));
        }
        if let Some(earlier) = self.dummies.insert(production.clone(), dummy) {
            self.productions.remove(&earlier);
        }
        self.productions.insert(dummy, production);
        Ok(())
    }

    /// What runs in a design environment: dummies where the command names production tables.
    pub(crate) fn to_dummies(&self, command: &mut Command) {
        for table in command.inputs_mut() {
            if let Some(dummy) = Production::of(table).and_then(|production| self.dummies.get(&production)) {
                *table = TableRef::Handle(Slot::Value(*dummy));
            }
        }
    }

    /// What is recorded: production tables where the command names dummies.
    fn to_production(&self, table: &mut TableRef) {
        if let TableRef::Handle(Slot::Value(handle)) = table
            && let Some(production) = self.productions.get(handle)
        {
            *table = production.reference();
        }
    }
}

/// The tables that the steps of one recording or run produced; `None` where a step produced none.
#[derive(Default)]
pub(crate) struct Outputs(Vec<Option<Handle>>);

impl Outputs {
    pub(crate) fn push(&mut self, output: Option<Handle>) {
        self.0.push(output);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// Those that were there when step `step` was due.
    pub(crate) fn before(&self, step: usize) -> Self {
        Self(self.0.iter().take(step).copied().collect())
    }

    fn at(&self, step: u32) -> Option<Handle> {
        self.0.get(step as usize).copied().flatten()
    }

    /// The last step that produced the table.
    fn step_of(&self, handle: Handle) -> Option<u32> {
        self.0.iter().rposition(|output| *output == Some(handle)).and_then(|step| u32::try_from(step).ok())
    }

    /// The command as a script says it: tables of earlier steps as step references, production tables
    /// for dummies. Where two steps produced one table, the step that `expected` names is meant.
    pub(crate) fn as_recorded(
        &self,
        command: &Command,
        links: &Links,
        expected: Option<&Command>,
    ) -> Command {
        let mut recorded = command.clone();
        let hints = expected.map(Command::inputs).unwrap_or_default();
        for (place, table) in recorded.inputs_mut().into_iter().enumerate() {
            let TableRef::Handle(Slot::Value(handle)) = table else { continue };
            let hinted = match hints.get(place) {
                Some(TableRef::Step(step)) if self.at(*step) == Some(*handle) => Some(*step),
                _ => None,
            };
            match hinted.or_else(|| self.step_of(*handle)) {
                Some(step) => *table = TableRef::Step(step),
                None => links.to_production(table),
            }
        }
        recorded
    }

    /// The other way: step references become handles, for servers that keep no run.
    pub(crate) fn resolve(&self, command: &mut Command) -> Result<(), ClientError> {
        for table in command.inputs_mut() {
            if let TableRef::Step(step) = table {
                let handle = self.at(*step).ok_or_else(|| {
                    ClientError::Command(format!("step {} has not produced a table", u64::from(*step) + 1))
                })?;
                *table = TableRef::Handle(Slot::Value(handle));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn handle(n: u8) -> Handle {
        Handle([n; 32])
    }

    fn open(table: TableRef) -> Command {
        Command::Open { table }
    }

    fn by_handle(n: u8) -> TableRef {
        TableRef::Handle(Slot::Value(handle(n)))
    }

    #[test]
    fn a_recording_keeps_production_handles_and_runs_dummies() {
        let mut links = Links::default();
        links.link(Production::Handle(handle(1)), handle(2)).unwrap();
        let mut executed = open(by_handle(1));
        links.to_dummies(&mut executed);
        assert_eq!(executed, open(by_handle(2)));
        assert_eq!(Outputs::default().as_recorded(&executed, &links, None), open(by_handle(1)));
    }

    #[test]
    fn tables_of_earlier_steps_become_step_references() {
        let outputs = Outputs(vec![Some(handle(2)), None, Some(handle(3))]);
        let mut recorded = outputs.as_recorded(&open(by_handle(3)), &Links::default(), None);
        assert_eq!(recorded, open(TableRef::Step(2)));
        outputs.resolve(&mut recorded).unwrap();
        assert_eq!(recorded, open(by_handle(3)));
        assert!(outputs.resolve(&mut open(TableRef::Step(1))).is_err());
    }

    #[test]
    fn one_table_got_twice_is_the_step_that_was_approved() {
        let outputs = Outputs(vec![Some(handle(2)), Some(handle(2))]);
        let expected = open(TableRef::Step(0));
        let recorded = outputs.as_recorded(&open(by_handle(2)), &Links::default(), Some(&expected));
        assert_eq!(recorded, expected);
    }

    #[test]
    fn one_dummy_for_two_tables_is_refused() {
        let mut links = Links::default();
        links.link(Production::parse("survey"), handle(2)).unwrap();
        assert!(links.link(Production::parse("medical"), handle(2)).is_err());
        links.link(Production::parse("survey"), handle(3)).unwrap();
        links.link(Production::parse("medical"), handle(2)).unwrap();
    }
}
