// What the other thread runs.

import { serve } from "../data/serve.ts";

serve(self as unknown as Parameters<typeof serve>[0]);
