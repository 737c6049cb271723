// Sentences of the portal that say more than their code, in Dutch. The portal speaks English.

type Phrase = readonly [english: RegExp, dutch: string];

/** What the portal calls its things, with the article that goes before. */
const THINGS: Readonly<Record<string, string>> = {
  address: "dat adres",
  account: "dat account",
  "draft of a policy": "zo’n nieuwe lijst van goedkeurders",
  invitation: "die uitnodiging",
  key: "die sleutel",
  member: "dat lid",
  notice: "dat bericht",
  "piece of an upload": "dat deel van een upload",
  policy: "die lijst van goedkeurders",
  project: "dat project",
  request: "die aanvraag",
  revocation: "die herroeping",
  server: "die server",
  session: "die sessie",
  table: "die tabel",
  upload: "die upload",
  version: "die versie",
};

const STATES: Readonly<Record<string, string>> = {
  submitted: "ingediend",
  changes_requested: "om wijzigingen gevraagd",
  approved: "goedgekeurd",
  rejected: "afgewezen",
  withdrawn: "ingetrokken",
  revoked: "herroepen",
};

const ACTIONS: Readonly<Record<string, string>> = {
  sign: "tekenen",
  ask_changes: "wijzigingen vragen",
  reject: "afwijzen",
  withdraw: "intrekken",
  resubmit: "opnieuw indienen",
  revoke: "herroepen",
};

const LIMITS: Readonly<Record<string, string>> = {
  "100 open requests": "100 open aanvragen",
  "1000 comments on one request": "1000 opmerkingen bij één aanvraag",
  "1000 tables of one user": "1000 tabellen van één persoon",
  "200 open invitations": "200 open uitnodigingen",
  "256 MiB of requests of one user": "256 MiB aan aanvragen van één persoon",
  "50 keys": "50 sleutels",
  "50 versions of one request": "50 versies van één aanvraag",
  "octets in one upload": "de grootte van één upload",
  "space for everybody's unfinished uploads": "de ruimte voor onvoltooide uploads van iedereen",
  "space for one user's unfinished uploads": "de ruimte voor onvoltooide uploads van één persoon",
  "unfinished uploads of one user": "onvoltooide uploads van één persoon",
};

const WEAK: Readonly<Record<string, string>> = {
  "it has fewer than 12 characters": "het heeft minder dan 12 tekens",
  "it has more than 128 characters, which is more than is read":
    "het heeft meer dan 128 tekens, en meer wordt niet gelezen",
  "it has the same few characters again and again": "het heeft steeds dezelfde paar tekens",
  "many people have it": "veel mensen hebben het",
  "your address is in it": "uw adres staat erin",
};

const PHRASES: readonly Phrase[] = [
  [/^an e-mail address is written name@example\.org$/, "Een e-mailadres schrijft u als naam@voorbeeld.nl."],
  [/^say your e-mail address$/, "Geef uw e-mailadres."],
  [/^say at least one role$/, "Kies minstens één rol."],
  [
    /^say the purpose, which approvers decide about$/,
    "Geef het doel, want daarover beslissen de goedkeurders.",
  ],
  [/^the invitation is for another e-mail address$/, "De uitnodiging is voor een ander e-mailadres."],
  [/^the last day of this approval is over already$/, "De laatste dag van deze goedkeuring is al voorbij."],
  [
    /^the last day of this approval is over; ask for another version$/,
    "De laatste dag van deze goedkeuring is voorbij; vraag om een andere versie.",
  ],
  [
    /^only what is approved has an approved file$/,
    "Alleen wat goedgekeurd is heeft een goedgekeurd bestand.",
  ],
  [/^this upload takes no more pieces$/, "Deze upload neemt geen delen meer aan."],
  [/^this upload is (still )?being sent$/, "Deze upload is onderweg naar de servers."],
  [
    /^not all servers took this upload; send it again$/,
    "Niet alle servers namen deze upload aan; verstuur hem opnieuw.",
  ],
  [
    /^two of the keys are one person's, .*$/,
    "Twee van de sleutels zijn van één persoon, die dan voor twee zou tellen.",
  ],
  [
    /^each key has to be the enrolled approver's key of an approver in this project$/,
    "Elke sleutel moet de ingeschreven sleutel zijn van een goedkeurder in dit project.",
  ],
  [
    /^the three servers were configured with other approvers or another rule \((.+)\): choose the same here$/,
    "De drie servers zijn ingesteld met andere goedkeurders of een andere regel ($1): kies hier dezelfde.",
  ],
  [
    /^a policy that everybody has signed waits for the servers; .*$/,
    "Een lijst die iedereen getekend heeft wacht op de servers; daarna kan er een volgende komen.",
  ],
  [/^this key is there already$/, "Deze sleutel is er al."],
  [/^this table is there already$/, "Deze tabel is er al."],
  [/^this request is there already$/, "Deze versie is er al."],
  [
    /^the challenge is over or was used; ask for another$/,
    "Het bewijs kwam te laat of is al gebruikt. Probeer het nog eens.",
  ],
  [/^server (\d) cannot be reached: (.+)$/, "Server $1 is niet te bereiken ($2)."],
  [/^The portal answered (\d+)\.$/, "Het portaal antwoordde met $1."],
  [/^the body is longer than (\d+) bytes$/, "Het is langer dan de $1 bytes die worden aangenomen."],
];

/** One sentence, with words of the portal in it that are translated by a list. */
const FILLED: readonly (readonly [RegExp, (...found: string[]) => string | undefined])[] = [
  [
    /^there is no such (.+), or it is not yours to see$/,
    (thing = "") => listed(
        THINGS,
        thing,
        (one) => `U kunt ${one} niet zien, of ${one.startsWith("dat ") ? "het" : "die"} bestaat niet.`,
      ),
  ],
  [
    /^a request that is (\w+) does not take the action (\w+)$/,
    (state = "", action = "") =>
      listed(STATES, state, (one) =>
        listed(ACTIONS, action, (other) => `De aanvraag is ${one}; ${other} kan dan niet.`),
      ),
  ],
  [
    /^the limit is reached: (.+)$/,
    (limit = "") => listed(LIMITS, limit, (one) => `De grens is bereikt: ${one}.`),
  ],
  [
    /^this password is too easy to guess: (.+)$/,
    (why = "") => listed(WEAK, why, (one) => `Dit wachtwoord is te makkelijk te raden: ${one}.`),
  ],
];

const listed = (
  list: Readonly<Record<string, string>>,
  word: string,
  say: (dutch: string) => string | undefined,
): string | undefined => {
  const dutch = Object.hasOwn(list, word) ? list[word] : undefined;
  return dutch === undefined ? undefined : say(dutch);
};

/** Undefined for a sentence that is not known. */
export function inDutch(message: string): string | undefined {
  for (const [english, dutch] of PHRASES) if (english.test(message)) return message.replace(english, dutch);
  for (const [english, say] of FILLED) {
    const found = english.exec(message);
    if (found !== null) return say(...found.slice(1));
  }
  return undefined;
}
