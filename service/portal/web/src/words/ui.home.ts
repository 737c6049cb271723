import { both } from "./ui.both.ts";
import { next } from "./ui.next.ts";

export const home = both(
  {
    endings: "Ends within two weeks",
    ends: {
      policy: "The approvers’ list of",
      draft: "The new approvers’ list to sign, of",
      approval: "Your approved script",
      leave: "Your permission to upload",
    },
    title: "Inbox",
    unread: (count: number) =>
      count === 0 ? "Nothing new." : count === 1 ? "1 new message." : `${count} new messages.`,
    readAll: "Mark all as read",
    unreadMark: "New",
    open: "Open",
    notices: {
      submitted: "A request waits for you:",
      resubmitted: "There is a new version of",
      signed: "An approver signed",
      approved: "Approved:",
      changes_requested: "Changes are asked for in",
      rejected: "Rejected:",
      withdrawn: "Withdrawn:",
      revoked: "An approval was revoked:",
      commented: "There is a comment on",
      roles_changed: "Your roles were changed",
      policy_proposed: "A new list of approvers waits for signatures",
      policy_adopted: "A new list of approvers holds",
      passkey_added: "A passkey was added to your account. If it was not you, remove it in your settings",
      passkeys_reset: "An administrator removed all your passkeys",
      passkey_copied:
        "A passkey of yours may have been copied: remove it in your settings, and tell an administrator",
      account_changed: "Your password or what you need to sign in was changed",
      identity_linked:
        "An account elsewhere was linked to yours. If it was not you, unlink it in your settings and change your password",
    },
    emptyTitle: "No messages yet",
    emptyText:
      "Here you will read what waits for you: a script to approve, a question about yours, an approval that is about to end.",
    start: "How it goes",
    steps: [
      "A data provider uploads a table. The browser splits it into three parts that say nothing by themselves, one for each server.",
      "An analyst writes a script on made-up data and submits it with its purpose.",
      "The approvers read what it opens, in plain words, and sign it in their browsers.",
      "The analyst runs it. The servers compute on the parts and open what was approved, and nothing else.",
    ],
    next: next.en,
    noProjects: "You are in no project yet. An administrator can invite you to one.",
  },
  {
    endings: "Loopt binnen twee weken af",
    ends: {
      policy: "De lijst van goedkeurders van",
      draft: "De nieuwe lijst van goedkeurders om te tekenen, van",
      approval: "Uw goedgekeurde script",
      leave: "Uw toestemming om te uploaden",
    },
    title: "Postvak",
    unread: (count: number) =>
      count === 0 ? "Niets nieuws." : count === 1 ? "1 nieuw bericht." : `${count} nieuwe berichten.`,
    readAll: "Alles als gelezen merken",
    unreadMark: "Nieuw",
    open: "Openen",
    notices: {
      submitted: "Er wacht een aanvraag op u:",
      resubmitted: "Er is een nieuwe versie van",
      signed: "Een goedkeurder tekende",
      approved: "Goedgekeurd:",
      changes_requested: "Er worden wijzigingen gevraagd in",
      rejected: "Afgewezen:",
      withdrawn: "Ingetrokken:",
      revoked: "Een goedkeuring is herroepen:",
      commented: "Er is een opmerking bij",
      roles_changed: "Uw rollen zijn gewijzigd",
      policy_proposed: "Een nieuwe lijst van goedkeurders wacht op handtekeningen",
      policy_adopted: "Een nieuwe lijst van goedkeurders geldt",
      passkey_added:
        "Aan uw account is een passkey toegevoegd. Deed u dat niet, verwijder hem dan bij de instellingen",
      passkeys_reset: "Een beheerder heeft al uw passkeys verwijderd",
      passkey_copied:
        "Een passkey van u is misschien gekopieerd: verwijder hem bij de instellingen en vertel het een beheerder",
      account_changed: "Uw wachtwoord of wat u nodig hebt om u aan te melden is gewijzigd",
      identity_linked:
        "Aan uw account is een account elders gekoppeld. Deed u dat niet, ontkoppel het dan bij de instellingen en wijzig uw wachtwoord",
    },
    emptyTitle: "Nog geen berichten",
    emptyText:
      "Hier leest u wat op u wacht: een script om goed te keuren, een vraag over het uwe, een goedkeuring die bijna afloopt.",
    start: "Zo gaat het",
    steps: [
      "Een gegevensleverancier uploadt een tabel. De browser splitst haar in drie delen die op zichzelf niets zeggen, een voor elke server.",
      "Een analist schrijft een script op verzonnen gegevens en dient het in, met het doel erbij.",
      "De goedkeurders lezen in gewone woorden wat het opent, en tekenen het in hun browser.",
      "De analist voert het uit. De servers rekenen met de delen en openen wat goedgekeurd is, en niets anders.",
    ],
    next: next.nl,
    noProjects: "U zit nog in geen enkel project. Een beheerder kan u uitnodigen.",
  },
);
