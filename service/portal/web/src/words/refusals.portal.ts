// What the portal refuses by itself: what happened, and what to do. By the codes of docs/errors.md.

import type { Refusals } from "./refusals.ts";

export const ofThePortal = {
  not_logged_in: {
    en: ["You are not signed in any more.", "Sign in again."],
    nl: ["U bent niet meer aangemeld.", "Meld u opnieuw aan."],
  },
  wrong_login: {
    en: [
      "This address and password do not belong together.",
      "Check both; after several attempts, wait a minute.",
    ],
    nl: [
      "Dit adres en dit wachtwoord horen niet bij elkaar.",
      "Controleer beide; wacht na een paar pogingen een minuut.",
    ],
  },
  weak_password: {
    en: [
      "This password is too easy to guess.",
      "Take a longer one, such as four words that have nothing to do with you.",
    ],
    nl: [
      "Dit wachtwoord is te makkelijk te raden.",
      "Neem een langer, zoals vier woorden die niets met u te maken hebben.",
    ],
  },
  step_up_needed: {
    en: ["You have to show once more that it is you.", "Do so, then do this again within five minutes."],
    nl: [
      "U moet nog eens laten zien dat u het bent.",
      "Doe dat, en doe dit dan binnen vijf minuten opnieuw.",
    ],
  },
  passkey_needed: {
    en: [
      "This account needs a passkey; the password alone is not enough.",
      "Use your passkey, or add one if you have none.",
    ],
    nl: [
      "Dit account vraagt een passkey; het wachtwoord alleen is niet genoeg.",
      "Gebruik uw passkey, of voeg er een toe als u er geen hebt.",
    ],
  },
  passkey_refused: {
    en: ["This passkey was not accepted.", "Try again, with a passkey that was added here."],
    nl: ["Deze passkey is niet aangenomen.", "Probeer het nog eens, met een passkey die hier is toegevoegd."],
  },
  only_way_in: {
    en: ["Without this you could not sign in any more.", "It stays until there is another way to sign in."],
    nl: [
      "Hierzonder kunt u zich niet meer aanmelden.",
      "Het blijft tot u zich op een andere manier kunt aanmelden.",
    ],
  },
  oidc_unreachable: {
    en: [
      "The provider of your other account cannot be reached.",
      "Try again later, or use your password if you have one.",
    ],
    nl: [
      "De dienst van uw andere account is niet te bereiken.",
      "Probeer het later nog eens, of gebruik uw wachtwoord als u er een hebt.",
    ],
  },
  not_allowed: {
    en: [
      "Your roles in this project do not allow this.",
      "Ask an administrator of the project for the role.",
    ],
    nl: ["Uw rollen in dit project staan dit niet toe.", "Vraag een beheerder van het project om de rol."],
  },
  cross_site: {
    en: ["This did not come from a page of this portal.", "Open the portal itself and do it there."],
    nl: ["Dit kwam niet van een pagina van dit portaal.", "Open het portaal zelf en doe het daar."],
  },
  no_such_thing: {
    en: ["It is not there, or it is not yours to see."],
    nl: ["Het is er niet, of het is niet aan u om het te zien."],
  },
  not_offered: {
    en: ["This portal does not offer that.", "Ask whoever runs the portal."],
    nl: ["Dit portaal biedt dat niet.", "Vraag wie het portaal beheert."],
  },
  invalid_input: {
    en: ["Something in the form is missing or makes no sense.", "Correct it, then try again."],
    nl: ["In het formulier ontbreekt iets, of het kan zo niet.", "Verbeter het, en probeer het nog eens."],
  },
  wrong_content_type: {
    en: ["The portal was sent something of another kind.", "Load the page again and try once more."],
    nl: ["Het portaal kreeg iets van een andere soort.", "Laad de pagina opnieuw en probeer het nog eens."],
  },
  too_often: {
    en: ["Too many attempts in a short time.", "Wait a minute, then try again."],
    nl: ["Te veel pogingen in korte tijd.", "Wacht een minuut, en probeer het nog eens."],
  },
  too_slow: {
    en: ["What was sent did not arrive in time.", "Try again, over a faster connection if it stays."],
    nl: [
      "Wat verstuurd is kwam niet op tijd aan.",
      "Probeer het nog eens, over een snellere verbinding als het zo blijft.",
    ],
  },
  changed_meanwhile: {
    en: ["Somebody changed this in the meantime.", "Load the page again and look at what changed."],
    nl: ["Iemand heeft dit intussen gewijzigd.", "Laad de pagina opnieuw en kijk wat er anders is."],
  },
  not_now: {
    en: ["This cannot be done now.", "Load the page again to see where it stands."],
    nl: ["Dit kan nu niet.", "Laad de pagina opnieuw om te zien hoe het ervoor staat."],
  },
  own_request: {
    en: ["Nobody decides about a request of their own.", "Another approver has to."],
    nl: ["Niemand beslist over een eigen aanvraag.", "Een andere goedkeurder moet het doen."],
  },
  wrong_signature: {
    en: [
      "The signature does not fit what it should be under.",
      "Load the page again and sign what it shows then.",
    ],
    nl: [
      "De handtekening past niet bij wat eronder hoort te staan.",
      "Laad de pagina opnieuw en teken wat zij dan toont.",
    ],
  },
  key_unknown: {
    en: [
      "This key is not enrolled here for you and for this use.",
      "Enrol the key on the page “Keys” first.",
    ],
    nl: [
      "Deze sleutel is hier niet voor u en voor dit gebruik ingeschreven.",
      "Schrijf de sleutel eerst in op de pagina “Sleutels”.",
    ],
  },
  taken: {
    en: ["It is there already.", "Use the one that is there."],
    nl: ["Het is er al.", "Gebruik wat er is."],
  },
  last_administrator: {
    en: ["A project keeps at least one administrator.", "Make somebody else administrator first."],
    nl: ["Een project houdt minstens één beheerder.", "Maak eerst iemand anders beheerder."],
  },
  no_policy: {
    en: ["This project has no approvers yet.", "An administrator chooses the approvers first."],
    nl: ["Dit project heeft nog geen goedkeurders.", "Een beheerder kiest eerst de goedkeurders."],
  },
  quota_reached: {
    en: ["A limit is reached.", "Finish or remove some first, or ask whoever runs the portal."],
    nl: ["Een grens is bereikt.", "Rond eerst iets af of haal iets weg, of vraag wie het portaal beheert."],
  },
  disk_full: {
    en: ["The portal's disk is full.", "Tell whoever runs the portal. What was there is not lost."],
    nl: [
      "De schijf van het portaal is vol.",
      "Zeg het tegen wie het portaal beheert. Wat er was, is niet verloren.",
    ],
  },
  upload_incomplete: {
    en: ["Parts of this upload are missing.", "Upload the file again."],
    nl: ["Er ontbreken delen van deze upload.", "Upload het bestand opnieuw."],
  },
  portal_unreachable: {
    en: ["The portal cannot be reached.", "Look at your network and try again."],
    nl: ["Het portaal is niet te bereiken.", "Kijk naar uw netwerk en probeer het nog eens."],
  },
} as const satisfies Refusals;
