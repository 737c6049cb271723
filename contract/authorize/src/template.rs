//! Ready-made authorizations, to be approved with `vdl approve`.

use vdl_command::{Command, HoleName, Rules, Script, Slot, Step};

/// Uploads of any structure, without a name or rules, in any number and order.
pub fn template_any_upload() -> Script {
    uploads("Allow any upload", None)
}

/// The same, of tables with these rules and no others.
pub fn template_guarded_upload(rules: Rules) -> Script {
    uploads("Allow any upload with these rules", Some(Slot::Value(rules)))
}

fn uploads(name: &str, rules: Option<Slot<Rules>>) -> Script {
    let columns = match HoleName::parse("##columns##") {
        Some(hole) => Slot::Hole(hole),
        None => Slot::Value(Vec::new()),
    };
    let step = Step { command: Command::Upload { columns, name: None, rules }, source: None };
    Script { ordered: false, ..Script::new(Some(name.to_owned()), vec![step]) }
}
