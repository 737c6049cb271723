//! Policies and revocations on three servers, attacked by name: rolled back, frozen, mixed, planted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use vdl_authorize::{
    Approver, Policies, Policy, PolicyStatement, REVOCATION_TYPE, Revocation, Revoked, Rule, SigningKey,
    Standing, Terms, add_signature, draft_policy, sign_revocation,
};
use vdl_command::wire::decode;
use vdl_command::{Digest, ErrorAnswer, Mode, Nonce, Route};
use vdl_store::Store;
use vdl_transport::{Frame, Peer, TransportError};

use super::runs::{
    approvers, begin, envelope, keys, now, refused_by_each, start, start_on, steps, terms, wait_for_release,
    wish, world,
};
use super::{World, codes, hasty, job, patient, table, wait_until};
use crate::net::{Limits, Wire, control, step};
use crate::node::{Node, NodeConfig};

pub(super) fn first() -> Policy {
    Policy::pinned(&approvers(), "production").unwrap()
}

fn carol() -> SigningKey {
    SigningKey::from_seed([7; 32])
}

/// The policy after `old`, with carol, two of three; it takes over what was approved since a version.
pub(super) fn next(old: &Policy, approvals_since: u32) -> PolicyStatement {
    let mut next = PolicyStatement {
        version: old.version() + 1,
        adopt_before: Some(now() + 3600),
        rule: Rule::AtLeast(2),
        approvals_since,
        ..old.statement().clone()
    };
    let key = carol().verifying_key().to_base64().unwrap();
    if next.approvers.len() == 2 {
        next.approvers.push(Approver { name: "carol".into(), key });
    }
    next
}

pub(super) fn signed(next: &PolicyStatement) -> (Policy, Vec<u8>) {
    let policy = Policy::new(next.clone()).unwrap();
    let [alice, bob] = keys().approvers;
    let signers = [alice, bob, carol()];
    let draft = draft_policy(&policy).unwrap();
    let signed = signers.iter().fold(draft, |envelope, key| add_signature(&envelope, key).unwrap());
    (policy, signed)
}

pub(super) fn revocation(revokes: Revoked, by: &SigningKey) -> Vec<u8> {
    let (kind, environment) = (REVOCATION_TYPE.to_owned(), "production".to_owned());
    let revocation = Revocation { kind, environment, policy_version: 1, revokes, reason: None, time: now() };
    sign_revocation(&revocation, by).unwrap()
}

fn of_analyst() -> Vec<u8> {
    let analyst = keys().analyst.verifying_key().to_base64().unwrap();
    revocation(Revoked::Analyst(analyst), &keys().approvers[0])
}

pub(super) fn publish(node: &Node, text: &[u8]) -> Result<Standing, ErrorAnswer> {
    Ok(decode(&node.answer(Route::Publish, text)?).unwrap().0)
}

fn policies(node: &Node) -> Policies {
    decode(&node.answer(Route::Policy, &[]).unwrap()).unwrap().0
}

pub(super) fn standing(node: &Node) -> Standing {
    policies(node).standing
}

pub(super) fn everywhere(world: &World, text: &[u8]) {
    world.nodes.iter().for_each(|node| assert!(publish(node, text).is_ok()));
}

fn wait_until_all(world: &World, holds: impl Fn(&Standing) -> bool) {
    wait_until(|| world.nodes.iter().all(|node| holds(&standing(node))));
}

/// Brings no policies and no revocations while it is cut.
pub(super) struct Cut(pub Arc<dyn Wire>, pub Arc<AtomicBool>);

impl Wire for Cut {
    fn send(&self, to: Peer, frame: Frame) -> Result<(), TransportError> {
        let rules = matches!(frame.step.as_str(), step::STANDING | step::LACKING | step::DOCUMENTS);
        match rules && self.1.load(Ordering::SeqCst) {
            true => Ok(()),
            false => self.0.send(to, frame),
        }
    }

    fn wait_until_up(&self, patience: Duration) -> Result<(), Peer> {
        self.0.wait_until_up(patience)
    }

    fn close(&self) {
        self.0.close();
    }
}

