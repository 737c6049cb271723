// Numbers, times and sizes as people write them.

export type Locale = "en" | "nl";

const tag = (locale: Locale): string => (locale === "nl" ? "nl-NL" : "en-GB");

/** A day and minute, in the reader's own time zone. `seconds` since 1970. */
export function moment(seconds: number, locale: Locale): string {
  return new Intl.DateTimeFormat(tag(locale), { dateStyle: "medium", timeStyle: "short" }).format(
    seconds * 1000,
  );
}

/** The day in UTC, as approvals count it. */
export function day(seconds: number, locale: Locale): string {
  return new Intl.DateTimeFormat(tag(locale), { dateStyle: "medium", timeZone: "UTC" }).format(
    seconds * 1000,
  );
}

/** "3 hours ago", "in 5 days", "now". */
export function away(seconds: number, now: number, locale: Locale): string {
  const format = new Intl.RelativeTimeFormat(tag(locale), { numeric: "auto" });
  const difference = seconds - now;
  const size = Math.abs(difference);
  // Not of minutes: "binnen een minuut" is about to happen.
  if (size < 60) return format.format(0, "second");
  if (size < 3600) return format.format(Math.trunc(difference / 60), "minute");
  if (size < 86_400) return format.format(Math.trunc(difference / 3600), "hour");
  return format.format(Math.trunc(difference / 86_400), "day");
}

export function count(value: number | bigint, locale: Locale): string {
  return new Intl.NumberFormat(tag(locale)).format(value);
}

/** Bytes, in units of 1000. */
export function size(bytes: number, locale: Locale): string {
  const units = ["byte", "kilobyte", "megabyte", "gigabyte"] as const;
  const step = bytes < 1000 ? 0 : Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const unit = units[step] ?? "byte";
  const options = { style: "unit", unit, maximumFractionDigits: step === 0 ? 0 : 1 } as const;
  return new Intl.NumberFormat(tag(locale), options).format(bytes / 1000 ** step);
}

export const now = (): number => Math.floor(Date.now() / 1000);

/** The last second of a day (UTC), as approvals end. `date` as `<input type="date">` writes it. */
export function lastSecond(date: string): number | undefined {
  const start = firstSecond(date);
  return start === undefined ? undefined : start + 86_399;
}

export function firstSecond(date: string): number | undefined {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(date)) return undefined;
  const start = Date.parse(`${date}T00:00:00Z`);
  return Number.isNaN(start) ? undefined : start / 1000;
}

/** As `<input type="date">` wants it. */
export const isoDay = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 10);

/** Long digests and handles, for lists: the beginning and the end. */
export const short = (text: string): string =>
  text.length > 16 ? `${text.slice(0, 8)}…${text.slice(-4)}` : text;
