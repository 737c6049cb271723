// What the three servers refuse, through the portal or in a sealed answer. By the codes of docs/errors.md.

import type { Refusals } from "./refusals.ts";

export const ofTheServers = {
  node_unreachable: {
    en: ["A server cannot be reached.", "Try again; tell whoever runs that server."],
    nl: ["Een server is niet te bereiken.", "Probeer het nog eens; zeg het wie die server beheert."],
  },
  wrong_token: {
    en: [
      "A server does not take the portal for who it says it is.",
      "Whoever runs the portal needs the current connection file.",
    ],
    nl: [
      "Een server herkent het portaal niet.",
      "Wie het portaal beheert heeft het huidige verbindingsbestand nodig.",
    ],
  },
  peer_unreachable: {
    en: ["The servers cannot reach each other.", "Tell whoever runs them, then try again."],
    nl: ["De servers kunnen elkaar niet bereiken.", "Zeg het wie ze beheren, en probeer het dan nog eens."],
  },
  peer_lost: {
    en: ["The connection between two servers broke.", "Try again."],
    nl: ["De verbinding tussen twee servers brak af.", "Probeer het nog eens."],
  },
  peer_silent: {
    en: ["A server did not answer another in time.", "Tell whoever runs them if it stays, then try again."],
    nl: [
      "Een server antwoordde een andere niet op tijd.",
      "Zeg het wie ze beheren als het zo blijft, en probeer het dan nog eens.",
    ],
  },
  peer_stopped: {
    en: ["Another server refused or failed.", "Try again; if it stays, tell whoever runs the servers."],
    nl: [
      "Een andere server weigerde of faalde.",
      "Probeer het nog eens; blijft het zo, zeg het wie de servers beheren.",
    ],
  },
  peer_misbehaves: {
    en: [
      "A server sent what it may not send.",
      "Tell whoever runs the servers, and use nothing that came of it.",
    ],
    nl: [
      "Een server stuurde wat niet mag.",
      "Zeg het wie de servers beheren, en gebruik niets wat ervan komt.",
    ],
  },
  request_missing: {
    en: ["One server was not given what the others were.", "Try again."],
    nl: ["Eén server kreeg niet wat de andere kregen.", "Probeer het nog eens."],
  },
  shutting_down: {
    en: ["The server is being stopped.", "Try again when it is back."],
    nl: ["De server wordt gestopt.", "Probeer het nog eens als hij terug is."],
  },
  servers_disagree: {
    en: [
      "The servers do not agree with each other.",
      "Look at the page “Approvers” at what each goes by, and tell whoever runs them.",
    ],
    nl: [
      "De servers zijn het niet eens met elkaar.",
      "Kijk op de pagina “Goedkeurders” waar elk van uitgaat, en zeg het wie ze beheren.",
    ],
  },
  inconsistent_shares: {
    en: [
      "Two copies of one part differ, so nothing was opened.",
      "Tell whoever runs the servers: one of them gave a wrong answer.",
    ],
    nl: [
      "Twee kopieën van één deel verschillen, dus er is niets geopend.",
      "Zeg het wie de servers beheren: een ervan gaf een verkeerd antwoord.",
    ],
  },
  garbled_answer: {
    en: [
      "A server gave an answer that cannot be read.",
      "Whoever runs it checks that portal and servers have one version.",
    ],
    nl: [
      "Een server gaf een antwoord dat niet te lezen is.",
      "Wie hem beheert gaat na dat portaal en servers dezelfde versie hebben.",
    ],
  },
  no_such_route: {
    en: [
      "A server was asked for something it does not offer.",
      "Whoever runs it checks that portal and servers have one version.",
    ],
    nl: [
      "Een server werd iets gevraagd wat hij niet biedt.",
      "Wie hem beheert gaat na dat portaal en servers dezelfde versie hebben.",
    ],
  },
  bad_request: {
    en: [
      "A server did not understand what it was sent.",
      "Load the page again; if it stays, tell whoever runs the portal.",
    ],
    nl: [
      "Een server begreep niet wat hij kreeg.",
      "Laad de pagina opnieuw; blijft het zo, zeg het wie het portaal beheert.",
    ],
  },
  sealed_unreadable: {
    en: [
      "A sealed parcel was cut or altered on its way, or is for another server.",
      "Load the page again and send it once more. If it stays, something between this browser and the server alters parcels: tell whoever runs the portal.",
    ],
    nl: [
      "Een verzegeld pakket is onderweg afgekapt of veranderd, of is voor een andere server.",
      "Laad de pagina opnieuw en verstuur het nog eens. Blijft het zo, dan verandert iets tussen deze browser en de server de pakketten: zeg het wie het portaal beheert.",
    ],
  },
  request_too_long: {
    en: [
      "It is longer than what is taken at once.",
      "Split the file, and upload its parts as tables of their own.",
    ],
    nl: [
      "Het is langer dan wat in één keer wordt aangenomen.",
      "Splits het bestand, en upload de delen als eigen tabellen.",
    ],
  },
  job_known: {
    en: ["The servers know this attempt already.", "Do it once more."],
    nl: ["De servers kennen deze poging al.", "Doe het nog eens."],
  },
  busy: {
    en: ["Too much waits for its turn on the servers.", "Try again later."],
    nl: ["Op de servers wacht te veel op zijn beurt.", "Probeer het later nog eens."],
  },
  memory_full: {
    en: [
      "The servers have no room for more tables.",
      "Ask whoever runs them to remove tables that are not needed.",
    ],
    nl: [
      "De servers hebben geen plaats voor meer tabellen.",
      "Vraag wie ze beheren om tabellen weg te doen die niet nodig zijn.",
    ],
  },
  evicted_table: {
    en: ["A computed table had to make room.", "Compute it again."],
    nl: ["Een berekende tabel moest plaatsmaken.", "Bereken haar opnieuw."],
  },
  bad_upload: {
    en: ["What arrived does not fit its columns.", "Load the page again, then upload again."],
    nl: ["Wat aankwam past niet bij de kolommen.", "Laad de pagina opnieuw, en upload dan opnieuw."],
  },
  copies_differ: {
    en: [
      "Two servers were given different parts, so nothing was kept.",
      "Upload again; if it comes back, tell whoever runs the servers.",
    ],
    nl: [
      "Twee servers kregen verschillende delen, dus er is niets bewaard.",
      "Upload opnieuw; komt het terug, zeg het wie de servers beheren.",
    ],
  },
  in_doubt: {
    en: [
      "A server was lost just while all three agreed to keep it; they settle it once all run.",
      "When they do, ask whoever runs them whether the table is there; if not, upload again.",
    ],
    nl: [
      "Een server viel weg juist toen alle drie afspraken het te bewaren; zij maken het af als alle drie lopen.",
      "Vraag dan wie ze beheren of de tabel er is; zo niet, upload opnieuw.",
    ],
  },
  protocol_failed: {
    en: [
      "The computation between the servers failed.",
      "Try again; if it comes back, tell whoever runs the servers.",
    ],
    nl: [
      "De berekening tussen de servers mislukte.",
      "Probeer het nog eens; komt het terug, zeg het wie de servers beheren.",
    ],
  },
  internal: {
    en: ["The portal or a server met an error of its own.", "Try again; if it stays, tell whoever runs it."],
    nl: [
      "Het portaal of een server liep op een eigen fout.",
      "Probeer het nog eens; blijft het zo, zeg het de beheerder.",
    ],
  },
  damaged_table: {
    en: ["A server’s part of the table is damaged.", "Whoever runs that server restores it from its backup."],
    nl: [
      "Het deel dat een server van de tabel heeft is beschadigd.",
      "Wie die server beheert zet het terug uit de back-up.",
    ],
  },
  storage_failed: {
    en: ["The disk of a server did not take it.", "Tell whoever runs that server, then try again."],
    nl: [
      "De schijf van een server nam het niet aan.",
      "Zeg het wie die server beheert, en probeer het dan nog eens.",
    ],
  },
  cancelled: {
    en: ["It was cancelled; all three servers stopped it.", "Do it once more."],
    nl: ["Het is afgebroken; alle drie de servers zijn ermee gestopt.", "Doe het nog eens."],
  },
  unknown_table: {
    en: ["The servers have no such table.", "Check the handle."],
    nl: ["De servers hebben zo’n tabel niet.", "Controleer de handle."],
  },
  bad_name: {
    en: ["A table cannot have this name.", "Choose another."],
    nl: ["Zo kan een tabel niet heten.", "Kies een andere naam."],
  },
  bad_rules: {
    en: ["The rules of the table make no sense.", "Ask for two rows or more, and name each column once."],
    nl: ["De regels van de tabel kunnen zo niet.", "Vraag twee rijen of meer, en noem elke kolom één keer."],
  },
  bad_type: {
    en: ["A column has a type that the servers do not know.", "Choose another type."],
    nl: ["Een kolom heeft een type dat de servers niet kennen.", "Kies een ander type."],
  },
  duplicate_column: {
    en: ["Two columns have one name.", "Give one of them another name."],
    nl: ["Twee kolommen heten hetzelfde.", "Geef een ervan een andere naam."],
  },
  too_many_rows: {
    en: [
      "The table has more rows than the servers hold.",
      "Split the file, and upload its parts as tables of their own.",
    ],
    nl: [
      "De tabel heeft meer rijen dan de servers aankunnen.",
      "Splits het bestand, en upload de delen als eigen tabellen.",
    ],
  },
  value_out_of_bounds: {
    en: ["A value lies outside the bounds of its column.", "Correct it, or give the column wider bounds."],
    nl: [
      "Een waarde valt buiten de grenzen van haar kolom.",
      "Verbeter haar, of geef de kolom ruimere grenzen.",
    ],
  },
} as const satisfies Refusals;
