// All words of the page that are not about a script: those stand beside what reads scripts.

import type { Locale } from "../state/format.ts";
import { account } from "./ui.account.ts";
import { common } from "./ui.common.ts";
import { days } from "./ui.days.ts";
import { elsewhere } from "./ui.elsewhere.ts";
import { home } from "./ui.home.ts";
import { journal } from "./ui.journal.ts";
import { keys } from "./ui.keys.ts";
import { passkeys } from "./ui.passkeys.ts";
import { people } from "./ui.people.ts";
import { policy } from "./ui.policy.ts";
import { remove } from "./ui.remove.ts";
import { requests } from "./ui.requests.ts";
import { review } from "./ui.review.ts";
import { rules } from "./ui.rules.ts";
import { tables } from "./ui.tables.ts";
import { upload } from "./ui.upload.ts";

const all = {
  account,
  common,
  days,
  elsewhere,
  home,
  journal,
  keys,
  passkeys,
  people,
  policy,
  remove,
  requests,
  review,
  rules,
  tables,
  upload,
};

export type UiWords = { [Area in keyof typeof all]: (typeof all)[Area]["en"] };

function inOne(locale: Locale): UiWords {
  return {
    account: account[locale],
    common: common[locale],
    days: days[locale],
    elsewhere: elsewhere[locale],
    home: home[locale],
    journal: journal[locale],
    keys: keys[locale],
    passkeys: passkeys[locale],
    people: people[locale],
    policy: policy[locale],
    remove: remove[locale],
    requests: requests[locale],
    review: review[locale],
    tables: tables[locale],
    rules: rules[locale],
    upload: upload[locale],
  };
}

export const ui: Record<Locale, UiWords> = { en: inOne("en"), nl: inOne("nl") };
