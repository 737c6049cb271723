// What is refused about scripts, approvals, policies and keys. By the codes of docs/errors.md.

import type { Refusals } from "./refusals.ts";

const AGAIN = { en: "Have it approved again.", nl: "Laat het opnieuw goedkeuren." };

export const ofApprovals = {
  not_approved: {
    en: ["Nothing approves this.", "Have it approved first."],
    nl: ["Dit is niet goedgekeurd.", "Laat het eerst goedkeuren."],
  },
  step_mismatch: {
    en: ["This is not the step that was approved.", "Run exactly what was recorded."],
    nl: ["Dit is niet de stap die goedgekeurd is.", "Voer precies uit wat opgenomen is."],
  },
  step_out_of_order: {
    en: ["The servers expect another step.", "Load the script again and run it from top to bottom."],
    nl: [
      "De servers verwachten een andere stap.",
      "Laad het script opnieuw en voer het van boven naar beneden uit.",
    ],
  },
  step_repeated: {
    en: ["The step was run before, and would now be another.", "Load the script again to start over."],
    nl: [
      "De stap is al uitgevoerd, en zou nu een andere zijn.",
      "Laad het script opnieuw om opnieuw te beginnen.",
    ],
  },
  step_running: {
    en: ["The step was sent before and still runs.", "Wait, or cancel it."],
    nl: ["De stap is al verstuurd en loopt nog.", "Wacht, of breek hem af."],
  },
  script_ended: {
    en: ["All steps have been run.", "Load the script again to start a new run."],
    nl: ["Alle stappen zijn uitgevoerd.", "Laad het script opnieuw om een nieuwe run te beginnen."],
  },
  approver_missing: {
    en: ["Signatures are missing that the approvers’ list asks for.", "Let those who are missing sign it."],
    nl: [
      "Er ontbreken handtekeningen die de lijst van goedkeurders vraagt.",
      "Laat wie ontbreekt het tekenen.",
    ],
  },
  approval_unreadable: {
    en: [
      "This is no approval that can be read, or it was changed.",
      "Fetch or make it again; it must not be edited.",
    ],
    nl: [
      "Dit is geen goedkeuring die te lezen is, of zij is veranderd.",
      "Haal of maak haar opnieuw; er mag niets in veranderd worden.",
    ],
  },
  approval_expired: {
    en: ["The last day of the approval is over.", AGAIN.en],
    nl: ["De laatste dag van de goedkeuring is voorbij.", AGAIN.nl],
  },
  approval_not_yet_valid: {
    en: ["The first day of the approval has not come.", "Wait until then, or compare the clocks."],
    nl: ["De eerste dag van de goedkeuring moet nog komen.", "Wacht tot dan, of vergelijk de klokken."],
  },
  wrong_environment: {
    en: ["It is approved for other servers.", "Have it approved for these."],
    nl: ["Het is goedgekeurd voor andere servers.", "Laat het voor deze goedkeuren."],
  },
  wrong_policy: {
    en: ["It is approved under another list of approvers than holds now.", AGAIN.en],
    nl: ["Het is goedgekeurd onder een andere lijst van goedkeurders dan nu geldt.", AGAIN.nl],
  },
  wrong_analyst: {
    en: ["This is not the key of the approved analyst.", "Take the key that the approval names."],
    nl: [
      "Dit is niet de sleutel van de goedgekeurde analist.",
      "Neem de sleutel die in de goedkeuring staat.",
    ],
  },
  runs_used_up: {
    en: ["All approved runs have been started.", AGAIN.en],
    nl: ["Alle goedgekeurde runs zijn begonnen.", AGAIN.nl],
  },
  uses_used_up: {
    en: ["All approved commands have been run.", AGAIN.en],
    nl: ["Alle goedgekeurde opdrachten zijn uitgevoerd.", AGAIN.nl],
  },
  already_signed: {
    en: ["You have signed this before.", "Nothing more is needed of you."],
    nl: ["U hebt dit al getekend.", "Van u is niets meer nodig."],
  },
  other_run: {
    en: ["It belongs to another approval or run.", "Begin again, which starts a new run."],
    nl: ["Het hoort bij een andere goedkeuring of run.", "Begin opnieuw, dan begint een nieuwe run."],
  },
  run_closed: {
    en: ["The run is over.", "Begin again, which starts a new run."],
    nl: ["De run is voorbij.", "Begin opnieuw, dan begint een nieuwe run."],
  },
  run_too_long: {
    en: ["One run takes no more commands than these.", "Begin again, which starts a new run."],
    nl: ["Eén run neemt niet meer opdrachten dan deze.", "Begin opnieuw, dan begint een nieuwe run."],
  },
  replayed: {
    en: ["The same signed attempt came twice.", "Do it once more, which signs a new one."],
    nl: ["Dezelfde getekende poging kwam twee keer.", "Doe het nog eens; dan wordt een nieuwe getekend."],
  },
  design_mode: {
    en: ["These servers ask for no approval.", "Do it without one, or use the servers for real data."],
    nl: [
      "Deze servers vragen geen goedkeuring.",
      "Doe het zonder, of gebruik de servers voor echte gegevens.",
    ],
  },
  approvers_misconfigured: {
    en: ["The approvers’ list is empty, or names one key twice.", "Name one key for each approver."],
    nl: [
      "De lijst van goedkeurders is leeg, of noemt één sleutel twee keer.",
      "Noem één sleutel voor elke goedkeurder.",
    ],
  },
  command_unreadable: {
    en: ["The servers do not understand this step.", "Record it with the crandas of these servers."],
    nl: ["De servers begrijpen deze stap niet.", "Neem hem op met de crandas van deze servers."],
  },
  policy_unreadable: {
    en: ["This is no list of approvers that can be read.", "Fetch or make it again; it must not be edited."],
    nl: [
      "Dit is geen lijst van goedkeurders die te lezen is.",
      "Haal of maak haar opnieuw; er mag niets in veranderd worden.",
    ],
  },
  policy_expired: {
    en: [
      "The approvers’ list is over, or was completed too late.",
      "Have everybody sign the next one; nothing runs until then.",
    ],
    nl: [
      "De lijst van goedkeurders is voorbij, of kwam te laat klaar.",
      "Laat iedereen de volgende tekenen; tot dan loopt er niets.",
    ],
  },
  policy_not_next: {
    en: ["This is not the version that comes next.", "Make the next version of the list that holds now."],
    nl: ["Dit is niet de versie die nu volgt.", "Maak de volgende versie van de lijst die nu geldt."],
  },
  policy_unsigned: {
    en: ["Not everybody of the old and the new list has signed it.", "Let those who are missing sign it."],
    nl: [
      "Nog niet iedereen van de oude en de nieuwe lijst heeft getekend.",
      "Laat wie ontbreekt haar tekenen.",
    ],
  },
  revocation_unreadable: {
    en: ["This is no revocation that can be read.", "Have it made again; it must not be edited."],
    nl: [
      "Dit is geen herroeping die te lezen is.",
      "Laat haar opnieuw maken; er mag niets in veranderd worden.",
    ],
  },
  not_an_approver: {
    en: ["No approver has signed this revocation.", "Have an approver of the present list sign it."],
    nl: [
      "Geen goedkeurder heeft deze herroeping getekend.",
      "Laat een goedkeurder van de huidige lijst haar tekenen.",
    ],
  },
  revoked: {
    en: ["It was revoked.", "Ask the approvers why; it never holds again."],
    nl: ["Het is herroepen.", "Vraag de goedkeurders waarom; het geldt nooit meer."],
  },
  table_not_approved: {
    en: ["The approval does not list this table.", "Use those it lists, or have it approved for this one."],
    nl: [
      "De goedkeuring noemt deze tabel niet.",
      "Gebruik wat zij noemt, of laat het voor deze tabel goedkeuren.",
    ],
  },
  name_not_approved: {
    en: ["The approval does not list this name.", "Use a handle, or have it approved with this name."],
    nl: ["De goedkeuring noemt deze naam niet.", "Gebruik een handle, of laat het met deze naam goedkeuren."],
  },
  name_rebound: {
    en: [
      "The name means another table than it did.",
      "Ask whoever stored it; another table needs an approval of its own.",
    ],
    nl: [
      "De naam betekent een andere tabel dan eerst.",
      "Vraag wie haar bewaarde; een andere tabel vraagt een eigen goedkeuring.",
    ],
  },
  approval_void: {
    en: [
      "A name was given to another table, which ended the approval for good.",
      "Ask why, then have it approved again, for a handle.",
    ],
    nl: [
      "Een naam kreeg een andere tabel; daarmee is de goedkeuring voorgoed voorbij.",
      "Vraag waarom, en laat het dan opnieuw goedkeuren, voor een handle.",
    ],
  },
} as const satisfies Refusals;
