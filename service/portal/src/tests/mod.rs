//! The whole router against a real database: SQLite in a file of its own for each test, and all of it once more on
//! a PostgreSQL that the test starts.

mod accounts;
mod attacks;
mod interface;
mod keeping;
mod late;
mod matrix;
mod memory;
mod people;
mod postgres;
mod races;
mod requests;
mod servers;
mod standin;
mod uploads;
mod world;

use people::Person;
use world::{Story, World};

/// One test for SQLite of each story, and the list of them for PostgreSQL.
macro_rules! stories {
    ($($module:ident :: $name:ident),* $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                $module::$name(World::new().await).await;
            }
        )*

        /// By name, as they run on PostgreSQL too.
        fn stories() -> Vec<(&'static str, Story)> {
            vec![$((stringify!($name), |world| Box::pin($module::$name(world)))),*]
        }
    };
}

stories![
    accounts::the_first_link_makes_an_administrator_and_works_once,
    accounts::nobody_learns_who_has_an_account,
    accounts::guessing_a_password_is_slowed_down,
    accounts::a_session_ends_by_itself_and_when_its_owner_says_so,
    accounts::entering_the_password_again_changes_the_cookie_and_is_needed_for_grave_things,
    accounts::a_new_password_ends_other_sessions,
    accounts::a_project_keeps_an_administrator,
    accounts::invitations_are_for_one_person_and_once,
    accounts::a_key_is_enrolled_by_whoever_can_sign_with_it,
    attacks::other_sites_and_forms_change_nothing,
    attacks::every_answer_has_its_headers,
    attacks::nobody_sees_or_touches_what_belongs_to_others,
    attacks::bodies_have_limits_and_strange_ones_are_refused,
    attacks::a_changed_row_never_becomes_an_approval,
    attacks::the_journal_is_a_chain_and_tells_what_happened,
    attacks::secrets_are_not_stored_as_they_are,
    matrix::every_role_gets_exactly_its_routes,
    requests::two_of_two_sign_and_the_file_is_the_one_of_the_command_line,
    requests::nobody_approves_their_own_and_strangers_sign_nothing,
    requests::another_version_voids_signatures,
    requests::every_transition_of_the_machine_and_no_other,
    requests::what_cannot_be_approved_is_not_submitted,
    requests::each_change_is_told_once_to_those_it_concerns,
    requests::an_approval_is_revoked_by_an_approver,
    requests::a_key_is_revoked_by_an_approver_and_by_nobody_else,
    requests::approvers_hand_over_by_everybodys_signatures,
    uploads::pieces_arrive_in_any_order_and_are_sent_as_one,
    uploads::half_an_upload_is_never_sent,
    uploads::uploads_have_quotas_and_owners,
    uploads::tables_are_described_archived_and_forgotten,
    late::what_arrives_after_its_sender_was_removed_changes_nothing,
    late::an_upload_goes_on_while_its_owner_enters_the_password,
    late::an_old_password_opens_nothing_after_it_was_changed,
    late::strangers_who_guess_keep_nobody_from_signing,
    servers::a_server_that_hangs_holds_up_one_user_and_nobody_else,
    servers::a_revocation_is_offered_until_a_server_takes_it,
    servers::a_policy_holds_here_once_a_server_goes_by_it,
    servers::a_first_policy_is_the_one_that_servers_have,
    servers::the_first_policy_of_the_servers_is_found_once_its_keys_are_enrolled,
    servers::what_servers_know_to_be_revoked_approves_nothing_here,
    servers::nobody_signs_twice_with_two_keys,
    servers::nobody_signs_what_is_over,
    keeping::one_bad_mailbox_keeps_nobody_elses_mail,
    keeping::whoever_left_hears_nothing_more,
    keeping::whoever_is_no_administrator_any_more_has_invited_nobody,
    keeping::an_administrator_ends_the_sessions_of_a_member_and_of_nobody_else,
    keeping::wrong_passwords_and_sessions_are_written_down_and_strangers_do_not_fill_the_book,
    keeping::what_is_put_away_already_is_no_news,
    keeping::endless_requests_are_refused,
    races::two_who_sign_at_once_are_both_counted,
    races::versions_at_once_come_one_after_the_other,
    races::of_two_who_revoke_at_once_one_is_told,
    races::twenty_lines_at_once_are_one_chain,
    races::quotas_hold_for_those_who_come_together,
];
