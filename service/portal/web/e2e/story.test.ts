// The whole story with real servers, a real portal and a real browser for each of its people.
// Chapters are played in this order; each builds on what those before it made.

import "./chapters/seed.ts";
import "./chapters/run.ts";
import "./chapters/deletion.ts";
import "./chapters/refusals.ts";
import { parcelChapters } from "./chapters/parcels.ts";
import "./chapters/tampering.ts";
import "./chapters/expiry.ts";
import "./chapters/keyboard.ts";
import "./chapters/leaving.ts";
import "./chapters/upload.ts";
import "./chapters/days.ts";
import "./chapters/flow.ts";
import "./chapters/account.ts";
import "./chapters/site.ts";
import "./chapters/passkeys.ts";
import { lastPages } from "./chapters/pages.ts";
import { peopleChapters } from "./chapters/people.ts";

parcelChapters();
peopleChapters();
lastPages();
