//! Bodies of requests and answers.
#![no_main]

use vdl_command::{Answer, CloseRun, ErrorAnswer, Info, JobId, Request, StartRun, StartedRun, wire};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok((request, payload)) = wire::decode::<Request>(bytes) {
        let again = wire::encode(&request, payload).expect("what was read can be written");
        assert_eq!(wire::decode::<Request>(&again), Ok((request, payload)));
    }
    let _ = (wire::decode::<StartRun>(bytes), wire::decode::<CloseRun>(bytes), wire::decode::<JobId>(bytes));
    let _ = wire::decode::<Answer>(bytes);
    let _ =
        (wire::decode::<Info>(bytes), wire::decode::<StartedRun>(bytes), wire::decode::<ErrorAnswer>(bytes));
});
