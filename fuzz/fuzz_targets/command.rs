//! Commands: what is read is written back to the same, and matches itself when nothing is left open.
#![no_main]

use vdl_authorize::{Bindings, match_step};
use vdl_command::{Script, Step, holes, read_command, write_command};

libfuzzer_sys::fuzz_target!(|text: &str| {
    if let Ok(command) = read_command(text) {
        let again = write_command(&command).expect("what was read can be written");
        assert_eq!(read_command(&again), Ok(command.clone()));
        let script = Script::new(None, vec![Step { command: command.clone(), source: None }]);
        let matches = match_step(&script, 0, &command, &Bindings::new()).is_ok();
        assert_eq!(matches, holes(&command).is_empty());
    }
});
