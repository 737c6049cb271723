import { both } from "./ui.both.ts";

export const policy = both(
  {
    title: "Approvers",
    standing: {
      title: "What the servers go by",
      agree: "All three go by this list.",
      disagree: "Not all three servers say that they go by this list.",
      follows: (version: number) => `version ${version}`,
      other: "another list than the one here",
      revocations: (n: number) => (n === 1 ? "1 revocation" : `${n} revocations`),
      silent: "says nothing",
      waiting: (n: number) =>
        n === 1
          ? "One signed document is on its way to them; it is tried every minute."
          : `${n} signed documents are on their way to them; they are tried every minute.`,
      refused: "They refused a signed document:",
    },
    lead: "Whose signatures it takes before anything is opened. The three servers hold the same list, and decide by it alone.",
    version: (number: number) => `Version ${number}`,
    rule: "Rule",
    rules: { all: "All of them sign", atLeast: (n: number, of: number) => `At least ${n} of ${of} sign` },
    groupRule: (name: string, n: number, of: number) => `at least ${n} of ${of} of ${name}`,
    ends: "Ends",
    never: "never",
    emptyTitle: "Nobody approves yet",
    emptyText:
      "Choose the approvers in a ceremony: everybody makes a key, you read the fingerprints aloud together, and the operators of the three servers pin the list.",
    begin: "Begin the ceremony",
    step1: "1. Who approves",
    step1Text:
      "People with the role of approver who have enrolled a key. Read each fingerprint aloud with its owner, over the telephone or in one room, and tick it.",
    noneEnrolled:
      "Nobody with the role of approver has enrolled a key yet. They do that on their page “Keys”.",
    compared: (name: string) => `Compared with ${name}`,
    step2: "2. How many it takes",
    all: "All of them",
    atLeast: "At least this many",
    expires: "The list ends on",
    expiresHint: "Then approvals stop until a new version is made. A year is usual.",
    step3: "3. Pin it",
    step3Text:
      "Save the file and give it to the operators of all three servers. Each reads its digest aloud; only then does it hold.",
    digest: "Digest of the policy",
    makeFile: "Keep it here, and save policy-1.json",
    made: "The policy is kept. The operators have to pin the file now.",
    tickAll: "Tick every fingerprint you compared; at least one approver is needed.",
    transfer: "Change the approvers",
    transferText:
      "A next version must be signed by everybody of this version and everybody of the next. An administrator begins it; they sign it on this page, each in their own browser.",
    removeApprover: "Leaves",
    keepApprover: "Stays",
    addApprover: "Joins",
    adoptBefore: "The servers take it over at the latest on",
    adoptHint: "A draft that is forgotten cannot be completed after this day.",
    draft: "Make the next version",
    waits: "A next version waits for the servers",
    completed: "Everybody has signed it",
    completedText:
      "It holds once the three servers have taken it over; the portal offers it to them every minute. Until then the list below holds.",
    pinnedTitle: "The three servers have a list already",
    pinnedText:
      "Their operators pinned it. The ceremony here completes it: choose the same keys and the same rule, and it holds here, too; names and the last day may differ, anything else is refused. Once all its approvers have enrolled their keys, the portal also takes it over by itself when it is started.",
    signDraft: "Sign a next version",
    signDraftText: "It holds once everybody below has signed, each with their own key in their own browser.",
    unreadable: "This is no policy that the page can read.",
    savePolicy: "Save the policy",
  },
  {
    title: "Goedkeurders",
    standing: {
      title: "Waar de servers naar handelen",
      agree: "Alle drie handelen naar deze lijst.",
      disagree: "Niet alle drie de servers zeggen dat zij naar deze lijst handelen.",
      follows: (version: number) => `versie ${version}`,
      other: "een andere lijst dan deze",
      revocations: (n: number) => (n === 1 ? "1 herroeping" : `${n} herroepingen`),
      silent: "zegt niets",
      waiting: (n: number) =>
        n === 1
          ? "Er is één getekend document naar hen onderweg; elke minuut wordt het geprobeerd."
          : `Er zijn ${n} getekende documenten naar hen onderweg; elke minuut wordt het geprobeerd.`,
      refused: "Zij weigerden een getekend document:",
    },
    lead: "Wier handtekeningen er nodig zijn voordat er iets geopend wordt. De drie servers hebben dezelfde lijst, en beslissen alleen daarnaar.",
    version: (number: number) => `Versie ${number}`,
    rule: "Regel",
    rules: {
      all: "Zij tekenen allemaal",
      atLeast: (n: number, of: number) => `Minstens ${n} van de ${of} tekenen`,
    },
    groupRule: (name: string, n: number, of: number) => `minstens ${n} van de ${of} van ${name}`,
    ends: "Loopt af",
    never: "nooit",
    emptyTitle: "Er keurt nog niemand goed",
    emptyText:
      "Kies de goedkeurders in een ceremonie: iedereen maakt een sleutel, u leest samen de vingerafdrukken voor, en de beheerders van de drie servers leggen de lijst vast.",
    begin: "De ceremonie beginnen",
    step1: "1. Wie keurt goed",
    step1Text:
      "Mensen met de rol goedkeurder die een sleutel hebben ingeschreven. Lees elke vingerafdruk met de eigenaar voor, aan de telefoon of in één kamer, en vink hem aan.",
    noneEnrolled:
      "Niemand met de rol goedkeurder heeft al een sleutel ingeschreven. Dat doen zij op hun pagina “Sleutels”.",
    compared: (name: string) => `Vergeleken met ${name}`,
    step2: "2. Hoeveel er nodig zijn",
    all: "Allemaal",
    atLeast: "Minstens zoveel",
    expires: "De lijst loopt af op",
    expiresHint: "Daarna stoppen goedkeuringen tot er een nieuwe versie is. Een jaar is gebruikelijk.",
    step3: "3. Vastleggen",
    step3Text:
      "Bewaar het bestand en geef het aan de beheerders van alle drie de servers. Elk leest de samenvatting voor; pas dan geldt het.",
    digest: "Samenvatting van de lijst",
    makeFile: "Hier bewaren, en policy-1.json opslaan",
    made: "De lijst is bewaard. Nu moeten de beheerders het bestand vastleggen.",
    tickAll: "Vink elke vingerafdruk aan die u vergeleken hebt; er is minstens één goedkeurder nodig.",
    transfer: "Goedkeurders wijzigen",
    transferText:
      "Een volgende versie moet getekend zijn door iedereen van deze versie en iedereen van de volgende. Een beheerder begint; zij tekenen op deze pagina, elk in de eigen browser.",
    removeApprover: "Vertrekt",
    keepApprover: "Blijft",
    addApprover: "Komt erbij",
    adoptBefore: "De servers nemen het uiterlijk over op",
    adoptHint: "Een vergeten ontwerp kan na deze dag niet meer afgemaakt worden.",
    draft: "Volgende versie maken",
    waits: "Een volgende versie wacht op de servers",
    completed: "Iedereen heeft getekend",
    completedText:
      "Zij geldt zodra de drie servers haar hebben overgenomen; het portaal biedt haar elke minuut aan. Tot dan geldt de lijst hieronder.",
    pinnedTitle: "De drie servers hebben al een lijst",
    pinnedText:
      "Hun beheerders hebben haar vastgelegd. De ceremonie hier maakt het af: kies dezelfde sleutels en dezelfde regel, dan geldt zij hier ook; namen en de laatste dag mogen anders zijn, al het andere wordt geweigerd. Als al haar goedkeurders hun sleutels hebben ingeschreven, neemt het portaal haar bij het starten ook zelf over.",
    signDraft: "Een volgende versie tekenen",
    signDraftText:
      "Zij geldt zodra iedereen hieronder getekend heeft, elk met de eigen sleutel in de eigen browser.",
    unreadable: "Dit is geen lijst die de pagina kan lezen.",
    savePolicy: "Lijst bewaren",
  },
);