/// A world whose servers tell each other nothing of their rules until the flag is taken down.
fn cut_off() -> (World, Arc<AtomicBool>) {
    let cut = Arc::new(AtomicBool::new(false));
    let stores = [0, 1, 2].map(|_| Store::in_memory().unwrap());
    let cutting = |_, wire| Arc::new(Cut(wire, cut.clone())) as Arc<dyn Wire>;
    let limits = Limits { connect: hasty().connect, ..patient() };
    (World::limited(&approvers(), stores, cutting, |_| limits), cut)
}

fn config(node: u8, policy: &Policy) -> NodeConfig {
    NodeConfig {
        node,
        mode: Mode::Authorized,
        environment: "production".into(),
        policy: Some(policy.clone()),
        documents: Vec::new(),
        memory_bytes: 1 << 30,
        limits: Limits { connect: hasty().connect, ..patient() },
        data: None,
    }
}

fn following(policies: [&Policy; 3], stores: [Store; 3]) -> World {
    World::configured(|node| config(node, policies[usize::from(node)]), stores, |_, wire| wire)
}

fn in_memory() -> [Store; 3] {
    [0, 1, 2].map(|_| Store::in_memory().unwrap())
}

fn frame(step: &str, value: &serde_json::Value) -> Frame {
    control(job(), step, value.to_string().into_bytes())
}

pub(super) fn documents(policies: &[&[u8]], revocations: &[&[u8]]) -> Frame {
    let texts = |texts: &[&[u8]]| {
        texts.iter().map(|text| String::from_utf8(text.to_vec()).unwrap()).collect::<Vec<_>>()
    };
    let (policies, revocations) = (texts(policies), texts(revocations));
    let written = serde_json::json!({"policies": policies, "revocations": revocations});
    frame(step::DOCUMENTS, &written)
}

/// A peer's claim of what it follows.
fn claim(standing: Standing) -> Frame {
    let written = serde_json::json!({"id": Nonce([1; 32]), "answer": true, "standing": standing});
    frame(step::STANDING, &written)
}

#[test]
fn what_one_server_takes_in_the_others_learn_at_once_and_the_log_says_it() {
    let world = world();
    let (second, text) = signed(&next(&first(), 1));
    assert_eq!(publish(&world.nodes[1], &text).unwrap().policy, 2);
    wait_until_all(&world, |standing| standing.policy_digest == second.digest());
    let revoked = of_analyst();
    let before = publish(&world.nodes[2], &revoked).unwrap();
    wait_until_all(&world, |standing| *standing == before);
    // Sent again it changes nothing.
    everywhere(&world, &text);
    everywhere(&world, &revoked);
    for node in &world.nodes {
        let words = super::audit::words(node);
        assert_eq!(words.len(), 4, "{words:?}");
        assert_eq!(words[1..3], ["policy 1", "policy 2"]);
        assert!(words[3].starts_with("Revoked"), "{words:?}");
        let Policies { policies, revocations, .. } = policies(node);
        assert_eq!((policies.len(), revocations.len()), (2, 1));
        assert_eq!(policies[1].as_bytes(), text);
    }
}

#[test]
fn design_mode_has_no_rules_to_change_or_show() {
    let world = World::new();
    for node in &world.nodes {
        assert_eq!(publish(node, &of_analyst()).unwrap_err().code, "design_mode");
        assert_eq!(node.answer(Route::Policy, &[]).unwrap_err().code, "design_mode");
        node.hear_of_rules(Peer::Next, &documents(&[], &[&of_analyst()]));
    }
}

