import { both } from "./ui.both.ts";

export const home = both(
  {
    greeting: (name: string) => `Hello ${name}`,
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
    },
    emptyTitle: "Nothing has happened yet",
    emptyText:
      "Here you will read what waits for you: a script to approve, a question about yours, an approval that is about to end.",
    start: "How it goes",
    steps: [
      "A data provider uploads a table. The browser splits it into three parts that say nothing by themselves, one for each server.",
      "An analyst writes a script on made-up data and submits it with its purpose.",
      "The approvers read what it opens, in plain words, and sign it in their browsers.",
      "The analyst runs it. The servers compute on the parts and open what was approved, and nothing else.",
    ],
    noProjects: "You are in no project yet. An administrator can invite you to one.",
    first: {
      analyst: "Submit a script",
      approver: "Make a key, so that you can sign",
      provider: "Upload a table",
      administrator: "Invite people",
    },
  },
  {
    greeting: (name: string) => `Dag ${name}`,
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
    },
    emptyTitle: "Er is nog niets gebeurd",
    emptyText:
      "Hier leest u wat op u wacht: een script om goed te keuren, een vraag over het uwe, een goedkeuring die bijna afloopt.",
    start: "Zo gaat het",
    steps: [
      "Een gegevensleverancier uploadt een tabel. De browser splitst haar in drie delen die op zichzelf niets zeggen, een voor elke server.",
      "Een analist schrijft een script op verzonnen gegevens en dient het in, met het doel erbij.",
      "De goedkeurders lezen in gewone woorden wat het opent, en tekenen het in hun browser.",
      "De analist voert het uit. De servers rekenen met de delen en openen wat goedgekeurd is, en niets anders.",
    ],
    noProjects: "U zit nog in geen enkel project. Een beheerder kan u uitnodigen.",
    first: {
      analyst: "Een script indienen",
      approver: "Een sleutel maken, om te kunnen tekenen",
      provider: "Een tabel uploaden",
      administrator: "Mensen uitnodigen",
    },
  },
);
