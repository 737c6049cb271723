// Numbers, times and sizes as people write them.

import { daysOf, endOfDay } from "../contract/dates.ts";

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

/** The same with its weekday and month in words, so that nobody takes one number for the other. */
export function longDay(seconds: number, locale: Locale): string {
  const written = (options: Intl.DateTimeFormatOptions): string =>
    new Intl.DateTimeFormat(tag(locale), { ...options, timeZone: "UTC" }).format(seconds * 1000);
  // Put together here, because browsers differ in the comma between them.
  return `${written({ weekday: "long" })} ${written({ dateStyle: "long" })}`;
}

/** A day and minute with the reader's time zone, for what is signed. */
export function zoned(seconds: number, locale: Locale): string {
  const date = { day: "numeric", month: "short", year: "numeric" } as const;
  const time = { hour: "2-digit", minute: "2-digit", timeZoneName: "short" } as const;
  return new Intl.DateTimeFormat(tag(locale), { ...date, ...time }).format(seconds * 1000);
}

/** Whether it is as late in the reader's time zone as in UTC. */
export const isUtc = (seconds: number): boolean => new Date(seconds * 1000).getTimezoneOffset() === 0;

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
  const written = step === 0 ? ({ unitDisplay: "long" } as const) : ({ maximumFractionDigits: 1 } as const);
  const options = { style: "unit", unit, maximumFractionDigits: 0, ...written } as const;
  return new Intl.NumberFormat(tag(locale), options).format(bytes / 1000 ** step);
}

export const now = (): number => Math.floor(Date.now() / 1000);

/** The first second of a day (UTC), where approvals begin. `date` as `<input type="date">` writes it;
 *  undefined where no approval can hold that day, as those beyond the year 9999. */
export function firstSecond(date: string): number | undefined {
  const days = daysOf(date);
  return days === undefined ? undefined : days * 86_400;
}

/** The last one, where they end. */
export const lastSecond = endOfDay;

/** The latest day that can be signed. */
export const LAST_DAY = "9999-12-31";

/** As `<input type="date">` wants it. */
export const isoDay = (seconds: number): string => new Date(seconds * 1000).toISOString().slice(0, 10);

/** Long digests and handles, for lists: the beginning and the end. */
export const short = (text: string): string =>
  text.length > 16 ? `${text.slice(0, 8)}…${text.slice(-4)}` : text;