#[test]
fn rollback_a_restored_server_learns_the_newer_rules_before_any_run() {
    let folders = [0, 1, 2].map(|_| tempfile::tempdir().unwrap());
    let paths = || folders.each_ref().map(|folder| folder.path());
    let open = || World::with(&approvers(), paths().map(|path| Store::open(path).unwrap()), |_, wire| wire);
    let stop = |world: World| {
        world.nodes.iter().for_each(|node| node.stop());
        drop(world);
        wait_for_release(paths());
    };
    let world = open();
    let envelope = envelope(&Terms { max_runs: None, ..terms() });
    begin(&world, &envelope);
    stop(world);
    let catalogue = |node: usize| folders[node].path().join("catalogue.redb");
    let backup = std::fs::read(catalogue(0)).unwrap();
    let world = open();
    let (second, text) = signed(&next(&first(), 2));
    everywhere(&world, &text);
    let revoked = revocation(Revoked::Approval(Digest([1; 32])), &keys().approvers[1]);
    everywhere(&world, &revoked);
    stop(world);
    std::fs::write(catalogue(0), backup).unwrap();
    let world = open();
    // Server 0 would still let it run, and finds out that it must not.
    let refused = start(&world, &envelope).map(Result::unwrap_err);
    assert_eq!(refused, ["wrong_policy"; 3].map(str::to_owned));
    wait_until_all(&world, |standing| standing.policy_digest == second.digest() && standing.revocations == 1);
    stop(world);
    // And keeps it, whatever its peers say from now on.
    let alone = Store::open(paths()[0]).unwrap();
    assert_eq!((alone.policies().unwrap().len(), alone.revocations().unwrap().len()), (2, 1));
}

#[test]
fn rollback_an_old_policy_after_a_new_one() {
    let folders = [0, 1, 2].map(|_| tempfile::tempdir().unwrap());
    let paths = || folders.each_ref().map(|folder| folder.path());
    let stores = || paths().map(|path| Store::open(path).unwrap());
    let world = following([&first(); 3], stores());
    let (second, old) = signed(&next(&first(), 1));
    let (third, new) = signed(&next(&second, 1));
    let fork = PolicyStatement { expires: Some(now() + 999), ..next(&first(), 1) };
    let (_, fork) = signed(&fork);
    for node in &world.nodes {
        publish(node, &old).unwrap();
        publish(node, &new).unwrap();
        assert_eq!(publish(node, &old).unwrap().policy, 3, "known, and nothing changes");
        assert_eq!(publish(node, &fork).unwrap_err().code, "policy_not_next");
        node.hear_of_rules(Peer::Next, &documents(&[&old, &fork], &[]));
        assert_eq!(standing(node).policy_digest, third.digest());
    }
    world.nodes.iter().for_each(|node| node.stop());
    drop(world);
    wait_for_release(paths());
    // The configuration still pins the first.
    let world = following([&first(); 3], stores());
    assert!(world.nodes.iter().all(|node| standing(node).policy_digest == third.digest()));
}

#[test]
fn a_server_does_not_start_under_another_policy_than_it_followed() {
    let folder = tempfile::tempdir().unwrap();
    let opens = |policy: &Policy| {
        let store = Store::open(folder.path()).unwrap();
        let opened = crate::authority::Authorities::new(&config(0, policy), &store);
        opened.map(|authorities| authorities.rules.now().standing().unwrap().policy_digest)
    };
    assert_eq!(opens(&first()).unwrap(), first().digest());
    let other = Policy::pinned(&approvers()[..1], "production").unwrap();
    assert!(opens(&other).unwrap_err().to_string().contains("not the one that this server has followed"));
    // A higher version is the operator's word, and from then on there is no way back.
    let fifth = Policy::new(PolicyStatement { version: 5, ..other.statement().clone() }).unwrap();
    assert_eq!(opens(&fifth).unwrap(), fifth.digest());
    assert!(opens(&first()).unwrap_err().to_string().contains("does not come after the pinned one"));
    assert_eq!(opens(&fifth).unwrap(), fifth.digest());
}

#[test]
fn freeze_an_expired_policy_starts_nothing() {
    let over = PolicyStatement { expires: Some(now() - 1), ..first().statement().clone() };
    let over = Policy::new(over).unwrap();
    let world = following([&over; 3], in_memory());
    for started in start(&world, &envelope(&terms())) {
        assert_eq!(started.unwrap_err(), "policy_expired");
    }
    // Nor is an expired one, or one that comes too late, taken over.
    let expired = PolicyStatement { expires: Some(now() - 1), ..next(&over, 1) };
    let late = PolicyStatement { adopt_before: Some(now() - 1), expires: None, ..next(&over, 1) };
    for (_, text) in [expired, late].each_ref().map(signed) {
        assert_eq!(publish(&world.nodes[0], &text).unwrap_err().code, "policy_expired");
    }
    let (_, renewed) = signed(&PolicyStatement { expires: None, ..next(&over, 1) });
    everywhere(&world, &renewed);
    begin(&world, &envelope(&terms()));
}

