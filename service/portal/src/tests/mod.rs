//! The whole router against a real database: SQLite in a file of its own for each test, and all of it once more on
//! a PostgreSQL that the test starts.

mod accounts;
mod attacks;
mod device;
mod factor;
mod interface;
mod keeping;
mod late;
mod matrix;
mod memory;
mod oidc;
mod passkeys;
mod people;
mod postgres;
mod races;
mod requests;
mod servers;
mod standin;
mod steps;
mod uploads;
mod world;

use oidc::{attacks as oidc_attacks, factors as oidc_factors, links as oidc_links, sign_in as oidc_sign_in};
use people::Person;
pub use standin::{StandIns, stand_in};
use world::{Story, World};

/// One test for SQLite of each story, and the list of them for PostgreSQL.
macro_rules! stories {
    ($($module:ident :: $name:ident $(with $more:literal)?),* $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                $module::$name(World::on(None, concat!($($more)?)).await).await;
            }
        )*

        /// By name and with what is added to the configuration, as they run on PostgreSQL too.
        fn stories() -> Vec<(&'static str, &'static str, Story)> {
            vec![$((stringify!($name), concat!($($more)?), |world| Box::pin($module::$name(world)))),*]
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
    oidc_sign_in::an_invitation_is_taken_with_an_account_elsewhere,
    oidc_sign_in::the_first_administrator_may_come_from_elsewhere,
    oidc_sign_in::somebody_known_signs_in_and_goes_on_where_they_were,
    oidc_sign_in::all_kinds_of_keys_are_known_and_the_provider_may_change_them,
    oidc_sign_in::nobody_gets_an_account_by_signing_in,
    oidc_sign_in::an_invitation_is_given_to_the_account_of_the_identity,
    oidc_sign_in::a_session_from_elsewhere_is_fresh_only_if_the_provider_says_so,
    oidc_sign_in::showing_again_who_one_is_makes_the_session_fresh,
    oidc_links::an_account_elsewhere_is_linked_and_taken_away,
    oidc_links::the_only_way_in_stays,
    oidc_links::an_identity_belongs_to_one_account,
    oidc_links::a_link_is_for_the_session_it_was_begun_in,
    oidc_links::an_invitation_opens_nobody_elses_account,
    oidc_links::an_equal_address_is_no_identity,
    oidc_links::the_same_subject_of_another_issuer_is_somebody_else,
    oidc_factors::an_account_elsewhere_is_one_factor,
    oidc_factors::an_account_elsewhere_takes_no_invitation_where_a_passkey_is_needed,
    oidc_factors::nobody_elses_account_is_linked_by_mistake,
    oidc_factors::who_came_from_elsewhere_sets_a_password_and_comes_in_by_it,
    oidc_factors::no_link_is_made_where_a_passkey_is_needed_meanwhile,
    oidc_factors::showing_again_does_not_replace_a_passkey_that_is_needed_meanwhile,
    oidc_factors::the_last_way_in_is_counted_over_all_kinds,
    oidc_factors::a_link_that_was_taken_away_opens_nothing_to_whoever_is_on_the_way,
    oidc_factors::signing_in_while_the_link_is_taken_away_leaves_no_session,
    oidc_factors::who_comes_from_elsewhere_adds_the_first_passkey with "second_factor = 'all'\n",
    oidc_factors::an_invitation_is_taken_while_the_link_is_taken_away,
    oidc_factors::a_provider_that_tells_no_time_locks_nobody_out,
    oidc_factors::whoever_links_an_account_is_told,
    oidc_factors::whoever_is_not_let_in_is_written_down,
    oidc_attacks::no_lie_of_a_token_is_believed,
    oidc_attacks::a_code_and_a_state_work_once,
    oidc_attacks::a_stolen_code_is_of_no_use_on_another_way,
    oidc_attacks::an_answer_for_another_browser_is_not_taken,
    oidc_attacks::an_answer_that_comes_too_late_is_not_taken,
    oidc_attacks::an_answer_of_another_issuer_is_not_taken,
    oidc_attacks::nobody_is_sent_out_of_the_portal,
    oidc_attacks::what_the_provider_refuses_is_told,
    oidc_attacks::a_provider_with_strange_doors_is_not_used,
    oidc_attacks::other_sites_begin_nothing,
    oidc_attacks::a_thousand_ways_are_not_begun_at_once,
    oidc_attacks::ways_that_nobody_ends_are_bounded_and_over_soon,
    oidc_attacks::nothing_that_is_stored_of_a_way_is_of_use,
    passkeys::a_passkey_signs_in_without_an_address_and_steps_up,
    passkeys::an_answer_counts_once_and_only_for_the_last_challenge,
    passkeys::an_answer_is_for_the_browser_that_asked_and_for_what_it_asked,
    passkeys::other_sites_and_unverified_users_are_refused,
    passkeys::somebody_elses_passkey_opens_nothing,
    passkeys::a_removed_passkey_is_refused_and_other_sessions_end,
    passkeys::an_answer_that_comes_after_its_session_ended_changes_nothing,
    passkeys::a_copied_device_is_noticed,
    passkeys::rubbish_keeps_nobody_out,
    passkeys::passkeys_are_changed_only_by_whoever_just_showed_who_they_are,
    passkeys::challenges_tell_strangers_nothing,
    passkeys::refused_passkeys_are_written_down_for_whom_they_were_tried,
    factor::a_password_alone_opens_nothing_where_its_owner_wants_a_passkey,
    factor::no_invitation_takes_a_passkey_away,
    factor::a_password_does_not_make_what_a_passkey_showed_last_longer,
    factor::an_administrator_resets_and_everybody_is_told,
    factor::whoever_changes_an_account_does_not_keep_it_from_its_owner,
    factor::signers_add_a_passkey_before_anything_else_where_the_portal_wants_it with "second_factor = 'signers'\n",
    factor::everybody_adds_one_where_the_portal_wants_it_of_all with "second_factor = 'all'\n",
    factor::of_two_first_passkeys_at_once_one_is_added with "second_factor = 'all'\n",
    factor::no_passkey_is_shown_while_it_is_removed,
    requests::two_of_two_sign_and_the_file_is_the_one_of_the_command_line,
    requests::nobody_approves_their_own_and_strangers_sign_nothing,
    requests::another_version_voids_signatures,
    requests::every_transition_of_the_machine_and_no_other,
    requests::what_cannot_be_approved_is_not_submitted,
    requests::a_deletion_is_asked_for_by_the_provider_whose_table_it_is,
    requests::each_change_is_told_once_to_those_it_concerns,
    requests::an_approval_is_revoked_by_an_approver,
    requests::a_key_is_revoked_by_an_approver_and_by_nobody_else,
    requests::approvers_hand_over_by_everybodys_signatures,
    requests::only_the_first_policy_gets_other_names_and_that_is_told,
    uploads::pieces_arrive_in_any_order_and_are_sent_as_one,
    uploads::a_server_that_cannot_read_its_parcel_is_named,
    uploads::an_upload_that_nobody_sends_any_more_is_open_again,
    uploads::half_an_upload_is_never_sent,
    uploads::uploads_have_quotas_and_owners,
    uploads::nobody_looks_at_uploads_without_end,
    uploads::answers_that_nobody_reads_hold_their_turns,
    uploads::lists_and_requests_that_nobody_reads_hold_their_turns,
    uploads::nobody_says_that_somebody_elses_upload_is_their_table,
    uploads::what_one_user_says_of_tables_has_an_end,
    uploads::tables_are_described_archived_and_forgotten,
    uploads::a_full_database_is_told_as_one_and_loses_nothing,
    late::what_arrives_after_its_sender_was_removed_changes_nothing,
    late::an_administrator_who_was_removed_while_waiting_changes_nothing,
    late::an_upload_goes_on_while_its_owner_enters_the_password,
    late::an_old_password_opens_nothing_after_it_was_changed,
    late::strangers_who_guess_keep_nobody_from_signing,
    late::a_crowd_of_strangers_keeps_nobody_from_signing,
    late::whoever_may_set_no_password_takes_no_place,
    servers::a_server_that_hangs_holds_up_one_user_and_nobody_else,
    servers::a_revocation_is_offered_until_two_servers_have_it,
    servers::a_revocation_that_one_server_brings_reaches_the_others,
    servers::a_policy_holds_here_once_two_servers_go_by_it,
    servers::one_server_alone_makes_no_first_policy,
    servers::one_server_alone_brings_no_policy,
    servers::a_first_policy_is_the_one_that_servers_have,
    servers::the_first_policy_of_the_servers_is_found_once_its_keys_are_enrolled,
    servers::what_servers_know_to_be_revoked_approves_nothing_here,
    servers::nobody_signs_twice_with_two_keys,
    servers::nobody_signs_what_is_over,
    keeping::one_bad_mailbox_keeps_nobody_elses_mail,
    keeping::a_mailbox_that_breaks_the_round_keeps_nobody_elses_mail,
    keeping::whoever_left_hears_nothing_more,
    keeping::whoever_is_no_administrator_any_more_has_invited_nobody,
    keeping::an_administrator_ends_the_sessions_of_a_member_and_of_nobody_else,
    keeping::wrong_passwords_and_sessions_are_written_down_and_strangers_do_not_fill_the_book,
    keeping::how_long_a_refusal_takes_tells_nobody_who_has_an_account,
    keeping::what_is_put_away_already_is_no_news,
    keeping::endless_requests_are_refused,
    races::two_who_sign_at_once_are_both_counted,
    races::versions_at_once_come_one_after_the_other,
    races::of_two_who_revoke_at_once_one_is_told,
    races::twenty_lines_at_once_are_one_chain,
    races::quotas_hold_for_those_who_come_together,
];
