//! Ready-made authorizations, to be approved with `vdl approve`.

use vdl_command::{Command, HoleName, Script, Slot, Step};

/// Uploads of any structure, without a name, in any number and order.
pub fn template_any_upload() -> Script {
    let columns = match HoleName::parse("##columns##") {
        Some(hole) => Slot::Hole(hole),
        None => Slot::Value(Vec::new()),
    };
    let step = Step { command: Command::Upload { columns, name: None, rules: None }, source: None };
    Script { ordered: false, ..Script::new(Some("Allow any upload".to_owned()), vec![step]) }
}