#[test]
fn freeze_a_server_cut_off_from_revocations_gets_them_from_a_peer() {
    let (world, cut) = cut_off();
    cut.store(true, Ordering::SeqCst);
    publish(&world.nodes[2], &of_analyst()).unwrap();
    assert_eq!(standing(&world.nodes[0]).revocations, 0);
    // While nobody can be asked nothing starts.
    let refused = start_on(&world.nodes[0], &wish(&envelope(&terms())), &envelope(&terms())).unwrap_err();
    assert_eq!(refused.code, "peer_silent");
    cut.store(false, Ordering::SeqCst);
    let refused = start(&world, &envelope(&terms())).map(Result::unwrap_err);
    assert_eq!(refused, ["revoked"; 3].map(str::to_owned));
    wait_until_all(&world, |standing| standing.revocations == 1);
}

#[test]
fn a_server_that_missed_several_policies_gets_them_all() {
    let (world, cut) = cut_off();
    cut.store(true, Ordering::SeqCst);
    let (second, one) = signed(&next(&first(), 1));
    let (third, other) = signed(&next(&second, 1));
    for text in [&one, &other] {
        publish(&world.nodes[0], text).unwrap();
    }
    cut.store(false, Ordering::SeqCst);
    // The third alone fits nowhere at the others; they ask for what comes before.
    world.nodes[1].hear_of_rules(Peer::Previous, &documents(&[&other], &[]));
    assert_eq!(standing(&world.nodes[1]).policy, 1);
    begin(&world, &envelope(&terms()));
    wait_until_all(&world, |standing| standing.policy_digest == third.digest());
}

#[test]
fn mix_and_match_servers_of_different_policies_start_nothing() {
    let lax = PolicyStatement { rule: Rule::AtLeast(1), ..first().statement().clone() };
    let lax = Policy::new(lax).unwrap();
    for odd in 0..3 {
        let policies = [0, 1, 2].map(|node| if node == odd { lax.clone() } else { first() });
        let world = following(policies.each_ref(), in_memory());
        let envelope = envelope(&terms());
        let refused = start(&world, &envelope).map(Result::unwrap_err);
        assert_eq!(refused, ["servers_disagree"; 3].map(str::to_owned));
        let approval = wish(&envelope).approval;
        assert!(world.nodes.iter().all(|node| node.store.runs_used(approval).unwrap() == 0));
    }
}

#[test]
fn a_server_whose_policy_was_pinned_higher_by_its_operator_alone_starts_nothing() {
    let fifth = Policy::new(PolicyStatement { version: 5, ..first().statement().clone() }).unwrap();
    let world = following([&first(), &fifth, &first()], in_memory());
    let refused = start_on(&world.nodes[0], &wish(&envelope(&terms())), &envelope(&terms())).unwrap_err();
    assert_eq!(refused.code, "servers_disagree");
    assert_eq!(standing(&world.nodes[0]).policy, 1, "nobody signed the fifth");
}

/// Brings so many more questions about rules to the next server.
struct Fading(Arc<dyn Wire>, Arc<AtomicUsize>);

impl Wire for Fading {
    fn send(&self, to: Peer, frame: Frame) -> Result<(), TransportError> {
        let asks = to == Peer::Next
            && frame.step == step::STANDING
            && frame.payload.windows(14).any(|part| part == b"\"answer\":false");
        let one_less = |left: usize| left.checked_sub(1);
        if asks && self.1.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_err() {
            return Ok(());
        }
        self.0.send(to, frame)
    }

    fn wait_until_up(&self, patience: Duration) -> Result<(), Peer> {
        self.0.wait_until_up(patience)
    }

    fn close(&self) {
        self.0.close();
    }
}

