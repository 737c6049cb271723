//! Three real servers that go by a policy, and the people who change it with the real command line.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use vdl_command::Mode;
use vdl_node::cluster::{Cluster, Wishes, prepare};

/// Keys of five people, and servers for which two of alice, bob and carol approve.
struct World {
    folder: TempDir,
    cluster: Option<Cluster>,
    running: [Option<Child>; 3],
}

impl World {
    fn new() -> Self {
        let mut world = Self { folder: TempDir::new().unwrap(), cluster: None, running: [None, None, None] };
        for name in ["alice", "bob", "carol", "dan", "analyst"] {
            world.succeeds(&format!("keygen {name}.sk {name}.pk"));
        }
        let people = "--approver alice=alice.pk --approver bob=bob.pk --approver carol=carol.pk";
        world.succeeds(&format!("policy new {people} --at-least 2 --output policy.json"));
        let policy = Some(world.path("policy.json"));
        let wishes = Wishes { mode: Some(Mode::Authorized), policy, ..Wishes::default() };
        let cluster = prepare(&world.path("cluster"), &wishes).unwrap();
        fs::copy(&cluster.connection, world.path("c")).unwrap();
        world.cluster = Some(cluster);
        (0..3).for_each(|node| world.start(node));
        world.wait_until_all_say("policy version 1");
        world
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn start(&mut self, node: usize) {
        let mut server = Command::new(env!("CARGO_BIN_EXE_vdl"));
        server.args(["node", "--config"]).arg(&self.cluster.as_ref().unwrap().configs[node]);
        server.stdout(Stdio::null()).stderr(Stdio::null());
        self.running[node] = Some(server.spawn().unwrap());
    }

    fn kill(&mut self, node: usize) {
        if let Some(mut server) = self.running[node].take() {
            server.kill().unwrap();
            server.wait().unwrap();
        }
    }

    fn vdl(&self, arguments: &str) -> Output {
        let words = arguments.split_whitespace();
        Command::new(env!("CARGO_BIN_EXE_vdl")).args(words).current_dir(self.folder.path()).output().unwrap()
    }

    fn says(&self, arguments: &str) -> (Option<i32>, String) {
        let output = self.vdl(arguments);
        let said = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
        (output.status.code(), said)
    }

    fn succeeds(&self, arguments: &str) -> String {
        let (code, said) = self.says(arguments);
        assert_eq!(code, Some(0), "vdl {arguments}: {said}");
        said
    }

    fn fails(&self, arguments: &str) -> String {
        let (code, said) = self.says(arguments);
        assert_eq!(code, Some(1), "vdl {arguments}: {said}");
        said
    }

    /// Waits until `vdl policy show` has a line with this from each server.
    fn wait_until_all_say(&self, what: &str) -> String {
        let deadline = Instant::now() + Duration::from_secs(120);
        loop {
            let (code, said) = self.says("policy show --connection c");
            let servers = said.lines().filter(|line| line.starts_with("server") && line.contains(what));
            if code == Some(0) && servers.count() == 3 {
                return said;
            }
            assert!(Instant::now() < deadline, "{said}");
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for World {
    fn drop(&mut self) {
        (0..3).for_each(|node| self.kill(node));
    }
}

#[test]
fn a_key_is_handed_over_and_a_change_cancelled_and_every_restart_remembers_it() {
    let mut world = World::new();
    // Carol's place goes to a new key: one ceremony, complete when everybody has signed.
    let transfer = "policy transfer --connection c --from carol --to dan.pk --output 2.policy";
    let said = world.succeeds(&format!("{transfer} --key alice.sk --key bob.sk --key dan.sk"));
    assert!(said.contains("MISSING      carol of version 1"), "{said}");
    let refused = world.fails("policy publish 2.policy --connection c");
    assert_eq!(refused.matches("DID NOT ANSWER (policy_unsigned)").count(), 3, "{refused}");
    world.succeeds("policy sign 2.policy --key carol.sk --connection c");
    let said = world.succeeds("policy publish 2.policy --connection c");
    assert_eq!(said.matches("policy version 2").count(), 3, "{said}");
    world.succeeds("policy publish 2.policy --connection c");
    (0..3).for_each(|node| world.kill(node));
    (0..3).for_each(|node| world.start(node));
    world.wait_until_all_say("policy version 2");

    // The next change is cancelled half-way, and nobody can complete it any more.
    world.succeeds("policy next --connection c --at-least 1 --output 3.policy");
    world.succeeds("policy sign 3.policy --key alice.sk --connection c");
    let said = world.succeeds("policy cancel 3.policy --key bob.sk --reason later --connection c");
    assert_eq!(said.matches("1 revocations").count(), 3, "{said}");
    for key in ["bob.sk", "dan.sk"] {
        world.succeeds(&format!("policy sign 3.policy --key {key}"));
    }
    let refused = world.fails("policy publish 3.policy --connection c");
    assert_eq!(refused.matches("(revoked)").count(), 3, "{refused}");
    // With everybody's keys at one table the next one is a single command.
    let keys = "--key alice.sk --key bob.sk --key carol.sk --key dan.sk";
    let transfer = "policy transfer --connection c --from carol --to carol.pk --output 4.policy";
    let said = world.succeeds(&format!("{transfer} {keys}"));
    assert_eq!(said.matches("policy version 3").count(), 3, "{said}");
    assert!(world.fails("policy cancel 4.policy --key bob.sk --connection c").contains("taken over"));
}

#[test]
fn a_revocation_reaches_a_server_that_was_down_and_survives_the_restart_of_all() {
    let mut world = World::new();
    world.fails("revoke --analyst analyst.pk --key dan.sk --connection c");
    world.kill(2);
    let revoke = "revoke --analyst analyst.pk --key bob.sk --reason stolen --connection c";
    let said = world.fails(&format!("{revoke} --output stolen.revocation"));
    assert_eq!(said.matches("1 revocations").count(), 2, "{said}");
    assert!(said.contains("server 2     DID NOT ANSWER"), "{said}");
    // It comes back and learns it from the others, without anybody publishing it again.
    world.start(2);
    let said = world.wait_until_all_say("1 revocations");
    assert!(said.contains("stolen"), "{said}");
    world.succeeds("policy publish stolen.revocation --connection c");
    (0..3).for_each(|node| world.kill(node));
    (0..3).for_each(|node| world.start(node));
    world.wait_until_all_say("1 revocations");
    for node in 0..3 {
        let log = fs::read_to_string(world.path(&format!("cluster/node{node}/data/audit.log"))).unwrap();
        assert_eq!(log.matches("\"revoked\":{").count(), 1, "server {node}: {log}");
    }
}
