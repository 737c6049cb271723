import { both } from "./ui.both.ts";

/** What servers hold scripts to that use a table. */
export const rules = both(
  {
    minimum: "Rows behind every opened value, at least",
    minimumHint:
      "The servers open nothing over fewer rows of the table. 10 is usual; 2 means that no single row is opened; leave it empty for no limit.",
    minimumWrong: "A whole number, 2 or more.",
    step: "Counts as multiples of",
    stepHint:
      "Counts are rounded down, sums are given in equally coarse steps, and means are not given. Leave it empty for exact counts.",
    stepWrong: "A whole number from 2 to 1000.",
    raised: (n: number) =>
      `The servers then ask for ${n} rows behind every opened value: a multiple, so that a refusal tells no more than a rounded count.`,
    rounded: (n: number) => `Counts as multiples of ${n} only, sums as coarsely, no means`,
    joinOnly: "Columns for joining only",
    joinOnlyHint: "Such as patient numbers. They are neither opened nor computed with.",
    joinOnlyLines: "One on each line, as they are called in the table.",
    atLeast: (n: number) => `At least ${n} rows behind every opened value`,
    onlyJoined: (names: string) => `For joining only: ${names}`,
    note: "Note",
    none: "The servers hold scripts to nothing in particular.",
    kept: "The servers hold every script to them.",
    ofLeave: "Rules of this upload",
    ofLeaveText: "They were signed with your permission. For other rules, ask for another permission.",
    missing: (names: string) =>
      `The permission says that these columns serve for joining only, and this table has none of that name: ${names}. Rename columns, or ask for another permission.`,
  },
  {
    minimum: "Rijen achter elke geopende waarde, ten minste",
    minimumHint:
      "De servers openen niets over minder rijen van de tabel. 10 is gebruikelijk; 2 betekent dat geen enkele losse rij opengaat; laat het leeg voor geen grens.",
    minimumWrong: "Een geheel getal, 2 of meer.",
    step: "Aantallen als veelvoud van",
    stepHint:
      "Aantallen worden naar beneden afgerond, sommen worden in even grove stappen gegeven, en gemiddelden niet. Laat het leeg voor precieze aantallen.",
    stepWrong: "Een geheel getal van 2 tot en met 1000.",
    raised: (n: number) =>
      `De servers vragen dan ${n} rijen achter elke geopende waarde: een veelvoud, zodat een weigering niet meer vertelt dan een afgerond aantal.`,
    rounded: (n: number) => `Aantallen alleen als veelvoud van ${n}, sommen even grof, geen gemiddelden`,
    joinOnly: "Kolommen om alleen te koppelen",
    joinOnlyHint: "Zoals patiëntnummers. Zij worden niet geopend en er wordt niet mee gerekend.",
    joinOnlyLines: "Eén op elke regel, zoals zij in de tabel heten.",
    atLeast: (n: number) => `Ten minste ${n} rijen achter elke geopende waarde`,
    onlyJoined: (names: string) => `Alleen om te koppelen: ${names}`,
    note: "Opmerking",
    none: "De servers houden scripts aan niets in het bijzonder.",
    kept: "De servers houden elk script eraan.",
    ofLeave: "Regels van deze upload",
    ofLeaveText: "Zij werden met uw toestemming getekend. Vraag voor andere regels een andere toestemming.",
    missing: (names: string) =>
      `De toestemming zegt dat deze kolommen alleen om te koppelen dienen, en deze tabel heeft er geen met die naam: ${names}. Hernoem kolommen, of vraag een andere toestemming.`,
  },
);