#[test]
fn servers_that_disagreed_and_fell_silent_are_told_as_such_and_not_as_silent() {
    let fifth = Policy::new(PolicyStatement { version: 5, ..first().statement().clone() }).unwrap();
    let policies = [&first(), &fifth, &first()];
    let left = Arc::new(AtomicUsize::new(usize::MAX));
    let fading = |node: u8, wire: Arc<dyn Wire>| -> Arc<dyn Wire> {
        if node == 0 { Arc::new(Fading(wire, left.clone())) } else { wire }
    };
    let world = World::configured(|node| config(node, policies[usize::from(node)]), in_memory(), fading);
    // More than one, because servers also ask by themselves now and then.
    left.store(3, Ordering::SeqCst);
    let refused = start_on(&world.nodes[0], &wish(&envelope(&terms())), &envelope(&terms())).unwrap_err();
    assert_eq!((refused.code.as_str(), left.load(Ordering::SeqCst)), ("servers_disagree", 0));
}

#[test]
fn what_is_revoked_is_refused_at_its_next_command_by_each_server_alone() {
    let key = |key: &SigningKey| key.verifying_key().to_base64().unwrap();
    let [alice, bob] = keys().approvers;
    let envelope = envelope(&terms());
    let approval = wish(&envelope).approval;
    for (revokes, code) in [
        (Revoked::Approval(approval), "revoked"),
        (Revoked::Analyst(key(&keys().analyst)), "revoked"),
        (Revoked::Approver(key(&bob)), "approver_missing"),
    ] {
        let world = world();
        let run = begin(&world, &envelope);
        table(run.upload(&world, &keys().analyst));
        everywhere(&world, &revocation(revokes, &alice));
        refused_by_each(&world, &run.signed(&keys().analyst, 1, &steps()[1]), code);
        assert_eq!(start(&world, &envelope).map(Result::unwrap_err), [code; 3].map(str::to_owned));
        for node in &world.nodes {
            assert_eq!(super::audit::words(node).last(), Some(&format!("refused {code}")));
        }
    }
}

#[test]
fn one_server_that_knows_of_a_revocation_is_enough_to_stop_a_run() {
    for knows in 0..3 {
        let (world, cut) = cut_off();
        let run = begin(&world, &envelope(&terms()));
        table(run.upload(&world, &keys().analyst));
        cut.store(true, Ordering::SeqCst);
        publish(&world.nodes[knows], &of_analyst()).unwrap();
        let codes = codes(&run.ask(&world, &run.signed(&keys().analyst, 1, &steps()[1])));
        for (node, code) in codes.iter().enumerate() {
            assert_eq!(code, if node == knows { "revoked" } else { "peer_stopped" });
        }
    }
}

#[test]
fn a_lying_server_cannot_plant_a_policy_or_a_revocation() {
    let world = world();
    let before = standing(&world.nodes[0]);
    let eve = SigningKey::from_seed([66; 32]);
    let alone = Policy::pinned(&[eve.verifying_key()], "production").unwrap();
    let statement =
        PolicyStatement { version: 2, adopt_before: Some(now() + 60), ..alone.statement().clone() };
    let hers = Policy::new(statement).unwrap();
    let unsigned = draft_policy(&hers).unwrap();
    let half = add_signature(&unsigned, &eve).unwrap();
    let half = add_signature(&half, &keys().approvers[0]).unwrap();
    let bare = hers.to_payload().unwrap();
    let elsewhere = PolicyStatement { environment: "elsewhere".into(), ..next(&first(), 1) };
    let (_, elsewhere) = signed(&elsewhere);
    let stranger = revocation(Revoked::Approval(Digest([1; 32])), &eve);
    let by_analyst = revocation(Revoked::Approval(Digest([1; 32])), &keys().analyst);
    let approval = envelope(&terms());
    // What it says of itself makes nobody believe it.
    world.nodes[0]
        .hear_of_rules(Peer::Next, &claim(Standing { policy: 2, policy_digest: hers.digest(), ..before }));
    for text in [&unsigned, &half, &bare, &elsewhere, &stranger, &by_analyst, &approval, &b"{}".to_vec()] {
        world.nodes[0].hear_of_rules(Peer::Next, &documents(&[text], &[]));
        world.nodes[0].hear_of_rules(Peer::Next, &documents(&[], &[text]));
        assert_eq!(standing(&world.nodes[0]), before);
        publish(&world.nodes[0], text).unwrap_err();
    }
    let long = [of_analyst(), vec![b' '; 1 << 19]].concat();
    assert_eq!(publish(&world.nodes[0], &long).unwrap_err().code, "request_too_long");
    world.nodes[0].hear_of_rules(Peer::Next, &documents(&[], &[&long]));
    world.nodes[0].hear_of_rules(Peer::Next, &frame(step::DOCUMENTS, &serde_json::json!({"policies": 1})));
    world.nodes[0].hear_of_rules(Peer::Next, &frame(step::STANDING, &serde_json::json!([])));
    assert_eq!(standing(&world.nodes[0]), before);
    begin(&world, &approval);
}

