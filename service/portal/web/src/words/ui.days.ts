import { both } from "./ui.both.ts";

/** What a chosen day comes down to. */
export const days = both(
  {
    from: (day: string) => `From ${day}, 00:00 UTC`,
    until: (day: string) => `Until ${day}, 23:59 UTC`,
    here: (moment: string) => `where you are that is ${moment}`,
    none: "No day is chosen: it does not end by itself.",
    choose: "Choose a day.",
    noSuchDay: "There is no such day.",
  },
  {
    from: (day: string) => `Vanaf ${day}, 00:00 UTC`,
    until: (day: string) => `Tot en met ${day}, 23:59 UTC`,
    here: (moment: string) => `bij u is dat ${moment}`,
    none: "Er is geen dag gekozen: het loopt niet vanzelf af.",
    choose: "Kies een dag.",
    noSuchDay: "Zo'n dag bestaat niet.",
  },
);
