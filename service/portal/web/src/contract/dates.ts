// Days since 1970-01-01, and the ISO dates they are written as.

const DAY = 86_400_000;
const LAST = 2_932_896;
const FIRST = -719_162;

/** Reads exactly `YYYY-MM-DD`, years 0001 to 9999. */
export function daysOf(date: string): number | undefined {
  if (!/^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(date) || date.startsWith("0000")) return undefined;
  const moment = Date.parse(`${date}T00:00:00Z`);
  // Some engines turn 30 February into a day of March.
  return Number.isNaN(moment) || dateOf(moment / DAY) !== date ? undefined : moment / DAY;
}

/** Days outside the years that can be written come out as a bare number. */
export function dateOf(days: number): string {
  return days < FIRST || days > LAST ? String(days) : new Date(days * DAY).toISOString().slice(0, 10);
}

/** The last second of a day (`2027-01-31`) in UTC. */
export function endOfDay(date: string): number | undefined {
  const days = daysOf(date);
  return days === undefined ? undefined : (days + 1) * 86_400 - 1;
}

const LAST_SECOND = 253_402_207_200;
const FIRST_SECOND = -377_705_023_201;

/** Unix seconds as people read them. */
export function moment(seconds: number): string {
  if (seconds < FIRST_SECOND || seconds > LAST_SECOND) return `second ${seconds}`;
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}