#[test]
fn a_policy_that_comes_too_late_is_believed_of_two_peers_and_not_of_one() {
    let (world, cut) = cut_off();
    cut.store(true, Ordering::SeqCst);
    let (late, text) = signed(&PolicyStatement { adopt_before: Some(now() - 60), ..next(&first(), 1) });
    let node = &world.nodes[0];
    let theirs = Standing { policy: 2, policy_digest: late.digest(), ..standing(node) };
    let brought = documents(&[&text], &[]);
    node.hear_of_rules(Peer::Next, &brought);
    node.hear_of_rules(Peer::Next, &claim(theirs));
    node.hear_of_rules(Peer::Next, &brought);
    node.hear_of_rules(Peer::Previous, &claim(standing(node)));
    node.hear_of_rules(Peer::Next, &brought);
    assert_eq!(standing(node).policy, 1, "one of them may have had it completed years later");
    node.hear_of_rules(Peer::Previous, &claim(theirs));
    node.hear_of_rules(Peer::Next, &brought);
    assert_eq!(standing(node).policy_digest, late.digest());
}

#[test]
fn a_lying_portal_changes_nothing_by_any_byte_of_what_it_publishes() {
    let (second, text) = signed(&next(&first(), 1));
    let revoked = of_analyst();
    for text in [&text, &revoked] {
        let mut world = world();
        for at in (0..text.len()).step_by(5) {
            let mut changed = text.clone();
            changed[at] ^= 1 << (at % 7);
            let Ok(standing) = publish(&world.nodes[0], &changed) else { continue };
            // Spaces and hints may differ; what is signed may not.
            let published = standing.policy_digest == second.digest() || standing.revocations == 1;
            assert!(published, "byte {at}");
            world = super::runs::world();
            let honest = publish(&world.nodes[1], text).unwrap();
            assert_eq!(standing, honest, "byte {at}");
            world = super::runs::world();
        }
    }
}

#[test]
fn a_run_goes_on_under_a_renewed_policy_that_keeps_approvals_and_under_no_other() {
    for (since, goes_on) in [(1, true), (2, false)] {
        let world = world();
        let run = begin(&world, &envelope(&terms()));
        table(run.upload(&world, &keys().analyst));
        everywhere(&world, &signed(&next(&first(), since)).1);
        let filter = run.signed(&keys().analyst, 1, &steps()[1]);
        match goes_on {
            true => assert_eq!(table(run.ask(&world, &filter)).rows, 3),
            false => refused_by_each(&world, &filter, "wrong_policy"),
        }
    }
}

#[test]
fn a_cancelled_transfer_is_never_completed() {
    let world = world();
    let (second, text) = signed(&next(&first(), 1));
    everywhere(&world, &revocation(Revoked::Policy(second.digest()), &keys().approvers[1]));
    for node in &world.nodes {
        assert_eq!(publish(node, &text).unwrap_err().code, "revoked");
        node.hear_of_rules(Peer::Next, &documents(&[&text], &[]));
        assert_eq!(standing(node).policy, 1);
    }
    // Another draft of the same version may still be.
    let (_, another) = signed(&PolicyStatement { expires: Some(now() + 999), ..next(&first(), 1) });
    everywhere(&world, &another);
    begin(&world, &envelope(&terms()));
}
